"""DensityEstimator, OutlierDetector and Sampler in scikit-learn's tools, beside its own estimators."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import fastdgm as fd

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError as TheirNotFittedError
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from fastdgm.interop.sklearn import DensityEstimator, OutlierDetector, Sampler
from fastdgm.interop.sklearn.outliers import quantile

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 2)) @ [[1.0, 0.5], [0.0, 2.0]] + RNG.integers(0, 2, (150, 1)) * 9.0
MISSING = "its data are made whole numbers, which are categories here, and missing categories are summed out"


def frame(pandas):
    """Columns of all kinds, where the colour and the price go together."""
    rng = np.random.default_rng(1)
    red = rng.random(200) < 0.5
    return pandas.DataFrame(
        {
            "colour": np.where(red, "red", "blue"),
            "price": np.where(red, 10.0, 20.0) + rng.normal(size=200),
            "sold": rng.random(200) < 0.3,
            "size": pandas.Categorical(rng.choice(["S", "M", "L"], 200), ["S", "M", "L", "XL"], ordered=True),
            "year": rng.integers(1900, 2000, 200).astype(np.int16),
        }
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (DensityEstimator(), {}),
        (DensityEstimator("naive_bayes", n_components=2), {}),
        (OutlierDetector(), {"check_estimators_nan_inf": MISSING}),
        (OutlierDetector("independent"), {}),
        (Sampler(), {}),
    ],
    ids=lambda own: None if isinstance(own, dict) else repr(own),
)
def test_scikit_learns_checks(estimator, expected):
    check_estimator(estimator, expected_failed_checks=expected)


@pytest.mark.parametrize("n_components", [1, 2])
def test_real_columns_are_a_gaussian_mixture(n_components):
    theirs = GaussianMixture(n_components, reg_covar=0.0, tol=1e-9, max_iter=1000, random_state=0).fit(X)
    ours = DensityEstimator(n_components=n_components, random_state=0, fit_options={"tolerance": 1e-9}).fit(X)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-4)
    assert ours.score(X) == pytest.approx(theirs.score(X), rel=1e-6)


def test_discrete_columns_are_counted():
    codes = np.array([[0, 5], [1, 5], [1, 7]])
    found = DensityEstimator().fit(codes)
    np.testing.assert_allclose(np.exp(found.score_samples([[1, 5], [0, 7]])), [3 / 5 * 3 / 5, 2 / 5 * 2 / 5])
    weighted = DensityEstimator(prior=0.0).fit(codes, sample_weight=[0, 1, 1])
    assert np.exp(weighted.score_samples([[1, 5]])) == pytest.approx(0.5)
    assert found.score_samples([[1, 6], [2, 5]]).tolist() == [-np.inf, -np.inf]


def test_structures_by_name():
    pandas = pytest.importorskip("pandas")
    rows = frame(pandas)[["sold", "colour", "price"]]
    scores = {
        model: DensityEstimator(model).fit(rows).score(rows)
        for model in ("mixture", "independent", "markov_chain", "full_joint")
    }
    assert scores["mixture"] == pytest.approx(scores["independent"])
    assert scores["full_joint"] > scores["independent"]


def test_a_component_ties_columns_of_all_kinds():
    rows = frame(pytest.importorskip("pandas"))[["colour", "price"]]
    by_components = {
        k: DensityEstimator("naive_bayes", n_components=k, random_state=0).fit(rows).score(rows) for k in (1, 2)
    }
    assert by_components[2] > by_components[1] + 0.5


def test_collinear_and_constant_columns():
    wide = np.column_stack([X, X.sum(axis=1), np.full(len(X), 0.1)])
    found = DensityEstimator().fit(wide)
    assert np.isfinite(found.score_samples(wide)).all()
    assert found.score_samples(wide + np.array([0, 0, 1, 0])).max() < found.score_samples(wide).min()
    with pytest.raises(ValueError, match="constant or a linear function"):
        DensityEstimator(n_components=2, random_state=0).fit(wide)


def test_searches_cross_validation_and_pipelines():
    search = GridSearchCV(DensityEstimator(random_state=0), {"n_components": [1, 2], "prior": [1.0]}, cv=3).fit(X)
    assert search.best_params_["n_components"] == 2
    steps = make_pipeline(StandardScaler(), DensityEstimator())
    assert np.isfinite(cross_val_score(steps, X, cv=3)).all()
    assert steps.fit(X).score_samples(X).shape == (150,)
    models = GridSearchCV(DensityEstimator(), {"model": ["independent", "mixture"]}, cv=3).fit(X)
    assert models.best_params_ == {"model": "mixture"}


def test_given_models_are_cloned_and_learnt():
    bits = RNG.integers(0, 2, (80, 3))
    made = fd.MADE(3, (4,))
    found = DensityEstimator(made, fit_options={"epochs": 2, "progress": False}).fit(bits)
    assert not made.is_fitted
    np.testing.assert_array_equal(found.score_samples(bits), found.model_.log_prob(bits))
    assert found.sample(5, random_state=0).shape == (5, 3)
    assert clone(found).set_params(model__hidden=(6,)).model.hidden == (6,)
    with pytest.raises(TypeError, match="sample_weight is of networks"):
        DensityEstimator(made).fit(bits, sample_weight=np.ones(80))


def test_a_given_network_reads_frames():
    pandas = pytest.importorskip("pandas")
    rows = frame(pandas)[["price", "sold", "colour"]]
    net = fd.BayesNet.from_edges([("colour", "price")], ["colour", "price", "sold"])
    found = Sampler(net).fit(rows)
    drawn = found.sample(40, random_state=1)
    assert drawn.dtypes.equals(rows.dtypes)
    assert (drawn.groupby("colour")["price"].mean().round(-1) == [20, 10]).all()
    assert not net.is_fitted
    outliers = OutlierDetector(net).fit(rows)
    odd = rows.iloc[:1].assign(colour="red", price=20.0)
    assert outliers.predict(odd).tolist() == [-1]


def test_outliers():
    found = OutlierDetector(contamination=0.1).fit(X)
    np.testing.assert_array_equal(found.decision_function(X), found.score_samples(X) - found.offset_)
    assert (found.predict(X) == -1).sum() == 15
    assert (OutlierDetector(contamination=0.1).fit_predict(X) == found.predict(X)).all()
    assert OutlierDetector().fit(np.array([[0], [1]] * 5)).predict([[2]]).tolist() == [-1]
    for wrong in (0.0, 0.6, -1, "auto"):
        with pytest.raises(ValueError, match=r"contamination must be in \(0, 0.5\]"):
            OutlierDetector(contamination=wrong).fit(X)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.25, 0.5])
def test_weighted_quantiles_are_those_of_repeated_rows(share):
    scores, weights = RNG.normal(size=30), RNG.integers(0, 4, 30)
    assert quantile(scores, share) == pytest.approx(np.quantile(scores, share))
    assert quantile(scores, share, weights) == pytest.approx(np.quantile(np.repeat(scores, weights), share))


@pytest.mark.parametrize("model", ["mixture", "independent", "naive_bayes"])
def test_synthetic_frames_have_the_columns_and_types(model):
    pandas = pytest.importorskip("pandas")
    rows = frame(pandas)
    sampler = Sampler(model).fit(rows)
    drawn = sampler.sample(300, random_state=0)
    assert drawn.columns.tolist() == rows.columns.tolist()
    assert drawn.dtypes.equals(rows.dtypes)
    assert set(drawn["colour"]) == {"red", "blue"}
    assert set(drawn["size"]) >= {"S", "M", "L"}
    assert drawn["year"].mean() == pytest.approx(rows["year"].mean(), abs=8)
    pandas.testing.assert_frame_equal(drawn, pickle.loads(pickle.dumps(sampler)).sample(300, random_state=0))
    assert not drawn.equals(sampler.sample(300, random_state=1))
    assert np.isfinite(sampler.score_samples(drawn)).all()


def test_synthetic_rows_given_some_values():
    rows = frame(pytest.importorskip("pandas"))[["colour", "price", "sold"]]
    sampler = Sampler("full_joint").fit(rows)
    drawn = sampler.sample(100, random_state=0, given={"colour": "blue", "sold": True})
    assert set(drawn["colour"]) == {"blue"}
    assert drawn["sold"].all()
    assert drawn["price"].mean() == pytest.approx(20, abs=0.7)
    with pytest.raises(KeyError, match=r"no column 'color'.*did you mean 'colour'"):
        sampler.sample(given={"color": "blue"})
    with pytest.raises(ValueError, match="'green' is a category that fit has not seen"):
        sampler.sample(given={"colour": "green"})
    with pytest.raises(TypeError, match="given= is a mapping from columns to values, got list"):
        sampler.sample(given=["colour"])
    for value in ("10", None, np.nan, np.inf):
        with pytest.raises(ValueError, match="column 'price' holds finite numbers"):
            sampler.sample(given={"price": value})
    with pytest.raises(ValueError, match="numbers cannot be given to a mixture"):
        Sampler().fit(rows).sample(given={"price": 10.0})


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.bool_])
def test_synthetic_arrays_have_the_type(dtype):
    rows = RNG.integers(0, 2 if dtype is np.bool_ else 60, (200, 2)).astype(dtype)
    drawn = Sampler().fit(rows).sample(500, random_state=0)
    assert drawn.dtype == dtype
    assert drawn.shape == (500, 2)
    assert drawn.astype(float).mean() == pytest.approx(rows.astype(float).mean(), rel=0.15)


def test_synthetic_lists_of_labels_and_numbers():
    rows = [["a", 0.5], ["b", 1.25], ["a", 0.75]]
    drawn = Sampler().fit(np.array(rows, object)).sample(4, random_state=0)
    assert drawn.dtype == object
    assert {type(value) for value in drawn[:, 1]} == {float}
    assert set(drawn[:, 0]) <= {"a", "b"}


def test_synthetic_polars_and_arrow():
    polars = pytest.importorskip("polars")
    rows = polars.DataFrame(
        {"a": ["x", "y", "x"], "b": [0.5, 1.5, 2.5], "c": [1, 2, 1]}, schema_overrides={"c": polars.Int8}
    )
    assert Sampler().fit(rows).sample(5, random_state=0).schema == rows.schema
    pytest.importorskip("pyarrow")
    assert Sampler().fit(rows.to_arrow()).sample(5, random_state=0).schema.names == ["a", "b", "c"]


def test_missing_values():
    gaps = X.copy()
    gaps[3, 1] = np.nan
    with pytest.raises(ValueError, match="model='mixture', column 'x1' is NaN in row 3: impute"):
        DensityEstimator().fit(gaps)
    found = DensityEstimator("independent").fit(gaps)
    alone = DensityEstimator("independent").fit(X[:, :1])
    assert found.score_samples(gaps)[3] == pytest.approx(alone.score_samples(X[:, :1])[3])
    labels = np.array([["a"], ["b"], [None], ["a"]], object)
    assert DensityEstimator(prior=0.0).fit(labels).score_samples(labels).tolist() == pytest.approx(
        np.log([2 / 3, 1 / 3, 1, 2 / 3]).tolist(), abs=1e-6
    )


@pytest.mark.parametrize(
    ("options", "rows", "message"),
    [
        ({"model": "tree"}, X, "model is a model of fastdgm or one of mixture, .* got 'tree'"),
        ({"model": 3}, X, "model is a model of fastdgm or one of mixture, .* got 3"),
        ({"n_components": 0}, X, "n_components must be at least 1"),
        ({"model": "full_joint", "n_components": 2}, X, "n_components is of mixture and naive_bayes"),
        ({}, X[:1], "n_samples = 1"),
        ({}, X[:2, :0], "0 feature"),
        ({}, np.full((5, 2), np.inf), "infinity"),
    ],
)
def test_bad_input(options, rows, message):
    with pytest.raises(ValueError, match=message):
        DensityEstimator(**options).fit(rows)


def test_bad_weights_and_no_fit():
    with pytest.raises(ValueError, match="one weight for each of the 150 rows"):
        DensityEstimator().fit(X, sample_weight=np.ones(3))
    for error in (TheirNotFittedError, fd.NotFittedError):
        with pytest.raises(error):
            DensityEstimator().score_samples(X)
        with pytest.raises(error):
            Sampler().sample(3)
    with pytest.raises(ValueError, match="n_samples must be at least 1"):
        DensityEstimator().fit(X).sample(0)
