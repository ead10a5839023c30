"""A Bayes net as scikit-learn's classifier: exact with missing values, in its pipelines and searches."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import fastdgm as fd

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from fastdgm.interop.sklearn import BayesNetClassifier, BayesNetImputer, DensityEstimator, NaiveBayes

RNG = np.random.default_rng(4)
N = 300
Y = RNG.integers(0, 2, N)
LABELS = np.array(["ham", "spam"])[Y]


def rows(missing: float = 0.2) -> np.ndarray:
    """A label, a number and a code; some are missing."""
    X = np.empty((N, 3), object)
    X[:, 0] = np.where(RNG.random(N) < 0.2 + 0.6 * Y, "free", "news")
    X[:, 1] = RNG.normal(size=N) + 2 * Y
    X[:, 2] = (RNG.integers(0, 2, N) + Y).tolist()
    X[RNG.random(X.shape) < missing] = None
    return X


def by_enumeration(net: fd.BayesNet, row: dict[str, object], target: str) -> np.ndarray:
    """P(target | row), summed over what is missing one configuration at a time."""
    columns = {name: [value] for name, value in row.items()}
    joint = np.exp([net.log_prob({**columns, target: [state]})[0] for state in net.states[target]])
    return joint / joint.sum()


@pytest.mark.parametrize("edges", [None, [("y", "x0"), ("y", "x1"), ("x0", "x1"), ("x2", "y")]])
def test_rows_with_missing_values_are_classified_exactly(edges):
    X = rows()
    model = BayesNetClassifier(edges).fit(X, LABELS)
    assert model.classes_.tolist() == ["ham", "spam"] and model.net_.states["y"] == ("ham", "spam")
    found = model.predict_proba(X)
    assert (model.predict(X) == model.classes_[found.argmax(axis=1)]).all() and model.score(X, LABELS) > 0.8
    assert np.exp(model.predict_log_proba(X)) == pytest.approx(found)
    for i in range(12):
        row = dict(zip(["x0", "x1", "x2"], X[i], strict=True))
        row["x1"] = np.nan if row["x1"] is None else row["x1"]
        assert found[i] == pytest.approx(by_enumeration(model.net_, row, "y"), abs=1e-9)


def test_naive_bayes_is_the_networks_own_fit():
    X = rows(missing=0.0)
    model = BayesNetClassifier(prior=0.7, var_smoothing=0.0).fit(X, Y)
    weighted = BayesNetClassifier(prior=0.7, var_smoothing=0.0).fit(X, Y, np.full(N, 2.0))
    net = fd.naive_bayes("y", {"x0": None, "x1": None, "x2": 3}, real=["x1"])
    net.fit({"x0": X[:, 0], "x1": X[:, 1].astype(float), "x2": X[:, 2].astype(int), "y": Y}, prior=0.7)
    for name in net.names:
        for own, expected in zip(model.net_[name].parameters().values(), net[name].parameters().values(), strict=True):
            assert own == pytest.approx(expected, rel=1e-9)
    assert weighted.net_["x1"].std == pytest.approx(net["x1"].std)
    edges = [("y", name) for name in ("x0", "x1", "x2")]
    same = BayesNetClassifier(edges, prior=0.7).fit(X, Y)
    assert same.predict_proba(X) == pytest.approx(BayesNetClassifier(prior=0.7).fit(X, Y).predict_proba(X), abs=1e-9)


def test_missing_features_are_learnt_from_as_em_does():
    X = rows()[:, [0, 2]]
    ours = BayesNetClassifier(prior=0.0).fit(X, Y)
    by_em = BayesNetClassifier([("y", "x0"), ("y", "x1")], prior=0.0, tolerance=1e-12, max_iterations=500).fit(X, Y)
    assert ours.predict_proba(X) == pytest.approx(by_em.predict_proba(X), abs=1e-4)


@pytest.mark.parametrize("y", [Y, Y.astype(bool), Y * 2.0, LABELS, LABELS.astype(object)])
def test_classes_keep_their_type(y):
    model = BayesNetClassifier().fit(rows(), y)
    assert model.predict(rows()[:5]).dtype == y.dtype and model.classes_.tolist() == sorted(set(y.tolist()))


def test_pipelines_searches_and_pickles():
    pandas = pytest.importorskip("pandas")
    X = rows()
    frame = pandas.DataFrame({"word": X[:, 0], "size": X[:, 1].astype(float), "code": pandas.array(X[:, 2], "Int64")})
    scaled = ColumnTransformer(
        [("scale", StandardScaler(), ["size"])], remainder="passthrough", verbose_feature_names_out=False
    ).set_output(transform="pandas")
    pipeline = make_pipeline(scaled, BayesNetClassifier(handle_unknown="missing"))
    assert cross_val_score(pipeline, frame, LABELS, cv=3).mean() > 0.8
    edges = [("y", "word"), ("y", "size"), ("y", "code"), ("word", "size")]
    grid = {"bayesnetclassifier__edges": [None, edges], "bayesnetclassifier__prior": [0.1, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(frame, LABELS)
    assert search.best_score_ > 0.8 and search.best_estimator_[-1].net_.names == ("y", "size", "word", "code")
    back = pickle.loads(pickle.dumps(search.best_estimator_))
    assert (back.predict_proba(frame) == search.predict_proba(frame)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"edges": "naive_bayes"}, "edges are a list of pairs"),
        ({"edges": iter([("y", "x0")])}, "edges are a list of pairs"),
        ({"edges": [("y", "x9")]}, "edges are pairs of names of columns"),
        ({"edges": ["yx"]}, "an edge is a pair"),
        ({"edges": [3]}, "an edge is a pair"),
        ({"edges": [("y", "x0"), ("x0", "y")]}, "cycle"),
        ({"target": "x0"}, "name another target="),
        ({"prior": -1}, "prior is"),
        ({"prior": "flat"}, "prior is"),
        ({"categorical_features": ["x7"]}, "'x7' is none of"),
        ({"categorical_features": [True]}, "a mask of 1"),
        ({"categorical_features": "x0"}, "categorical_features is"),
        ({"handle_unknown": "ignore"}, "handle_unknown is"),
        ({"var_smoothing": -1.0}, "var_smoothing is"),
    ],
)
def test_options_that_are_none(options, message):
    with pytest.raises(ValueError, match=message):
        BayesNetClassifier(**options).fit(rows(), Y)


def test_bad_rows():
    X = rows()
    with pytest.raises(ValueError, match="one weight for each of the 300 rows, got shape"):
        BayesNetClassifier().fit(X, Y, [1.0, 2.0])
    with pytest.raises(ValueError, match="column 'x0' has none"):
        BayesNetClassifier().fit([[None, 1.5], [None, 2.5]], [0, 1])
    with pytest.raises(ValueError, match="infinity in column 'x1', row 1"):
        BayesNetClassifier().fit([["a", 1.5], ["b", np.inf]], [0, 1])
    model = BayesNetClassifier().fit(X, Y)
    with pytest.raises(ValueError, match="'offer' is a category that fit has not seen"):
        model.predict([["offer", 0.0, 1]])
    with pytest.raises(TypeError, match="column 'x1' was real in fit"):
        model.predict([["free", "much", 1]])
    with pytest.raises(TypeError, match="column 'x0' held labels in fit"):
        model.predict([[3, 0.0, 1]])
    with pytest.raises(ValueError, match="features"):
        model.predict([["free", 0.0]])
    lenient = BayesNetClassifier(handle_unknown="missing").fit(X, Y)
    assert lenient.predict_proba([["offer", 0.5, 7]]) == pytest.approx(model.predict_proba([[None, 0.5, None]]))


def test_columns_may_be_said_to_be_discrete():
    X = np.column_stack([RNG.integers(0, 3, N), RNG.integers(0, 100, N)])
    assert BayesNetClassifier().fit(X, Y).net_.states.keys() == {"y", "x0"}
    for chosen in ([1], ["x1"], [False, True]):
        assert BayesNetClassifier(categorical_features=chosen).fit(X, Y).net_.states.keys() == {"y", "x1"}
    assert BayesNetClassifier(categorical_features=None).fit(X, Y).net_.states.keys() == {"y"}


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint16, np.int64, np.uint64])
def test_integers_of_any_type(dtype):
    limits = np.iinfo(dtype)
    X = np.array([[limits.min], [limits.max], [7], [limits.min]], dtype)
    model = BayesNetClassifier(prior=0.0, handle_unknown="missing").fit(X, [0, 1, 0, 0])
    assert model.predict_proba(X) == pytest.approx(np.array([[1, 0], [0, 1], [1, 0], [1, 0]]))
    assert model.predict_proba(np.array([[3]], dtype))[0] == pytest.approx([0.75, 0.25])


def test_many_features_are_not_lost_in_rounding():
    X = RNG.normal(size=(N, 30)) * 1e-3 + Y[:, None]
    found = BayesNetClassifier().fit(X, Y).predict_log_proba(np.full((1, 30), 0.1))
    assert found == pytest.approx(NaiveBayes().fit(X, Y).predict_log_proba(np.full((1, 30), 0.1)))
    assert np.isfinite(found).all() and found.min() < -1e6


@pytest.mark.parametrize("model", [BayesNetClassifier, NaiveBayes])
def test_labels_that_are_missing(model):
    pandas = pytest.importorskip("pandas")
    for y in (np.where(Y, "a", None), pandas.Series(np.where(Y, "a", None), dtype="string")):
        with pytest.raises(ValueError, match=f"y is missing in row {Y.argmin()}"):
            model().fit(rows(), y)
    frame = pandas.DataFrame({"word": ["a", "b", "a"], "size": [1.5, 2.5, 3.5]})
    fitted = model().fit(frame, [0, 1, 0])
    none = pandas.DataFrame({"word": [np.nan], "size": [2.0]})  # as pandas reads a column of empty cells
    assert (fitted.predict_proba(none) == fitted.predict_proba(none.astype(object))).all()


@pytest.mark.parametrize("model", [BayesNetClassifier, NaiveBayes, BayesNetImputer, DensityEstimator])
def test_a_fit_that_fails_leaves_nothing(model):
    ask = "predict" if hasattr(model, "predict") else "transform" if hasattr(model, "transform") else "score_samples"
    X = RNG.normal(size=(20, 2))
    for own in (model(), model().fit(X, Y[:20])):
        with pytest.raises(ValueError, match="column 'x2' has none"):
            own.fit(np.column_stack([X, np.full(20, np.nan)]), Y[:20])
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(own, ask)(X)


def test_before_fit():
    for kind in (NotFittedError, fd.errors.NotFittedError):
        with pytest.raises(kind, match="not fitted yet"):
            BayesNetClassifier().predict([[0.0]])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", [{}, {"categorical_features": None}])
def test_scikit_learns_checks(options):
    check_estimator(BayesNetClassifier(**options))
