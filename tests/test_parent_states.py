"""Tables refer to their parents' states by position: one from a network goes only where those are the same."""

from __future__ import annotations

import copy
import pickle
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_nets import nets

import fastdgm as fd

CANCER = fd.example("cancer")  # Smoker is (True, False)
RAIN = fd.CPT((), [0.8, 0.2], ["no", "yes"])
WET = fd.CPT(["rain"], [[0.9, 0.1], [0.2, 0.8]], ["dry", "wet"])


def networks():
    """The same network from every place that makes one."""
    net = fd.BayesNet({"rain": RAIN, "wet": WET})
    learner = fd.BayesNet.from_edges([("rain", "wet")], states=net.states)
    x = net.sample(100, seed=0)
    return {
        "made": net,
        "made again": fd.BayesNet(net.conditionals),
        "fitted": learner.fit(x),
        "fitted in chunks": fd.BayesNet.from_edges([("rain", "wet")], states=net.states).partial_fit(x),
        "pickled": pickle.loads(pickle.dumps(net)),
        "copied": copy.deepcopy(net),
        "copied tables": fd.BayesNet({name: copy.copy(cpt) for name, cpt in net.conditionals.items()}),
    }


@pytest.mark.parametrize("source", networks())
@pytest.mark.parametrize("suffix", [None, ".bif", ".xmlbif", ".uai", ".net", ".safetensors"])
def test_the_parents_states_in_another_order_are_refused(source, suffix, tmp_path):
    net = networks()[source]
    if suffix is not None:
        with nullcontext() if suffix != ".uai" else pytest.warns(UserWarning, match="stores no names"):
            fd.write(net, tmp_path / f"net{suffix}")
        net = fd.read(tmp_path / f"net{suffix}")
    root, child = net.order
    turned = fd.Categorical([0.5, 0.5], net.states[root][::-1])
    with pytest.raises(ValueError, match=rf"table of '{child}' .* by position.*'{root}'.*code 0 was") as refused:
        fd.BayesNet({**net.conditionals, root: turned})
    for order in (net.states[root], turned.states):
        assert str(list(order)) in str(refused.value)


@pytest.mark.parametrize("states", [["yes", "no"], ["False", "True"], ["no", "maybe"], ["No", "yes"], None])
def test_other_states_of_a_parent_are_refused(states):
    net = fd.BayesNet({"rain": RAIN, "wet": WET})
    with pytest.raises(ValueError, match="parent 'rain' with states"):
        fd.BayesNet({**net.conditionals, "rain": fd.CPT((), [0.0, 1.0], states)})


def test_a_bernoulli_does_not_turn_the_states_of_a_network_around():
    with pytest.raises(ValueError, match=r"'Smoker' with states \['True', 'False'\], got \['False', 'True'\]"):
        fd.BayesNet({**CANCER.conditionals, "Smoker": fd.Bernoulli(1.0)})
    cut = fd.BayesNet({**CANCER.conditionals, "Smoker": fd.Categorical([1.0, 0.0], ["True", "False"])})
    x = cut.sample(400_000, seed=1)
    assert (x.labels("Cancer") == "True").mean() == pytest.approx(0.032, abs=0.001)


@given(nets(max_vars=6), st.integers(0, 100))
def test_tables_of_the_same_states_are_exchanged_freely(net, seed):
    other = fd.BayesNet.from_edges(net.edges, net.names, net.states).fit(net.sample(20, seed=seed))
    mixed = {name: (net if v % 2 else other)[name] for v, name in enumerate(net.names)}
    assert fd.BayesNet(mixed).conditionals == mixed


@given(nets(max_vars=6))
def test_a_table_made_anew_goes_with_any_states_of_its_parents(net):
    free = {
        name: fd.CPT(cpt.parents, cpt.table, [f"{name} {k}" for k in cpt.states])
        for name, cpt in net.conditionals.items()
    }
    renamed = fd.BayesNet(free)
    rows = np.asarray(net.sample(20, seed=0))
    np.testing.assert_array_equal(renamed.log_prob(rows), net.log_prob(rows))


def test_a_table_given_to_two_networks_is_not_changed_and_shares_its_numbers():
    first = fd.BayesNet({"rain": RAIN, "wet": WET})
    second = fd.BayesNet({"rain": fd.CPT((), [0.5, 0.5], ["yes", "no"]), "wet": WET})
    assert WET.parent_states is None
    assert first["wet"].parent_states == (("no", "yes"),)
    assert second["wet"].parent_states == (("yes", "no"),)
    assert np.shares_memory(first["wet"].table, second["wet"].table)
    assert np.shares_memory(first["wet"].table, WET.table)
    assert fd.BayesNet(first.conditionals)["wet"] is first["wet"]
    assert "no    " in repr(first["wet"])
    assert repr(first["wet"]).replace("no ", "0  ").replace("yes", "1  ") == repr(WET)


def test_kinds_of_tables_stay_what_they_are():
    net = fd.BayesNet({"a": fd.Bernoulli(0.5), "b": fd.Categorical([0.5, 0.5])})
    assert [type(cpt) for cpt in net.conditionals.values()] == [fd.Bernoulli, fd.Categorical]


def test_equality():
    first = fd.BayesNet({"rain": RAIN, "wet": WET})["wet"]
    second = fd.BayesNet({"rain": fd.CPT((), [0.5, 0.5], ["yes", "no"]), "wet": WET})["wet"]
    assert first == WET == second
    assert first != second
    assert hash(first) == hash(WET)
    assert pickle.loads(pickle.dumps(first)) == first
    assert pickle.loads(pickle.dumps(first)).parent_states == first.parent_states
    assert fd.CPT(["rain"], [[0.9, 0.1], [0.1, 0.9]], ["dry", "wet"]) != WET
    assert fd.CPT(["snow"], WET.table, ["dry", "wet"]) != WET
    assert fd.CPT(["rain"], WET.table) != WET
    assert WET != "wet"


def test_a_network_fitted_to_new_states_has_tables_that_know_them():
    net = fd.BayesNet.from_edges([("a", "b")]).fit({"a": ["x", "y"], "b": [0, 1]})
    assert net["b"].parent_states == (("x", "y"),)
    assert net.fit({"a": ["p", "q", "r"], "b": [0, 1, 1]})["b"].parent_states == (("p", "q", "r"),)
