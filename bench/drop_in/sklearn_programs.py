"""scikit-learn: naive Bayes of 100 000 rows, and classes of rows with missing values."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from pairs import Pair, Program

N_ROWS = 100_000
KINDS = {"gaussian": "GaussianNB", "bernoulli": "BernoulliNB", "categorical": "CategoricalNB"}


@cache
def rows(kind: str) -> tuple[Any, Any]:
    """X and y of three classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, N_ROWS)
    if kind == "gaussian":
        return rng.normal(size=(N_ROWS, 20)) + y[:, None] * rng.normal(size=20), y
    if kind == "bernoulli":
        return (rng.random((N_ROWS, 50)) < 0.1 + 0.2 * y[:, None]).astype(float), y
    return rng.integers(0, 5, (N_ROWS, 20)) + 2 * (y == 1)[:, None], y


@cache
def incomplete() -> tuple[Any, Any]:
    """Ten numbers, of which a tenth is missing."""
    X, y = rows("gaussian")
    return np.where(np.random.default_rng(1).random((N_ROWS, 10)) < 0.1, np.nan, X[:, :10]), y


def naive_bayes(kind: str) -> tuple[Any, Any]:
    """Ours and theirs, not fitted."""
    import sklearn.naive_bayes

    from fastdgm.interop.sklearn import NaiveBayes

    return NaiveBayes(kind), getattr(sklearn.naive_bayes, KINDS[kind])()


def fits(kind: str) -> Callable[[], Pair]:
    """Of naive Bayes."""

    def make() -> Pair:
        (ours, theirs), (X, y) = naive_bayes(kind), rows(kind)
        return Pair(lambda: ours.fit(X, y), lambda: theirs.fit(X, y))

    return make


def probabilities(kind: str) -> Callable[[], Pair]:
    """Of classes, by fitted models."""

    def make() -> Pair:
        X, y = rows(kind)
        ours, theirs = (model.fit(X, y) for model in naive_bayes(kind))
        return Pair(lambda: ours.predict_proba(X), lambda: theirs.predict_proba(X))

    return make


def of_incomplete_rows() -> Pair:
    """Exact posteriors, against means in the place of what is missing: of theirs only trees take missing values."""
    from sklearn.impute import SimpleImputer
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline

    from fastdgm.interop.sklearn import BayesNetClassifier

    X, y = incomplete()
    ours = BayesNetClassifier().fit(X, y)
    theirs = make_pipeline(SimpleImputer(), GaussianNB()).fit(X, y)
    return Pair(lambda: ours.predict_proba(X), lambda: theirs.predict_proba(X))


def imputed_rows() -> Pair:
    """A mixture of eight components, against scikit-learn's rounds of regressions."""
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    from fastdgm.interop.sklearn import BayesNetImputer

    X = incomplete()[0][:10_000]
    return Pair(
        lambda: BayesNetImputer(random_state=0).fit_transform(X),
        lambda: IterativeImputer(random_state=0).fit_transform(X),
    )


NEEDS = ("sklearn",)
PROGRAMS = [
    *(Program(f"scikit-learn naive Bayes fit, {kind}", NEEDS, None, fits(kind)) for kind in KINDS),
    *(Program(f"scikit-learn naive Bayes probabilities, {kind}", NEEDS, None, probabilities(kind)) for kind in KINDS),
    Program(
        "scikit-learn predict_proba, a tenth missing",
        NEEDS,
        None,
        of_incomplete_rows,
        note="theirs: SimpleImputer and GaussianNB",
    ),
    Program("scikit-learn imputation, a tenth missing", NEEDS, None, imputed_rows, 3, "theirs: IterativeImputer"),
]
