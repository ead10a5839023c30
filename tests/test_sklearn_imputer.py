"""Missing values filled in by a Bayes net, as scikit-learn's transformer: by what a row says, with the types kept."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest

import fastdgm as fd

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.estimator_checks import check_estimator

from fastdgm.data.labels import Labels
from fastdgm.interop.sklearn import BayesNetImputer


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """For k-means, whose threads wait for each other by spinning: slow where other processes run, too."""
    with pytest.importorskip("threadpoolctl").threadpool_limits(1, "openmp"):
        yield


RNG = np.random.default_rng(8)
N = 400
Z = RNG.integers(0, 2, N)
TRUTH = np.column_stack(
    [(RNG.random(N) < 0.1 + 0.8 * Z) + 3, (RNG.random(N) < 0.1 + 0.8 * Z) + 3, RNG.normal(size=N) + 4 * Z, 5.5 - Z]
).astype(float)
TRUTH[:, 3] += 0.1 * RNG.normal(size=N)
EMPTY = RNG.random(TRUTH.shape) < 0.15
ROWS = np.where(EMPTY, np.nan, TRUTH)


def columns_of(model: BayesNetImputer, X: np.ndarray) -> dict:
    """Rows as the network takes them."""
    out = {}
    for i, own in enumerate(model.columns_):
        if own.categories is None:
            out[own.name] = X[:, i]
        else:
            codes = np.searchsorted(own.categories, np.nan_to_num(X[:, i], nan=own.categories[0]))
            out[own.name] = Labels(np.where(np.isnan(X[:, i]), -1, codes), own.states, ordered=True)
    return out


@pytest.mark.parametrize("how", ["mpe", "mode", "sample"])
@pytest.mark.parametrize("edges", [None, [], [("x0", "x1"), ("x1", "x2"), ("x0", "x3")]])
def test_what_is_there_stays_and_what_is_missing_is_filled_in(how, edges):
    model = BayesNetImputer(edges, how=how, n_components=2, random_state=0)
    found = model.fit_transform(ROWS)
    assert found.dtype == ROWS.dtype and (found[~EMPTY] == TRUTH[~EMPTY]).all() and not np.isnan(found).any()
    assert set(np.unique(found[:, :2])) == {3.0, 4.0}
    assert (found == model.transform(ROWS)).all()  # the same draws
    if edges is None and how != "sample":
        assert (found[:, :2] == TRUTH[:, :2])[EMPTY[:, :2]].mean() > 0.75
        off = ROWS - np.nanmean(ROWS, axis=0)
        assert ((found - TRUTH)[EMPTY] ** 2).mean() < 0.6 * (
            np.where(EMPTY, TRUTH - ROWS[~EMPTY].mean(), off)[EMPTY] ** 2
        ).mean()


def test_the_mixture_is_at_the_end_of_em():
    X = ROWS[:, :2]
    model = BayesNetImputer(n_components=2, tolerance=1e-10, max_iterations=5000, random_state=1).fit(X)
    net = model.net_.fit(columns_of(model, X), resume=True, tolerance=1e-9)
    assert net.history[0]["train"] == pytest.approx(net.history[-1]["train"], abs=1e-8)
    with pytest.warns(ConvergenceWarning, match="max_iterations=2"):
        BayesNetImputer(n_components=2, tolerance=0.0, max_iterations=2, random_state=1).fit(X)


def test_most_probable_completions_are_those_of_enumeration():
    model = BayesNetImputer(n_components=2, random_state=0).fit(ROWS)
    components, means = model.net_.states["component"], model.net_["x2"].intercept
    rows = np.array([[np.nan, np.nan, 1.9, np.nan], [3.0, np.nan, np.nan, 5.0], [np.nan] * 4])
    for row, found in zip(rows, model.transform(rows), strict=True):
        best, most = None, -np.inf
        for k, a, b in itertools.product(range(len(components)), (3.0, 4.0), (3.0, 4.0)):
            own = np.array([a, b, means[k], model.net_["x3"].intercept[k]])
            own = np.where(np.isnan(row), own, row)
            if (own[:2][~np.isnan(row[:2])] != row[:2][~np.isnan(row[:2])]).any():
                continue
            columns = columns_of(model, own[None])
            (log_p,) = model.net_.log_prob({**columns, "component": [components[k]]})
            if log_p > most:
                best, most = own, log_p
        assert found == pytest.approx(best)


def test_modes_and_draws_are_those_of_the_posterior():
    model = BayesNetImputer(n_components=2, how="mode", random_state=0).fit(ROWS)
    row = np.array([[np.nan, 4.0, np.nan, 5.1]])
    shares = model.net_.predict_proba(columns_of(model, row), "component")[0]
    yes = shares @ model.net_["x0"].table[:, 1]
    mean = shares @ model.net_["x2"].intercept
    assert model.transform(row)[0, [0, 2]] == pytest.approx([3.0 + (yes > 0.5), mean])
    draws = model.set_params(how="sample").transform(np.repeat(row, 20_000, axis=0))
    assert (draws[:, 0] == 4).mean() == pytest.approx(yes, abs=0.02)
    assert draws[:, 2].mean() == pytest.approx(mean, abs=0.05)
    variance = shares @ (model.net_["x2"].std ** 2 + (model.net_["x2"].intercept - mean) ** 2)
    assert draws[:, 2].var() == pytest.approx(variance, rel=0.1)


@pytest.mark.parametrize("how", ["mpe", "mode"])
def test_a_network_of_labels_is_filled_in_by_its_own_impute(how):
    asia = fd.example("asia")
    names = list(asia.names)
    X = np.stack([asia.sample(500, seed=3).labels(name) for name in names], axis=1).astype(object)
    X[np.random.default_rng(1).random(X.shape) < 0.2] = None
    edges = [(f"x{names.index(a)}", f"x{names.index(b)}") for a, b in asia.edges]
    model = BayesNetImputer(edges, how=how, random_state=0).fit(X)
    expected = model.net_.impute({f"x{i}": X[:, i] for i in range(8)}, how=how)
    assert (model.transform(X) == np.stack([expected.labels(f"x{i}") for i in range(8)], axis=1)).all()


def test_a_real_column_has_no_children_where_it_is_missing():
    rows = np.column_stack([RNG.normal(size=50), RNG.normal(size=50)])
    model = BayesNetImputer([("x0", "x1")]).fit(rows)
    slope, intercept = np.polyfit(*rows.T, 1)
    assert model.transform([[0.5, np.nan]])[0, 1] == pytest.approx(intercept + slope * 0.5)
    with pytest.raises(ValueError, match="'x0' has the child 'x1'"):
        model.transform([[np.nan, 1.0]])


def test_frames_keep_their_types():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    frame = pandas.DataFrame(
        {
            "word": ["a", "b", None, "a"] * 10,
            "kind": pandas.Categorical(["x", "y", None, "x"] * 10, ["y", "x", "z"]),
            "flag": pandas.array([True, None, False, True] * 10, "boolean"),
            "age": pandas.array([None, *range(39)], "Int64"),
            "size": np.array([0.5, np.nan, 1.5, 2.0] * 10, np.float32),
            "full": [1, 2, 3, 4] * 10,
        },
        index=range(100, 140),
    )
    for how in ("mpe", "sample"):
        model = BayesNetImputer(how=how, random_state=0)
        found = model.fit_transform(frame)
        assert (found.dtypes == frame.dtypes).all() and (found.index == frame.index).all()
        assert found.notna().all().all() and found.where(frame.notna()).equals(frame)
    own = polars.from_pandas(frame)
    assert model.fit_transform(own).schema == own.schema and model.transform(own).null_count().sum_horizontal()[0] == 0
    assert model.get_feature_names_out().tolist() == list(frame.columns)
    as_pandas = BayesNetImputer(random_state=0).set_output(transform="pandas").fit_transform(ROWS)
    assert list(as_pandas.columns) == ["x0", "x1", "x2", "x3"] and not as_pandas.isna().any().any()


def test_arrow_tables_keep_their_types():
    pyarrow = pytest.importorskip("pyarrow")
    words = pyarrow.array(["a", "b", None, "a"] * 5)
    columns = {"word": words, "code": words.dictionary_encode(), "age": pyarrow.array([None, *range(19)], "uint8")}
    table = pyarrow.table({**columns, "size": pyarrow.array([0.5, None, 1.5, 2.0] * 5, "float32")})
    found = BayesNetImputer(random_state=0).fit_transform(table)
    assert found.schema.types == table.schema.types and not any(column.null_count for column in found.columns)
    assert found.take([0, 3])["size"].to_pylist() == [0.5, 2.0] and found["age"].to_pylist()[1:] == list(range(19))


def test_numbers_stay_within_the_type_of_their_column():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    model = BayesNetImputer(how="sample", categorical_features=None, random_state=0)
    values = [0, None, 255] * 50
    for frame in (
        pandas.DataFrame({"a": pandas.array(values, "UInt8")}),
        polars.DataFrame({"a": values}, schema={"a": polars.UInt8}),
    ):
        found = model.fit_transform(frame)
        assert found["a"].dtype == frame["a"].dtype and (found["a"].min(), found["a"].max()) == (0, 255)


def test_columns_of_which_no_value_came():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"word": ["a", "b", "a"] * 10, "flag": [True, False, True] * 10, "code": [3, 4, 3] * 10})
    model = BayesNetImputer().fit(frame)
    expected = [("a", True, 3)] * 2
    empty = pandas.DataFrame(np.nan, range(2), frame.columns)
    assert list(model.transform(empty).itertuples(index=False, name=None)) == expected
    assert model.transform(polars.DataFrame({name: [None, None] for name in frame})).rows() == expected
    found = model.transform(pyarrow.table({name: pyarrow.nulls(2) for name in frame}))
    assert [tuple(row.values()) for row in found.to_pylist()] == expected
    words = BayesNetImputer().fit(frame[["word"]].to_numpy(object))
    assert words.transform(np.full((2, 1), np.nan)).tolist() == [["a"], ["a"]]


def test_draws_follow_the_global_state_of_numpy():
    model = BayesNetImputer([("x0", "x1")], how="sample").fit(ROWS)
    np.random.seed(3)
    first, second = model.transform(ROWS), model.transform(ROWS)
    np.random.seed(3)
    assert (first == model.transform(ROWS)).all() and (first != second).any()


def test_pipelines_searches_and_pickles():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ROWS, columns=list("abcd"))
    frame["a"] = frame["a"].map({3.0: "low", 4.0: "high"})
    encode = ColumnTransformer([("hot", OneHotEncoder(), ["a"])], remainder="passthrough")
    pipeline = make_pipeline(BayesNetImputer(random_state=0), encode, LogisticRegression())
    search = GridSearchCV(pipeline, {"bayesnetimputer__n_components": [1, 2]}, cv=2).fit(frame, Z)
    assert search.best_score_ > 0.9
    back = pickle.loads(pickle.dumps(search.best_estimator_))
    assert (back.predict(frame) == search.predict(frame)).all()


def test_unseen_categories_stay():
    X = np.array([["a", "b"], ["c", "d"], ["a", None]] * 10, object)
    with pytest.raises(ValueError, match="'new' is a category that fit has not seen"):
        BayesNetImputer().fit(X).transform([["new", None]])
    lenient = BayesNetImputer(handle_unknown="missing", random_state=0).fit(X)
    assert lenient.transform([["new", None]]).tolist() == [["new", "b"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"how": "mean"}, "how is"),
        ({"n_components": 0}, "n_components"),
        ({"edges": [("x0", "z")]}, "edges are pairs of names of columns"),
        ({"prior": "bdeu"}, "prior is a pseudo-count here"),
        ({"handle_unknown": "ignore"}, "handle_unknown is"),
        ({"tolerance": -1}, "tolerance is"),
        ({"var_smoothing": -1}, "var_smoothing is"),
    ],
)
def test_options_that_are_none(options, message):
    with pytest.raises(ValueError, match=message):
        BayesNetImputer(**options).fit(ROWS)


def test_before_fit_and_columns_of_nothing():
    for kind in (NotFittedError, fd.errors.NotFittedError):
        with pytest.raises(kind, match="not fitted yet"):
            BayesNetImputer().transform(ROWS)
    with pytest.raises(ValueError, match="column 'x1' has none"):
        BayesNetImputer().fit([[0.5, np.nan], [1.5, np.nan]])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "options", [{}, {"edges": [], "how": "mode"}, {"categorical_features": None, "random_state": 0}]
)
def test_scikit_learns_checks(options):
    check_estimator(BayesNetImputer(**options))
