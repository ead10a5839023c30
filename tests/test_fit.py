"""Learning tables by counting: against plain NumPy counts, against the likelihood, and what failures leave behind."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from random_nets import codes_of, nets, plain, random_net

import fastdgm as fd

pytestmark = pytest.mark.generic_cpu

NET = random_net(21, 6)
ROWS = codes_of(NET, 500)


def untaught(net: fd.BayesNet) -> fd.BayesNet:
    """The structure and the states of a network, without its tables."""
    return fd.BayesNet.from_edges(net.edges, net.names, net.states)


def tables(net: fd.BayesNet) -> list[np.ndarray]:
    return [net[name].table for name in net.names]


def expected_tables(
    net: fd.BayesNet, codes: np.ndarray, a: float, weights: np.ndarray | None = None
) -> list[np.ndarray]:
    """(N + a) / sum (N + a), and the uniform distribution where that is 0 / 0."""
    parents, _ = plain(net)
    result = []
    for counts in reference.count(codes.T, parents, plain(net).sizes, weights):
        cells = counts + a
        sums = cells.sum(axis=-1, keepdims=True)
        result.append(np.where(sums > 0.0, cells / np.where(sums > 0.0, sums, 1.0), 1.0 / cells.shape[-1]))
    return result


def assert_tables(net: fd.BayesNet, expected: list[np.ndarray]) -> None:
    for own, wanted in zip(tables(net), expected, strict=True):
        np.testing.assert_allclose(own, wanted, rtol=1e-12, atol=0.0)


# --- the formula ----------------------------------------------------------------------------------------


@given(nets(max_vars=9), st.sampled_from([0.0, 0.5, 1.0, 1e-9, 1e6]), st.integers(0, 200))
def test_tables_are_counts_plus_prior(net, prior, n):
    codes = codes_of(net, n, seed=n)
    assert_tables(untaught(net).fit(codes, prior=prior), expected_tables(net, codes, prior))


@given(nets(max_vars=9), st.integers(0, 200))
def test_weighted_counts(net, n):
    codes = codes_of(net, n, seed=n)
    weights = np.random.default_rng(n).exponential(size=n) * (codes[:, 0] > 0)
    fitted = untaught(net).fit(codes, prior=0.25, sample_weight=weights)
    assert_tables(fitted, expected_tables(net, codes, 0.25, weights))


def test_the_default_prior_is_one_per_cell():
    assert_tables(untaught(NET).fit(ROWS), expected_tables(NET, ROWS, 1.0))


@pytest.mark.parametrize("size", [10.0, 0.5])
def test_bdeu_shares_the_equivalent_sample_size_among_the_cells_of_each_table(size):
    fitted = untaught(NET).fit(ROWS, prior="bdeu", equivalent_sample_size=size)
    counts = reference.count(ROWS.T, plain(NET).parents, plain(NET).sizes)
    expected = [own + size / own.size for own in counts]
    assert_tables(fitted, [cells / cells.sum(axis=-1, keepdims=True) for cells in expected])


@pytest.mark.parametrize("name", ["BDeu", "BDEU", "bdeu"])
def test_bdeu_in_any_case(name):
    assert tables_equal(untaught(NET).fit(ROWS, prior=name), untaught(NET).fit(ROWS, prior="bdeu"))


def tables_equal(one, other):
    return all(np.array_equal(own, twin) for own, twin in zip(tables(one), tables(other), strict=True))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("y", [None, np.zeros(len(ROWS)), [0] * len(ROWS)])
def test_y_is_ignored_as_in_scikit_learn(method, y):
    assert tables_equal(getattr(untaught(NET), method)(ROWS, y), untaught(NET).fit(ROWS))


@pytest.mark.parametrize("y", [0.5, "bdeu", 1, True])
def test_an_option_in_the_place_of_y_is_refused(y):
    with pytest.raises(TypeError, match=r"y is ignored.*give options by name, as prior="):
        untaught(NET).fit(ROWS, y)


def test_configurations_never_seen_are_uniform_without_a_prior():
    net = fd.BayesNet.from_edges([("a", "b")], states={"a": ["0", "1"], "b": ["0", "1", "2"]})
    net.fit([[0, 2], [0, 2], [0, 1]], prior=0.0)
    assert net["a"].table.tolist() == [1.0, 0.0]
    np.testing.assert_allclose(net["b"].table, [[0, 1 / 3, 2 / 3], [1 / 3, 1 / 3, 1 / 3]])


def test_whole_weights_are_repeated_rows():
    weights = np.arange(500) % 4
    repeated = untaught(NET).fit(np.repeat(ROWS, weights, axis=0))
    assert_tables(untaught(NET).fit(ROWS, sample_weight=weights), tables(repeated))


def test_many_rows_in_one_cell():
    """More than 2**16 rows to a cell, and more rows than a piece or a tile has."""
    net = random_net(4, 4, max_states=2)
    codes = np.asfortranarray(codes_of(net, 700_001).astype(np.uint8))
    assert_tables(untaught(net).fit(codes, prior=0.0), expected_tables(net, codes, 0.0))
    weights = np.linspace(0.0, 1e6, len(codes))
    fitted = untaught(net).fit(codes, prior=0.0, sample_weight=weights)
    assert_tables(fitted, expected_tables(net, codes, 0.0, weights))


def test_a_table_of_more_cells_than_16_bits_can_number():
    sizes = {"a": 70, "b": 60, "c": 50}
    states = {name: list(map(str, range(k))) for name, k in sizes.items()}
    net = fd.BayesNet.from_edges([("c", "b"), ("a", "b")], nodes=sizes, states=states)
    codes = np.random.default_rng(0).integers(0, list(sizes.values()), (5000, 3))
    net.fit(codes)
    assert_tables(net, expected_tables(net, codes, 1.0))


# --- the likelihood -------------------------------------------------------------------------------------


@given(nets(max_vars=6), st.integers(0, 100))
def test_maximum_likelihood_is_the_maximum(net, seed):
    x = net.sample(200, seed=seed)
    best = untaught(net).fit(x, prior=0.0).log_prob(x).sum()
    assert best >= net.log_prob(x).sum() - 1e-9
    assert best >= untaught(net).fit(x, prior=0.3).log_prob(x).sum() - 1e-9


def test_the_truth_is_found_in_large_samples():
    truth = random_net(8, 6, max_states=3)
    n = 400_000
    learnt = untaught(truth).fit(truth.sample(n, seed=5))
    gap = (truth.log_prob(x := truth.sample(50_000, seed=6)) - learnt.log_prob(x)).mean()
    assert abs(gap) < truth.n_parameters / n * 5


def test_plans_follow_the_tables():
    net = fd.BayesNet({"a": fd.Bernoulli(0.0)})
    assert net.sample(50, seed=1).block.max() == 0
    assert net.log_prob([[1]])[0] == -np.inf
    assert net.fit([[1]], prior=0.0) is net
    assert net.sample(50, seed=1).block.min() == 1
    assert net.log_prob([[1]])[0] == 0.0


# --- in chunks ------------------------------------------------------------------------------------------


@given(nets(), st.lists(st.integers(0, 200), max_size=5), st.sampled_from([0.0, 1.0, "bdeu"]))
def test_any_chunks_give_the_tables_of_one_fit(net, cuts, prior):
    codes = codes_of(net, 200)
    learner = untaught(net)
    for chunk in np.split(codes, sorted(cuts)):
        assert learner.partial_fit(chunk, prior=prior) is learner
    for own, whole in zip(tables(learner), tables(untaught(net).fit(codes, prior=prior)), strict=True):
        assert (own == whole).all()


def test_weighted_chunks():
    weights = np.random.default_rng(0).random(500)
    learner = untaught(NET)
    for part in np.split(np.arange(500), [100, 101, 350]):
        learner.partial_fit(ROWS[part], sample_weight=weights[part])
    assert_tables(learner, expected_tables(NET, ROWS, 1.0, weights))


def test_fit_starts_afresh_and_partial_fit_goes_on():
    learner = untaught(NET).partial_fit(ROWS[:100]).fit(ROWS[100:200])
    assert_tables(learner, expected_tables(NET, ROWS[100:200], 1.0))
    learner.partial_fit(ROWS[200:300])
    assert_tables(learner, expected_tables(NET, ROWS[100:300], 1.0))


def test_tables_that_were_given_count_for_nothing():
    net = fd.BayesNet(NET.conditionals).partial_fit(ROWS, prior=0.0)
    assert_tables(net, expected_tables(NET, ROWS, 0.0))


# --- states that are learnt -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "states", "counts"),
    [
        (["b", "a", "b"], ("a", "b"), [1, 2]),
        (["10", "9", "10"], ("10", "9"), [2, 1]),
        ([0, 2, 0], ("0", "1", "2"), [2, 0, 1]),
        (np.array([1.0, 0.0, 1.0]), ("0", "1"), [1, 2]),
        ([True, False, True], ("False", "True"), [1, 2]),
    ],
    ids=["labels", "numbers as labels", "codes", "floats", "booleans"],
)
def test_states_come_from_the_data(column, states, counts):
    net = fd.BayesNet.from_edges([], nodes=["x"]).fit({"x": column}, prior=0.0)
    assert net.states["x"] == states
    np.testing.assert_allclose(net["x"].table, np.array(counts) / 3)


def test_states_that_are_given_stay_and_others_are_learnt():
    net = fd.BayesNet.from_edges([("a", "b")], states={"a": ["low", "mid", "high"]})
    net.fit({"b": ["x", "y"], "a": ["mid", "mid"]})
    assert net.states == {"a": ("low", "mid", "high"), "b": ("x", "y")}
    codes = fd.BayesNet.from_edges([("a", "b")], states={"a": ["low", "mid", "high"]}).fit([[1, 0], [2, 3]])
    assert codes.states["b"] == ("0", "1", "2", "3")


@given(nets(max_vars=6), st.randoms(use_true_random=False), st.sampled_from(["fit", "partial_fit"]))
def test_the_order_in_which_states_are_named_does_not_matter(net, random, method):
    states = dict(random.sample(list(net.states.items()), len(net)))
    codes = codes_of(net, 50)
    labels = {name: np.array(net.states[name], object)[codes[:, v]] for v, name in enumerate(net.names)}
    for data in (codes, np.asfortranarray(codes.astype(np.uint8)), labels):
        learner = fd.BayesNet.from_edges(net.edges, net.names, states)
        assert list(learner.states) == list(net.names)
        getattr(learner, method)(data)
        assert_tables(learner, expected_tables(net, codes, 1.0))


def test_states_of_some_variables_in_any_order():
    net = fd.BayesNet.from_edges([("a", "b"), ("b", "c")], states={"c": ["x", "y"], "a": ["u", "v", "w"]})
    assert list(net.states) == ["a", "c"]
    net.fit({"c": ["y", "y"], "b": ["p", "q"], "a": ["w", "u"]}, prior=0.0)
    assert net.states == {"a": ("u", "v", "w"), "b": ("p", "q"), "c": ("x", "y")}
    assert net["a"].table.tolist() == [0.5, 0.0, 0.5]


def test_alarm_is_learnt_from_its_states_by_name():
    alarm = fd.example("alarm")
    learnt = fd.BayesNet.from_edges(alarm.edges, states=alarm.states).fit(alarm.sample(100_000, seed=0))
    for name in alarm.names:
        if not alarm.parents[name]:
            np.testing.assert_allclose(learnt[name].table, alarm[name].table, atol=0.01)


def test_states_of_the_first_chunk_are_the_states():
    net = fd.BayesNet.from_edges([], nodes=["x"]).partial_fit({"x": ["a", "b"]}, prior=0.0)
    with pytest.raises(KeyError, match="'c' is no state"):
        net.partial_fit({"x": ["a", "c"]})
    assert net["x"].table.tolist() == [0.5, 0.5]


def test_states_cannot_be_learnt_from_nothing():
    net = fd.BayesNet.from_edges([("a", "b")])
    with pytest.raises(ValueError, match="states of 'a' are not known, and cannot be learnt from a column of no rows"):
        net.fit(np.empty((0, 2), np.uint8))
    assert not net.is_fitted


# --- what is refused, and what it leaves ----------------------------------------------------------------


def bad_row() -> np.ndarray:
    codes = np.vstack([ROWS] * 40)
    codes[-1, -1] = 100
    return codes


REFUSED = {
    "bad code in the last row": ({"data": bad_row()}, "'x5' run from .* row 19999 is 100"),
    "column missing": ({"data": ROWS[:, 1:]}, "shape"),
    "prior negative": ({"prior": -0.1}, "prior must be between 0 and 1e.280, got -0.1"),
    "prior infinite": ({"prior": np.inf}, "prior must be between"),
    "prior NaN": ({"prior": np.nan}, "prior must be between"),
    "prior so large that sums overflow": ({"prior": 1e308}, "prior must be between"),
    "prior unknown": ({"prior": "bde"}, "a number per cell or \"bdeu\", got 'bde'"),
    "prior boolean": ({"prior": True}, "a number per cell"),
    "prior array": ({"prior": np.ones(2)}, "a number per cell"),
    "prior None": ({"prior": None}, "a number per cell"),
    "sample size zero": ({"prior": "bdeu", "equivalent_sample_size": 0}, "equivalent_sample_size must be above 0"),
    "sample size NaN": ({"prior": "bdeu", "equivalent_sample_size": np.nan}, "equivalent_sample_size must be"),
    "weights too few": ({"sample_weight": np.ones(499)}, r"shape \(500,\), got shape \(499,\)"),
    "weights in a column": ({"sample_weight": np.ones((500, 1))}, r"got shape \(500, 1\)"),
    "weight a number": ({"sample_weight": 2.0}, "one weight per row"),
    "weights are text": ({"sample_weight": ["1"] * 500}, "sample_weight holds numbers, got values of type <U1"),
    "weights are complex": ({"sample_weight": np.full(500, 1j)}, "numbers, got values of type complex128"),
    "weights are dates": ({"sample_weight": np.zeros(500, "M8[D]")}, r"numbers, got values of type datetime64\[D\]"),
    "weight negative": ({"sample_weight": np.where(np.arange(500) == 7, -1, 1)}, "got -1.0 in row 7"),
    "weight NaN": ({"sample_weight": np.where(np.arange(500) == 7, np.nan, 1)}, "got nan in row 7"),
    "weight infinite": ({"sample_weight": np.where(np.arange(500) == 7, np.inf, 1)}, "got inf in row 7"),
    "weights so large that sums overflow": ({"sample_weight": np.full(500, 1e308)}, "got 1e.308 in row 0"),
    "weights masked": ({"sample_weight": np.ma.masked_equal(np.arange(500), 3)}, "masked"),
}


@pytest.mark.parametrize(("arguments", "rule"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_failure_leaves_the_network_as_it_was(method, arguments, rule):
    net = untaught(NET).fit(ROWS[:50])
    before, states = tables(net), dict(net.states)
    learn = net.fit if method == "fit" else net.partial_fit
    with pytest.raises((ValueError, TypeError), match=rule):
        learn(**{"data": ROWS, **arguments})
    assert all(own is old for own, old in zip(tables(net), before, strict=True))
    assert dict(net.states) == states
    assert_tables(net.partial_fit(ROWS[50:]), expected_tables(NET, ROWS, 1.0))  # no count was taken over


def test_a_failure_leaves_an_unfitted_network_unfitted():
    net = untaught(NET)
    with pytest.raises(ValueError, match="is 100"):
        net.fit(bad_row())
    assert not net.is_fitted


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_matrix_is_an_array():
    rows = np.matrix([[0, 1], [1, 0], [1, 1]])
    learnt = fd.BayesNet.from_edges([("a", "b")]).fit(rows)
    assert learnt["a"] == fd.BayesNet.from_edges([("a", "b")]).fit(np.asarray(rows))["a"]
