"""Tables, networks and their graphs: what is accepted, what is refused, and what stays as it was."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdgm as fd
from fastdgm.conditionals.table import RowSumError
from fastdgm.data.variables import MAX_STATES
from fastdgm.graph import topological_order

RAIN = fd.Bernoulli(0.2)
WET = fd.CPT(["rain"], [[0.9, 0.1], [0.2, 0.8]], states=["dry", "wet"])


def uniform(*shape: int) -> np.ndarray:
    return np.full(shape, 1.0 / shape[-1])


# --- tables ---------------------------------------------------------------------------------------------


def test_bernoulli_and_categorical_are_tables_without_parents():
    assert fd.Bernoulli(0.25).table.tolist() == [0.75, 0.25]
    assert fd.Bernoulli(0.25).states == ("False", "True")
    weather = fd.Categorical([0.3, 0.7, 0.0], states=["low", "mid", "high"])
    assert (weather.parents, weather.n_states, weather.n_parameters) == ((), 3, 2)


@pytest.mark.parametrize("probability", [-0.1, 1.1, np.nan, np.inf])
def test_bernoulli_needs_a_probability(probability):
    with pytest.raises(ValueError, match="between 0 and 1"):
        fd.Bernoulli(probability)


@pytest.mark.parametrize("n_states", [1, 2, 255, 256, 257, MAX_STATES])
def test_any_number_of_states_up_to_the_limit(n_states):
    cpt = fd.Categorical(uniform(n_states))
    assert cpt.n_states == n_states
    assert cpt.states[-1] == str(n_states - 1)
    assert cpt.n_parameters == n_states - 1


def test_more_states_than_the_limit():
    with pytest.raises(ValueError, match="at most 65535 states, got 65536"):
        fd.Categorical(uniform(MAX_STATES + 1))


def test_tables_are_copies_that_cannot_be_written():
    array = uniform(2, 2)
    cpt = fd.CPT(["a"], array)
    array[:] = 7.0
    assert (cpt.table == 0.5).all()
    with pytest.raises(ValueError, match="read-only"):
        cpt.table[0, 0] = 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.5])
def test_entries_are_finite_and_not_negative(bad):
    with pytest.raises(RowSumError, match=r"finite and not negative, got .* at \[1, 0\]") as caught:
        fd.CPT(["a"], [[0.5, 0.5], [bad, 1.0]])
    assert caught.value.row == (1,)


def test_rows_that_do_not_sum_to_one_are_refused_with_their_place():
    with pytest.raises(RowSumError, match=r"sums to 1, got 0.9 at parent states \[1, 0\]") as caught:
        fd.CPT(["a", "b"], [[[0.5, 0.5]], [[0.5, 0.4]]])
    assert caught.value.row == (1, 0)


def test_rows_within_1e_12_are_left_to_the_last_bit():
    row = [0.1, 0.2, 0.7 + 5e-13]
    assert fd.Categorical(row).table.tolist() == row


def test_rows_within_1e_6_are_renormalised_silently():
    table = fd.CPT(["a"], [[0.5, 0.5], [0.3333333, 0.6666666]]).table
    assert table[0].tolist() == [0.5, 0.5]
    assert table[1].sum() == pytest.approx(1.0, abs=1e-15)


def test_rows_within_1e_3_are_renormalised_with_a_warning():
    with pytest.warns(UserWarning, match=r"1 of 2 rows .*worst 5\.0e-04"):
        table = fd.CPT(["a"], [[0.5, 0.5], [0.5, 0.5005]]).table
    assert table[1].sum() == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        ([0.5, 0.5], "one axis per parent, then the child: 1 parents need 2 axes"),
        ([[0.5, 0.5], [1.0]], "rectangular array"),
        ([["x", "y"]], "rectangular array"),
        (np.empty((0, 2)), "at least one state"),
        (np.empty((2, 0)), "at least one state"),
    ],
)
def test_tables_of_the_wrong_shape(table, rule):
    with pytest.raises(ValueError, match=rule):
        fd.CPT(["a"], table)


def test_parents_are_distinct_names():
    with pytest.raises(TypeError, match=r"write \['rain'\]"):
        fd.CPT("rain", uniform(2, 2))
    with pytest.raises(TypeError, match=r"names \(strings\), got 3"):
        fd.CPT([3], uniform(2, 2))
    with pytest.raises(TypeError, match="list of names, because their order counts, got the set"):
        fd.CPT({"a", "b"}, uniform(2, 2, 2))
    with pytest.raises(TypeError, match="parents must be a list of names, got None"):
        fd.CPT(None, uniform(2, 2))
    with pytest.raises(ValueError, match="parents must be distinct"):
        fd.CPT(["a", "a"], uniform(2, 2, 2))


def test_state_names_are_distinct_and_as_many_as_columns():
    with pytest.raises(ValueError, match="2 columns but 3 states"):
        fd.Categorical([0.5, 0.5], states=["a", "b", "c"])
    with pytest.raises(ValueError, match="distinct, got 'a' twice"):
        fd.Categorical([0.5, 0.5], states=["a", "a"])
    with pytest.raises(ValueError, match="distinct, got '1' twice"):
        fd.Categorical([0.5, 0.5], states=[1, "1"])
    with pytest.raises(TypeError, match="list of names, got the string 'ab'"):
        fd.Categorical([0.5, 0.5], states="ab")
    with pytest.raises(TypeError, match="states must be a list of names, because their order counts"):
        fd.Categorical([0.5, 0.5], states=frozenset("ab"))
    with pytest.raises(TypeError, match="states must be a list of names, got 2"):
        fd.Categorical([0.5, 0.5], states=2)
    assert fd.Categorical([0.5, 0.5], states={"b": 0, "a": 1}.keys()).states == ("b", "a")


def test_masks_and_imaginary_parts_are_not_dropped():
    row = np.ma.masked_array([0.5, 0.5], [False, True])
    for masked in (np.ma.masked_array([row]), [row], [[0.5, 0.5], row]):
        with pytest.raises(ValueError, match="no missing entries, got a masked array"):
            fd.CPT(["a"], masked)
    assert fd.Categorical(np.ma.masked_array([0.5, 0.5])).table.tolist() == [0.5, 0.5]
    for table in (np.array([0.5 + 1j, 0.5]), [0.5 + 1j, 0.5]):
        with pytest.raises(ValueError, match="array of real numbers: complex numbers came"):
            fd.Categorical(table)


@pytest.mark.parametrize("cpt", [WET, RAIN, fd.Categorical(uniform(3))])
def test_tables_never_change(cpt):
    for name in ("table", "parents", "states", "anything"):
        with pytest.raises(AttributeError, match=f"never changes, so {name!r} cannot be set"):
            setattr(cpt, name, None)
        with pytest.raises(AttributeError, match=f"never changes, so {name!r} cannot be deleted"):
            delattr(cpt, name)


# --- networks -------------------------------------------------------------------------------------------


def test_a_child_may_come_before_its_parents():
    net = fd.BayesNet({"wet": WET, "rain": RAIN})
    assert net.names == ("wet", "rain")
    assert net.order == ("rain", "wet")
    assert net.edges == (("rain", "wet"),)
    assert net.states["wet"] == ("dry", "wet")
    assert (len(net), "rain" in net, "snow" in net, net["wet"]) == (2, True, False, WET)


def test_the_order_takes_the_earliest_declared_ready_variable():
    assert topological_order({"c": ["a"], "b": [], "a": [], "d": ["b"]}) == ("b", "a", "c", "d")


@given(st.integers(1, 12).flatmap(lambda n: st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)))))
def test_the_order_is_topological_or_the_cycle_is_real(pairs):
    parents = {str(v): [] for v in range(12)}
    for parent, child in set(pairs):
        parents[str(child)].append(str(parent))
    try:
        order = topological_order(parents)
    except ValueError as error:
        cycle = str(error).partition("got ")[2].split(" -> ")
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1
        assert all(parent in parents[child] for parent, child in itertools.pairwise(cycle))
    else:
        assert sorted(order) == sorted(parents)
        assert all(order.index(p) < order.index(v) for v, own in parents.items() for p in own)


def test_a_cycle_is_printed():
    edges = [("a", "b"), ("b", "c"), ("c", "a"), ("root", "a"), ("c", "leaf")]
    with pytest.raises(ValueError, match=r"no cycle, got (a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c)$"):
        fd.BayesNet.from_edges(edges)
    with pytest.raises(ValueError, match="no cycle, got a -> a"):
        fd.BayesNet({"a": fd.CPT(["a"], uniform(2, 2))})


def test_an_unknown_parent():
    with pytest.raises(fd.UnknownNameError, match="variable 'wet' has parent 'rain', which is not in the network"):
        fd.BayesNet({"wet": WET})


def test_parents_states_and_table_shape_must_agree():
    with pytest.raises(ValueError, match=r"'wet' has shape \(2, 2\).* have \[3\] states: expected shape \(3, 2\)"):
        fd.BayesNet({"rain": fd.Categorical(uniform(3)), "wet": WET})


@pytest.mark.parametrize("conditionals", [[("a", RAIN)], {"a": 0.5}, {1: RAIN}, {"a": [0.5, 0.5]}])
def test_a_network_maps_names_to_tables(conditionals):
    with pytest.raises(TypeError):
        fd.BayesNet(conditionals)


def test_a_network_has_a_variable():
    with pytest.raises(ValueError, match="at least one variable"):
        fd.BayesNet({})
    with pytest.raises(ValueError, match="at least one variable"):
        fd.BayesNet.from_edges([])


def test_an_unknown_variable_is_named():
    net = fd.BayesNet({"rain": RAIN})
    with pytest.raises(KeyError, match=r"no variable 'snow'; the network has \['rain'\]"):
        net["snow"]


def test_structure_without_tables():
    net = fd.BayesNet.from_edges([("b", "c"), ("a", "c")], nodes=["lone", "c"], states={"c": ["x", "y", "z"]})
    assert net.names == ("lone", "c", "b", "a")
    assert net.parents["c"] == ("b", "a")
    assert net.states == {"c": ("x", "y", "z")}
    assert not net.is_fitted
    with pytest.raises(fd.NotFittedError, match="call fit"):
        net["c"]
    with pytest.raises(fd.NotFittedError, match=r"states of \['lone', 'b', 'a'\] are not known"):
        _ = net.n_parameters


def test_parameters_are_counted_once_the_states_are_known():
    states = {"a": ["0", "1"], "b": ["x", "y", "z"]}
    assert fd.BayesNet.from_edges([("a", "b")], states=states).n_parameters == 1 + 2 * 2


@pytest.mark.parametrize(
    ("arguments", "error", "rule"),
    [
        ({"edges": [("a", "b"), ("a", "b")]}, ValueError, "'a' -> 'b' is given twice"),
        ({"edges": ["ab"]}, ValueError, "pair .parent, child., got 'ab'"),
        ({"edges": [("a", "b", "c")]}, ValueError, "pair"),
        ({"edges": [3]}, ValueError, "pair .parent, child., got 3"),
        ({"edges": [("a", 1)]}, TypeError, "names are strings, got 1"),
        ({"edges": [], "nodes": ["a", "a"]}, ValueError, "distinct, got 'a' twice"),
        ({"edges": [], "nodes": "rain"}, TypeError, r"write \['rain'\]"),
        ({"edges": [("a", "b")], "states": {"c": ["x"]}}, KeyError, "no variable 'c'"),
        ({"edges": [("a", "b")], "states": {"a": ["x", "x"]}}, ValueError, "distinct, got 'x' twice"),
        ({"edges": [("a", "b")], "states": {"a": []}}, ValueError, "1 to 65535 states, got 0"),
        ({"edges": [("a", "b")], "states": {"a": "xy"}}, TypeError, "states of 'a' must be a list"),
        ({"edges": [("a", "b")], "states": {"a": 2}}, TypeError, "states of 'a' must be a list"),
        ({"edges": [("a", "b")], "states": {"a": {"x"}}}, TypeError, "states of 'a' must be .* got the set"),
        ({"edges": [("a", "b")], "states": ["x"]}, TypeError, "states must be a mapping from names .* got .'x'."),
        ({"edges": [], "nodes": {"a"}}, TypeError, "nodes must be a list of names, because their order counts"),
        ({"edges": {("a", "b")}}, TypeError, "edges must be a list of pairs, because their order counts"),
    ],
)
def test_structures_that_are_refused(arguments, error, rule):
    with pytest.raises(error, match=rule):
        fd.BayesNet.from_edges(**arguments)


def test_what_is_read_cannot_be_written():
    net = fd.BayesNet({"rain": RAIN, "wet": WET})
    for view in (net.parents, net.states, net.conditionals):
        with pytest.raises(TypeError):
            view["rain"] = ()


# --- pickling and copying -------------------------------------------------------------------------------


@pytest.mark.parametrize("clone", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy, copy.copy])
def test_clones_are_equal_to_the_last_bit_and_stay_read_only(clone):
    row = [0.1, 0.2, 0.7 + 5e-13]
    net = fd.BayesNet({"a": fd.Categorical(row, ["x", "y", "z"]), "b": fd.CPT(["a"], uniform(3, 2))})
    twin = clone(net)
    assert twin.states == net.states
    assert twin.order == net.order
    assert twin["a"].table.tolist() == row
    assert not twin["a"].table.flags.writeable
    assert clone(fd.BayesNet.from_edges([("a", "b")])).edges == (("a", "b"),)


@pytest.mark.parametrize("clone", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy, copy.copy])
@pytest.mark.parametrize("cpt", [WET, RAIN, fd.Categorical(uniform(3))])
def test_clones_of_a_table_keep_its_class(clone, cpt):
    twin = clone(cpt)
    assert type(twin) is type(cpt)
    assert (twin.parents, twin.states, twin.table.tolist()) == (cpt.parents, cpt.states, cpt.table.tolist())
