"""Networks learnt from dask collections are those of one fit."""

from __future__ import annotations

import copy
import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("dask.dataframe", reason="dask is not installed")
import dask
import dask.array as da
import dask.dataframe as dd
import pandas as pd

import fastdgm as fd
from fastdgm.interop.dask import fit

EDGES = [("a", "c"), ("b", "c")]


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def parts_of(*frames):
    """A dask DataFrame of just these partitions."""
    return dd.from_map(lambda part: part, list(frames), meta=frames[0].iloc[:0], enforce_metadata=False)


def split(frame, cuts):
    places = [0, *sorted(cuts), len(frame)]
    return parts_of(*(frame.iloc[begin:end] for begin, end in pairwise(places)))


def assert_same_tables(found, expected):
    assert dict(found.states) == dict(expected.states)
    for name in expected.names:
        assert np.array_equal(found[name].table, expected[name].table), name


def labels(n, seed=0):
    draw = np.random.default_rng(seed)
    a, b = draw.integers(0, 3, n), draw.integers(0, 4, n)
    c = (a + b * draw.integers(0, 2, n)) % 2 == 1
    return pd.DataFrame({"a": np.array(["lo", "mid", "hi"])[a], "b": b, "c": c})


@given(st.lists(st.integers(0, 60), max_size=6), st.sampled_from([0.0, 1.0, "bdeu"]), st.booleans(), st.booleans())
@settings(max_examples=25)
def test_counts_have_the_bits_of_one_fit(cuts, prior, weighted, declared):
    frame = labels(60)
    weights = pd.Series(np.arange(60) % 4) if weighted else None
    states = {"a": ["lo", "mid", "hi", "top"]} if declared else None
    net, expected = (fd.BayesNet.from_edges(EDGES, states=states) for _ in range(2))
    expected.fit(frame, prior=prior, sample_weight=weights)
    data = split(frame, cuts)
    own = None if weights is None else split(weights.to_frame("w"), cuts)["w"]
    assert fit(net, data, prior=prior, sample_weight=own) is net
    assert_same_tables(net, expected)


def test_declared_networks_naive_bayes_and_what_partial_fit_goes_on_from():
    source = fd.example("asia")
    frame = source.sample(1000, seed=3).to_pandas()
    net, expected = copy.copy(source), copy.copy(source)
    assert_same_tables(fit(net, dd.from_pandas(frame, npartitions=5)), expected.fit(frame))
    assert_same_tables(net.partial_fit(frame[:100]), expected.partial_fit(frame[:100]))
    bayes, here = (fd.naive_bayes("c", ["a", "b"]) for _ in range(2))
    assert_same_tables(fit(bayes, dd.from_pandas(labels(100), npartitions=3)), here.fit(labels(100)))


@pytest.mark.parametrize("n_parts", [1, 3, 40])  # 40: two levels of the tree
def test_real_variables_are_those_of_one_fit_but_for_rounding(n_parts):
    draw = np.random.default_rng(1)
    z = draw.integers(0, 2, 400)
    x = draw.normal(1e6, 1.0, 400)
    frame = pd.DataFrame(
        {"z": z, "x": x, "y": 2.0 * (x - 1e6) + z + draw.normal(size=400), "t": draw.exponential(size=400)}
    )
    kinds = {
        "z": fd.Bernoulli(0.5),
        "x": fd.Normal(0, 1),
        "y": fd.LinearGaussian(["z", "x"], np.zeros(2), np.ones((2, 1)), np.ones(2)),
        "t": fd.Exponential(1.0),
    }
    data = dd.from_pandas(frame, npartitions=n_parts)
    found = [fit(fd.BayesNet(kinds), data) for _ in range(2)]
    expected = fd.BayesNet(kinds).fit(frame)
    for name in kinds:
        for key, own in expected[name].parameters().items():
            np.testing.assert_allclose(found[0][name].parameters()[key], own, rtol=1e-9)
            assert np.array_equal(found[0][name].parameters()[key], found[1][name].parameters()[key])


def test_a_column_is_real_where_any_partition_has_a_fraction():
    whole, rest = (
        pd.DataFrame({"x": [-3.0, 7.0], "y": [1.0, 50_000.0]}),
        pd.DataFrame({"x": [0.5, 1.0], "y": [0.5, 2.0]}),
    )
    net = fit(fd.BayesNet.from_edges([("x", "y")]), parts_of(whole, rest))
    expected = fd.BayesNet.from_edges([("x", "y")]).fit(pd.concat([whole, rest]))
    assert net["y"].coefficients == pytest.approx(expected["y"].coefficients)


def test_arrays():
    codes = np.asarray(fd.example("asia").sample(500, seed=0))
    weights = np.arange(500) % 3
    net, expected = (fd.BayesNet.from_edges(fd.example("asia").edges) for _ in range(2))
    data, own = da.from_array(codes, chunks=(120, 3)), da.from_array(weights, chunks=120)
    kept = da.from_array(codes[:, 0] >= 0, chunks=120)  # lengths of chunks that dask does not know
    fit(net, data[kept], sample_weight=own[kept])
    assert_same_tables(net, expected.fit(codes, sample_weight=weights))


def frame_of(a, **columns):
    return pd.DataFrame({"a": a, **columns})


def category(values, order):
    return pd.Categorical(values, order, ordered=True)


@pytest.mark.parametrize(
    ("parts", "states"),
    [
        ([["x", "y"], ["z"], []], ("x", "y", "z")),
        ([category([], ["made", "up"]), ["x"], []], ("x",)),
        ([[0, 1], [5], [2]], tuple("012345")),
        ([[3, 4], [0]], tuple("01234")),
        ([[True], [True]], ("False", "True")),
        ([category(["b"], ["b", "a"]), category(["a"], ["b", "a", "c"])], ("b", "a", "c")),
        ([category(["a"], ["b", "a", "c"]), category(["c"], ["b", "c"])], ("b", "a", "c")),
        ([pd.Categorical(["y"]), pd.Categorical(["x"])], ("x", "y")),
    ],
)
def test_states_are_those_of_all_partitions(parts, states):
    frames = [frame_of(own).astype({"a": object} if len(own) == 0 else {}) for own in parts]
    net = fit(fd.BayesNet.from_edges([], nodes=["a"]), parts_of(*frames), prior=0.0)
    assert net.states["a"] == states
    values = [str(value) for own in parts for value in own]
    assert net["a"].table.tolist() == [values.count(state) / len(values) for state in states]


DISAGREEMENTS = [
    (frame_of(category(["a"], ["a", "b"])), frame_of(category(["a"], ["b", "a"])), ValueError,
     r"order of categories .* those of 'a' are \['a', 'b'\] in partition 0, \['b', 'a'\] in partition 2"),
    (frame_of(category(["a"], ["a"])), frame_of(["b"]), ValueError,
     "ordered categories in partition 0, labels in partition 2"),
    (frame_of(["a"]), frame_of([1]), ValueError, "labels in partition 0, numbers in partition 2"),
    (frame_of([0]), frame_of([1], b=[1]), KeyError, r"partition 2: columns are .* no variable \['b'\]"),
    (frame_of([0]), pd.DataFrame({"b": [1]}), KeyError, r"partition 2: columns are .* no column \['a'\]"),
    (frame_of([0]), frame_of([-2]), ValueError, "partition 2: integers .* row 0 is -2"),
    (frame_of([1]), frame_of([2]), ValueError, "the smallest of column 'a' is 1"),
    (frame_of(["x"]), frame_of(["y", None]), fd.MissingValuesError, "partition 2: .* row 1 is missing"),
    (frame_of([0.0]), frame_of([np.nan]), fd.MissingValuesError, "partition 2: .* row 0 is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "last", "error", "text"), DISAGREEMENTS)
def test_partitions_that_disagree(first, last, error, text):
    net = fd.BayesNet.from_edges([], nodes=["a"])
    with pytest.raises(error, match=text):
        fit(net, parts_of(first, first, last))
    assert not net.is_fitted


def test_a_bad_label_is_named_in_the_terms_of_the_frame():
    frame = labels(90).set_index(pd.RangeIndex(500, 590)).astype({"a": object})
    frame.loc[577, "a"] = "hihi"
    net = fd.BayesNet.from_edges(EDGES, states={"a": ["lo", "mid", "hi"]})
    data = dd.from_pandas(frame, npartitions=3)
    with pytest.raises(fd.UnknownNameError, match=r"^partition 2: column 'a', row 17: 'hihi'.* index 577$"):
        fit(net, data)
    assert not net.is_fitted
    with pytest.warns(UserWarning, match="^1 of 90 rows .* left out: partition 2: column 'a', row 17: 'hihi'"):
        fit(net, data, unknown="drop")
    assert_same_tables(net, fd.BayesNet.from_edges(EDGES, states={"a": ["lo", "mid", "hi"]}).fit(frame.drop(577)))


def test_no_rows_at_all():
    none = labels(5).iloc[:0]
    data = parts_of(none, none)
    with pytest.raises(ValueError, match=r"states of .* are not known.* no rows"):
        fit(fd.BayesNet.from_edges(EDGES), data)
    states = {"a": ["lo", "mid"], "b": [0, 1], "c": [False, True]}
    net, expected = (fd.BayesNet.from_edges(EDGES, states=states) for _ in range(2))
    assert_same_tables(fit(net, data), expected.fit(none))


def test_a_network_that_could_not_be_learnt_is_as_it_was():
    net = fd.BayesNet({"x": fd.Normal(1.0, 2.0)})
    with pytest.raises(ValueError, match="too few rows"):
        fit(net, parts_of(pd.DataFrame({"x": [1.5]})))
    assert net["x"].std == 2.0


def test_notes_of_real_variables_are_one_warning():
    frame = pd.DataFrame({"x": [1.5, 1.5, 1.5]})
    with pytest.warns(UserWarning, match="'x' is constant") as found:
        fit(fd.BayesNet.from_edges([], nodes=["x"], real=["x"]), parts_of(frame[:1], frame[1:]))
    assert len(found) == 1


def test_what_needs_all_rows_at_once():
    x = parts_of(pd.DataFrame({"x": [0.5, 1.5]}))
    with pytest.raises(TypeError, match=r"cannot learn the Laplace of 'x'.* call net.fit\(data.compute\(\)\)"):
        fit(fd.BayesNet({"x": fd.Laplace(0.0, 1.0)}), x)
    both = parts_of(pd.DataFrame({"x": [0.5, 1.5], "y": [0, 1]}))
    with pytest.raises(TypeError, match="cannot learn the Logistic of 'y'"):
        fit(fd.BayesNet.from_edges([("x", "y")]), both)
    hidden = fd.BayesNet.from_edges([("z", "x")], states={"z": [0, 1]})
    with pytest.raises(TypeError, match=r"no column \['z'\]: hidden variables are learnt by EM"):
        fit(hidden, x)
    with pytest.raises(TypeError, match="fit learns a BayesNet"):
        fit(fd.MADE(n_vars=3, hidden=(4,)), x)


def test_modules_are_refused():
    torch = pytest.importorskip("torch")
    net = fd.BayesNet(
        {"x": fd.Normal(0, 1), "y": fd.Neural(["x"], torch.nn.Linear(1, 1), family="bernoulli", event_shape=(1,))}
    )
    with pytest.raises(TypeError, match="cannot learn the Neural of 'y'"):
        fit(net, da.zeros((4, 2)))


def test_wrong_arguments():
    net, frame = fd.BayesNet.from_edges(EDGES), labels(20)
    data = dd.from_pandas(frame, npartitions=2)
    with pytest.raises(TypeError, match=r"got pandas.*DataFrame: net.fit\(data\)"):
        fit(net, frame)
    with pytest.raises(ValueError, match="prior"):
        fit(net, data, prior=-1.0)
    with pytest.raises(ValueError, match="unknown must be"):
        fit(net, data, unknown="ignore")
    with pytest.raises(KeyError, match=r"no variable \['d'\]"):
        fit(net, data.assign(d=1))


def test_wrong_weights():
    net, frame = fd.BayesNet.from_edges(EDGES), labels(20)
    data, weights = dd.from_pandas(frame, npartitions=2), pd.Series(np.ones(20))
    with pytest.raises(TypeError, match="Series beside a DataFrame"):
        fit(net, data, sample_weight=weights)
    with pytest.raises(ValueError, match="has the partitions of the data, got 4 beside 2"):
        fit(net, data, sample_weight=dd.from_pandas(weights, npartitions=4))
    moved = parts_of(*(weights[a : a + 10].to_frame("w") for a in (5, 0)))["w"]
    with pytest.raises(ValueError, match=r"partition [01]: sample_weight has the index of the data"):
        fit(net, data, sample_weight=moved)
    negative = dd.from_pandas(weights.where(weights.index != 13, -1.0), npartitions=2)
    with pytest.raises(ValueError, match=r"partition 1: sample_weight must be between .* in row 3.* index 13$"):
        fit(net, data, sample_weight=negative)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(net, data, sample_weight=dd.from_pandas(weights, npartitions=2))
