"""Naive Bayes of Bernoulli, categorical and Gaussian features together, as a classifier of scikit-learn."""

from __future__ import annotations

from math import isnan
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from ...bayesnet import BayesNet
from ...conditionals.gaussian import Normal
from ...conditionals.table import CPT, Categorical
from .categories import Column, HandleUnknown, check_handle_unknown, encode_columns
from .checks import check_at_least_zero, check_fitted, checked_weights, unused
from .class_statistics import Classes, Counts, Moments, sums
from .columns import Values, read_columns
from .feature_kinds import binarized, kinds_of_features, learn_features, with_new_categories
from .naive_scores import Scores
from .targets import encode_targets, learn_classes, log_normalized, read_targets

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]


class NaiveBayes(ClassifierMixin, BaseEstimator):
    """Features independent given the class: p(y, x) = p(y) prod_i p(x_i | y), with features of any kinds together.

    The estimates are those of scikit-learn's ``BernoulliNB`` and ``CategoricalNB``, (N + alpha) / sum (N + alpha), and
    ``GaussianNB``, mean and variance of each class, to which ``var_smoothing`` x the largest variance of any Gaussian
    feature is added. Missing values are left out of the counts, and of the posterior of a row, which is exact.

    Parameters
    ----------
    features : "auto", or the kind of all features, or a kind for each, as a list or a mapping from names or places,
        which leaves the others to "auto": "bernoulli" (numbers above ``binarize``, booleans), "categorical" (labels, or
        numbers: whole ones from 0 are codes up to the largest, as in ``CategoricalNB``), "gaussian" (numbers).
        "auto" takes labels and booleans as categorical, and numbers where all are whole and at most 20 different ones
        occur; others are Gaussian.
    alpha : pseudo-count of each state, Laplace's 1 by default; 0 is maximum likelihood.
    var_smoothing : share of the largest variance of all features.
    binarize : numbers above it are True in a Bernoulli feature.
    fit_prior, class_prior : classes are as frequent as in the data, unless ``fit_prior`` is False (all the same), or
        ``class_prior`` ``(n_classes,)`` is given.
    handle_unknown : a category that ``fit`` has not seen is an "error", or "missing".

    Attributes
    ----------
    classes_, class_count_, class_log_prior_, n_features_in_, feature_names_in_ : as in scikit-learn.
    feature_log_prob_ : log P(state | class), ``(n_classes, n_states)``, of each discrete feature by name.
    theta_, var_ : means and variances ``(n_classes, n_gaussian)`` of Gaussian features; ``epsilon_`` is in them.
    columns_ : of each feature its name and its categories. net_ : the same as a network, class ``"y"`` first.

    Raises
    ------
    ValueError : rows, classes or weights that do not fit together, options that are none, infinite numbers, categories
        not seen. NotFittedError (scikit-learn's and ours) : asked before ``fit``.

    Examples
    --------
    >>> from fastdgm.interop.sklearn import NaiveBayes
    >>> X = [["f", 1.62], ["m", 1.81], ["f", 1.66], ["m", None]]
    >>> NaiveBayes().fit(X, ["no", "yes", "no", "yes"]).predict([[None, 1.65]])
    array(['no'], dtype='<U3')
    """

    def __init__(
        self,
        features: Any = "auto",
        *,
        alpha: float = 1.0,
        var_smoothing: float = 1e-9,
        binarize: float = 0.0,
        fit_prior: bool = True,
        class_prior: Any = None,
        handle_unknown: HandleUnknown = "error",
    ) -> None:
        self.features = features
        self.alpha = alpha
        self.var_smoothing = var_smoothing
        self.binarize = binarize
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.handle_unknown = handle_unknown

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NaiveBayes:
        """Learn from rows ``(n_rows, n_features)`` and their classes ``(n_rows,)``, afresh; returns self."""
        self._check_options()
        columns = read_columns(self, X, reset=True)
        targets = read_targets(self, y, len(next(iter(columns.values()))))
        classes, codes = learn_classes(targets)
        weights = checked_weights(sample_weight, len(codes))
        self._start(columns, classes)
        self._add(columns, codes, weights)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> NaiveBayes:
        """Take more rows in, as if they had come in one ``fit`` with those before; returns self.

        The first call names all ``classes``. Kinds of features are decided by its rows; new categories may come.
        """
        self._check_options()
        is_first = not hasattr(self, "classes_")
        if is_first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit: later rows may bring others")
        known = self.classes_ if classes is None else np.unique(np.asarray(classes))
        if not is_first and not np.array_equal(known, self.classes_):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {self.classes_!r}"
            )
        columns = read_columns(self, X, reset=is_first)
        targets = read_targets(self, y, len(next(iter(columns.values()))))
        codes = encode_targets(targets, known)
        weights = checked_weights(sample_weight, len(codes))
        if is_first:
            self._start(columns, known)
        else:
            self._grow(columns)
        self._add(columns, codes, weights)
        return self

    def predict(self, X: Any) -> Array:
        """The most probable class of each row (n_rows,)."""
        codes = np.argmax(self.predict_joint_log_proba(X), axis=1)
        found: Array = self.classes_[codes]
        return found

    def predict_proba(self, X: Any) -> Numbers:
        """P(class | row), ``(n_rows, n_classes)``, in the order of ``classes_``."""
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> Numbers:
        """log P(class | row), ``(n_rows, n_classes)``, nats."""
        return log_normalized(self.predict_joint_log_proba(X), type(self).__name__)

    def predict_joint_log_proba(self, X: Any) -> Numbers:
        """log p(class, row), ``(n_rows, n_classes)``, nats; what is missing is summed out."""
        check_fitted(self, "columns_")
        columns = self._binarized(read_columns(self, X, reset=False))
        encoded = encode_columns(columns, self.columns_, self.handle_unknown)
        return self._scores(encoded)

    @property
    def net_(self) -> BayesNet:
        """This classifier as a network: the class ``"y"``, and a variable for each feature."""
        check_fitted(self, "columns_")
        target = unused("y", [own.name for own in self.columns_])
        conditionals: dict[str, Any] = {
            target: Categorical(np.exp(self.class_log_prior_), [str(label) for label in self.classes_.tolist()])
        }
        gaussian = iter(zip(self.theta_.T, self.var_.T, strict=True))
        for own in self.columns_:
            if own.categories is None:
                mean, variance = next(gaussian)
                conditionals[own.name] = Normal.given([target], mean, np.sqrt(variance))
            else:
                conditionals[own.name] = CPT([target], np.exp(self.feature_log_prob_[own.name]), own.states)
        return BayesNet(conditionals)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = tags.input_tags.string = self.features not in ("bernoulli", "gaussian")
        tags.classifier_tags.poor_score = self.features == "bernoulli"  # of numbers only their signs are looked at
        return tags

    # --- what it knows ---

    def _check_options(self) -> None:
        check_at_least_zero(alpha=self.alpha, var_smoothing=self.var_smoothing)
        if not isinstance(self.binarize, Real) or isnan(self.binarize):
            raise ValueError(f"binarize is a number, got {self.binarize!r}")
        check_handle_unknown(self.handle_unknown)

    def _start(self, columns: dict[str, Values], classes: Array) -> None:
        """Forget all rows, and decide what features are."""
        kinds = kinds_of_features(self.features, list(columns))
        known = learn_features(binarized(columns, kinds, self.binarize), kinds)
        prior = self._given_prior(len(classes))
        n = len(classes)
        self.classes_: Array = classes
        self._kinds, self._prior = kinds, prior
        self.class_count_: Array = np.zeros(n)
        self._statistics = [
            Moments.none(column, n) if column.categories is None else Counts.none(column, n) for column in known
        ]

    def _given_prior(self, n_classes: int) -> Numbers | None:
        """Probabilities of classes that are not learnt."""
        if self.class_prior is None:
            return None if self.fit_prior else np.full(n_classes, 1 / n_classes)
        prior = np.asarray(self.class_prior, np.float64)
        if prior.shape != (n_classes,) or prior.min() < 0 or not np.isclose(prior.sum(), 1):
            raise ValueError(
                f"class_prior has a probability for each of the {n_classes} classes, which sum to 1, got {prior}"
            )
        return prior

    def _grow(self, columns: dict[str, Values]) -> None:
        """Take the categories of new rows to those known."""
        grown = with_new_categories(self._binarized(columns), self._statistics, self._kinds)
        for own, column in grown:
            own.grow(column)

    def _add(self, columns: dict[str, Values], codes: Array, weights: Numbers | None) -> None:
        """Take rows in, and update the estimates."""
        classes = Classes(codes, len(self.classes_), weights)
        encoded = encode_columns(self._binarized(columns), [own.column for own in self._statistics])
        self.class_count_ = self.class_count_ + sums(codes, classes.n, classes.weights)
        for own in self._statistics:
            own.add(encoded[own.column.name], classes)
        self._estimate()

    def _estimate(self) -> None:
        self.columns_: list[Column] = [own.column for own in self._statistics]
        counts = [own for own in self._statistics if isinstance(own, Counts)]
        moments = [own for own in self._statistics if isinstance(own, Moments)]
        n = len(self.classes_)
        prior = self.class_count_ / self.class_count_.sum() if self._prior is None else self._prior
        self.epsilon_: float = self.var_smoothing * max((own.spread for own in moments), default=0.0)
        self.theta_: Array = np.stack([own.mean for own in moments], axis=1) if moments else np.empty((n, 0))
        variances = [own.variances() for own in moments]
        self.var_: Array = np.stack(variances, axis=1) + self.epsilon_ if moments else np.empty((n, 0))
        with np.errstate(divide="ignore"):
            self.class_log_prior_: Array = np.log(prior)
            self.feature_log_prob_: dict[str, Array] = {
                own.column.name: np.log(own.probabilities(self.alpha)) for own in counts
            }
        gaussian = [own.column.name for own in moments]
        self._scores = Scores(self.class_log_prior_, self.feature_log_prob_, gaussian, self.theta_, self.var_)

    def _binarized(self, columns: dict[str, Values]) -> dict[str, Values]:
        return binarized(columns, self._kinds, self.binarize)
