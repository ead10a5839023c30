"""Naive Bayes of features of any kinds: scikit-learn's three classifiers in one, with missing values."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import fastdgm as fd

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, GaussianNB
from sklearn.utils.estimator_checks import check_estimator

from fastdgm.interop.sklearn import NaiveBayes

RNG = np.random.default_rng(3)
N = 400
Y = RNG.integers(0, 3, N)
WEIGHTS = RNG.random(N) * 3
OWN_DATA = {
    "gaussian": (
        GaussianNB,
        RNG.normal(size=(N, 4)) * [1, 1e-3, 30, 1] + Y[:, None] * [1, 0.0, 5, 0] + [0, 1, 1e4, -5],
    ),
    "bernoulli": (BernoulliNB, (RNG.random((N, 5)) < 0.2 + 0.2 * Y[:, None]).astype(float)),
    "categorical": (CategoricalNB, RNG.integers(0, 4, (N, 3)) + (Y == 1)[:, None]),
}


def assert_same(ours, theirs, X) -> None:
    assert ours.predict_joint_log_proba(X) == pytest.approx(theirs.predict_joint_log_proba(X), rel=1e-9, abs=1e-9)
    assert ours.predict_log_proba(X) == pytest.approx(theirs.predict_log_proba(X), rel=1e-9, abs=1e-9)
    assert (ours.predict(X) == theirs.predict(X)).all()


@pytest.mark.parametrize("kind", OWN_DATA)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_scikit_learns_classifiers_on_their_own_data(kind, weights):
    theirs, X = OWN_DATA[kind]
    assert_same(NaiveBayes(kind).fit(X, Y, weights), theirs().fit(X, Y, weights), X)


@pytest.mark.parametrize("kind", ["bernoulli", "categorical"])
def test_smoothing_and_priors_are_theirs(kind):
    theirs, X = OWN_DATA[kind]
    for options in ({"alpha": 0.3}, {"fit_prior": False}, {"class_prior": [0.2, 0.5, 0.3]}):
        assert_same(NaiveBayes(kind, **options).fit(X, Y), theirs(**options).fit(X, Y), X)


@pytest.mark.parametrize("kind", OWN_DATA)
def test_chunks_are_one_fit(kind):
    theirs, X = OWN_DATA[kind]
    chunked, peer = NaiveBayes(kind), theirs()
    for part in np.array_split(np.argsort(Y, kind="stable"), 5):  # classes, and with them categories, come one by one
        chunked.partial_fit(X[part], Y[part], classes=[0, 1, 2], sample_weight=WEIGHTS[part])
        peer.partial_fit(X[part], Y[part], classes=[0, 1, 2], sample_weight=WEIGHTS[part])
    once = NaiveBayes(kind).fit(X, Y, WEIGHTS)
    assert chunked.predict_log_proba(X) == pytest.approx(once.predict_log_proba(X), rel=1e-9, abs=1e-9)
    if kind != "gaussian":  # whose variances theirs smooths by those of the last chunk
        assert_same(chunked, peer, X)


def test_chunks_of_numbers_that_are_taken_as_categories():
    X = np.array([[5], [7], [9], [7]])
    chunked = NaiveBayes().partial_fit(X[:2], [0, 1], classes=[0, 1]).partial_fit(X[2:], [0, 1])
    assert chunked.columns_[0].categories.tolist() == [5, 7, 9]
    assert (chunked.predict_proba(X) == NaiveBayes().fit(X, [0, 1, 0, 1]).predict_proba(X)).all()


def mixed() -> tuple[np.ndarray, np.ndarray]:
    """Rows of a number, a label, a boolean and a code, a fifth of them missing."""
    X = np.empty((N, 4), object)
    X[:, 0] = RNG.normal(size=N) + Y
    X[:, 1] = np.where(RNG.random(N) < 0.3 + 0.2 * Y, "red", "blue")
    X[:, 2] = (RNG.random(N) < 0.2 + 0.3 * Y).tolist()
    X[:, 3] = RNG.integers(5, 9, N).tolist()
    X[RNG.random(X.shape) < 0.2] = None
    return X, np.array(["a", "b", "c"])[Y]


def test_mixed_and_missing_features_are_those_of_the_network():
    X, y = mixed()
    model = NaiveBayes().fit(X, y)
    assert [None if own.categories is None else own.states for own in model.columns_] == [
        None,
        ["blue", "red"],
        ["False", "True"],
        ["5", "6", "7", "8"],
    ]
    columns = {own.name: X[:, i].tolist() for i, own in enumerate(model.columns_)}
    columns["x0"] = np.array([np.nan if value is None else value for value in columns["x0"]])
    columns["x3"] = [None if value is None else str(value) for value in columns["x3"]]
    assert model.predict_proba(X) == pytest.approx(model.net_.predict_proba(columns, "y"), abs=1e-9)
    assert model.classes_.tolist() == ["a", "b", "c"] and set(model.predict(X)) <= {"a", "b", "c"}
    nothing = np.full((1, 4), None)
    assert model.predict_proba(nothing)[0] == pytest.approx(model.class_count_ / N)


def test_frames_are_as_arrays():
    pandas = pytest.importorskip("pandas")
    X, y = mixed()
    frame = pandas.DataFrame(
        {
            "number": pandas.array([np.nan if v is None else v for v in X[:, 0]], "Float64"),
            "colour": pandas.Categorical(X[:, 1], ["red", "blue", "green"]),
            "flag": pandas.array(X[:, 2], "boolean"),
            "code": pandas.array(X[:, 3], "Int64"),
        }
    )
    model = NaiveBayes({"colour": "categorical"}).fit(frame, y)
    assert model.feature_names_in_.tolist() == list(frame.columns)
    assert model.columns_[1].states == ["blue", "green", "red"]  # what the type declares, sorted
    assert (model.predict(frame) == NaiveBayes().fit(X, y).predict(X)).mean() > 0.97
    for back in (pickle.loads(pickle.dumps(model)), clone(model).fit(frame, y)):
        assert (back.predict_proba(frame) == model.predict_proba(frame)).all()
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.rename(columns={"code": "other"}))


def test_polars_frames():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": ["x", "y", None, "x"], "b": [0.5, None, 2.5, 0.25], "c": [1, None, 2, -1]})
    model = NaiveBayes().fit(frame, [0, 1, 1, 0])
    assert [own.states if own.categories is not None else None for own in model.columns_] == [
        ["x", "y"],
        None,
        ["-1", "1", "2"],
    ]
    assert model.predict(frame).tolist() == [0, 1, 1, 0]


def test_unseen_categories():
    X, y = np.array([["a"], ["b"], ["a"]]), [0, 1, 1]
    with pytest.raises(ValueError, match=r"column 'x0', row 1: 'c' is a category that fit has not seen"):
        NaiveBayes().fit(X, y).predict([["a"], ["c"]])
    lenient = NaiveBayes(handle_unknown="missing").fit(X, y)
    assert lenient.predict_proba([["c"]])[0] == pytest.approx([1 / 3, 2 / 3])
    grown = NaiveBayes().partial_fit(X, y, classes=[0, 1]).partial_fit([["c"], ["a"]], [1, 0])
    assert (grown.predict_proba(X) == NaiveBayes().fit([*X.tolist(), ["c"], ["a"]], [*y, 1, 0]).predict_proba(X)).all()


def test_rows_that_are_refused_change_nothing():
    for first, then in ((["a", "b"], 1), ([3, 4], "a")):
        model = NaiveBayes().partial_fit(np.array(first, object)[:, None], [0, 1], classes=[0, 1])
        with pytest.raises(TypeError, match=r"column 'x0' held .* so far and now holds"):
            model.partial_fit(np.array([[then]], object), [0])
        again = model.partial_fit(np.array(first, object)[:, None], [0, 1])
        assert again.class_count_.tolist() == [2, 2] and again.columns_[0].categories.tolist() == first


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        ({"features": "poisson"}, {}, "features is"),
        ({"features": ["gaussian"]}, {}, "X has 4 features, got a list of 1"),
        ({"features": {"z": "gaussian"}}, {}, "'z' is none of"),
        ({"alpha": -1}, {}, "alpha is"),
        ({"alpha": None}, {}, "alpha is"),
        ({"var_smoothing": np.inf}, {}, "var_smoothing is"),
        ({"binarize": np.nan}, {}, "binarize is"),
        ({"class_prior": [0.5, 0.6, 0.1]}, {}, "class_prior has"),
        ({"handle_unknown": "ignore"}, {}, "handle_unknown is"),
        ({}, {"sample_weight": np.ones(3)}, "one weight for each of the 400 rows"),
        ({}, {"sample_weight": -np.ones(N)}, "non-negative"),
        ({}, {"y": Y[:3]}, "inconsistent numbers of samples"),
    ],
)
def test_bad_input(options, arguments, message):
    _, X = OWN_DATA["gaussian"]
    with pytest.raises(ValueError, match=message):
        NaiveBayes(**options).fit(X, **{"y": Y, **arguments})


def test_a_row_that_no_class_can_have():
    model = NaiveBayes("categorical", alpha=0.0).fit([[0, 0], [1, 1]], [0, 1])
    with pytest.raises(ValueError, match="row 1 has probability 0 in every class"):
        model.predict_proba([[0, 0], [0, 1]])


def test_before_fit():
    for kind in (NotFittedError, fd.errors.NotFittedError):
        with pytest.raises(kind, match="not fitted yet"):
            NaiveBayes().predict([[0.0]])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", [{}, {"features": "gaussian"}, {"features": "bernoulli"}])
def test_scikit_learns_checks(options):
    check_estimator(NaiveBayes(**options))
