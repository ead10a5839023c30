"""Round trips through pgmpy, and its own inference on what it got from us."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from interop_nets import assert_same, awkward_net, marginals
from shared_data import shared, shared_files

import fastdgm as fd


@pytest.fixture(scope="module")
def pgmpy():
    """The two classes that the tests build models with."""
    reason = "pgmpy is not installed"
    models = pytest.importorskip("pgmpy.models", reason=reason)
    factors = pytest.importorskip("pgmpy.factors.discrete", reason=reason)
    return models.DiscreteBayesianNetwork, factors.TabularCPD


def test_a_round_trip_keeps_everything(pgmpy):
    net = awkward_net()
    model = net.to_pgmpy()
    assert model.check_model()
    assert_same(net, fd.from_pgmpy(model))


@pytest.mark.parametrize("file", shared_files("bif/*.bif.gz"), ids=lambda file: file.stem)
def test_round_trips_of_real_networks(pgmpy, file):
    net = fd.read(file)
    assert_same(net, fd.from_pgmpy(net.to_pgmpy()))


def test_pgmpy_infers_our_marginals(pgmpy):
    inference = pytest.importorskip("pgmpy.inference", reason="pgmpy is not installed")
    net = awkward_net()
    engine = inference.VariableElimination(net.to_pgmpy())
    for name, expected in marginals(net).items():
        factor = engine.query([name], show_progress=False)
        found = [factor.get_value(**{name: state}) for state in net.states[name]]
        assert found == pytest.approx(expected.tolist(), abs=1e-12)


def test_each_cpd_may_order_states_its_own_way(pgmpy):
    network, tabular = pgmpy
    model = network([("a", "b")])
    model.cpds = [
        tabular("a", 2, [[0.3], [0.7]], state_names={"a": ["no", "yes"]}),
        tabular("b", 2, [[0.9, 0.2], [0.1, 0.8]], ["a"], [2], state_names={"b": [0, 1], "a": ["yes", "no"]}),
    ]
    net = fd.from_pgmpy(model)
    assert net.states == {"a": ("no", "yes"), "b": ("0", "1")}
    assert net["b"].table.tolist() == [[0.2, 0.8], [0.9, 0.1]]


def test_a_graph_without_cpds_is_an_unfitted_network(pgmpy):
    network, _ = pgmpy
    model = network([("a", "b")])
    model.add_node("lone")
    net = fd.from_pgmpy(model)
    assert (net.is_fitted, net.names, net.edges) == (False, ("a", "b", "lone"), (("a", "b"),))


def test_models_that_are_refused(pgmpy):
    network, tabular = pgmpy
    cpd_a = tabular("a", 2, [[0.3], [0.7]])
    model = network([("a", "b")])
    model.add_cpds(cpd_a)
    with pytest.raises(ValueError, match=r"every variable needs a CPD, got none for \['b'\]"):
        fd.from_pgmpy(model)
    model.cpds = [cpd_a, tabular("b", 2, [[0.5], [0.5]])]
    with pytest.raises(ValueError, match=r"CPD of 'b' has parents \[\], but the graph \['a'\]"):
        fd.from_pgmpy(model)
    states = {"b": [0, 1], "a": ["no", "yes"]}
    model.cpds = [cpd_a, tabular("b", 2, np.full((2, 2), 0.5), ["a"], [2], state_names=states)]
    with pytest.raises(ValueError, match=r"CPD of 'b' has states \['no', 'yes'\] of 'a', whose own CPD has \[0, 1\]"):
        fd.from_pgmpy(model)
    model.cpds = [cpd_a, tabular("b", 2, [[0.5, 0.5], [0.5, 0.4]], ["a"], [2])]
    with pytest.raises(ValueError, match=r"CPD of 'b': every row of a table sums to 1, got 0\.9"):
        fd.from_pgmpy(model)


# --- stand-ins with the same attributes, so that these run without pgmpy --------------------------------------------


def cpd(variable: str, values, parents: dict[str, list] | None = None, states=(0, 1)) -> SimpleNamespace:
    names = [variable, *(parents or {})]
    return SimpleNamespace(
        variable=variable,
        values=np.array(values),
        variables=names,
        state_names={variable: list(states)} | (parents or {}),
    )


def model_of(*cpds: SimpleNamespace, names: str = "") -> SimpleNamespace:
    parents = {one.variable: one.variables[1:] for one in cpds}
    nodes = list(names) or list(parents)
    return SimpleNamespace(nodes=lambda: nodes, predecessors=lambda name: parents[name], cpds=list(cpds), edges=list)


def test_two_cpds_of_one_variable_are_refused():
    first, second = cpd("a", [0.3, 0.7]), cpd("a", [0.6, 0.4])
    with pytest.raises(ValueError, match=r"every variable has one CPD, got CPDs of \['a', 'a'\] for variables \['a'\]"):
        fd.from_pgmpy(model_of(first, second))


def test_a_cpd_of_no_variable_is_refused():
    with pytest.raises(ValueError, match=r"one CPD, got CPDs of \['a', 'b'\] for variables \['a'\]"):
        fd.from_pgmpy(model_of(cpd("a", [0.3, 0.7]), cpd("b", [0.3, 0.7]), names="a"))


@pytest.mark.parametrize("listed", [[True, 1], [np.True_, np.int64(1)]])
def test_states_that_python_takes_for_equal_are_told_apart(listed):
    parent = cpd("a", [0.3, 0.7], states=[1, True])
    net = fd.from_pgmpy(model_of(parent, cpd("b", [[0.9, 0.2], [0.1, 0.8]], {"a": listed})))
    assert net.states["a"] == ("1", "True")
    assert net["b"].table.tolist() == [[0.2, 0.8], [0.9, 0.1]]


def test_one_warning_for_all_tables_with_few_digits_points_at_the_caller():
    third = [0.3333] * 3
    states = range(3)
    model = model_of(
        *(cpd(name, third, states=states) for name in "ABC"),
        cpd("D", np.full((3, 3), 0.3333), {"A": [0, 1, 2]}, states),
    )
    with pytest.warns(UserWarning, match="from_pgmpy: rows of 4 tables are off .*'A'.*'B'.*'C'.*'D'") as caught:
        net = fd.from_pgmpy(model)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert np.allclose(net["D"].table, 1 / 3, rtol=0, atol=1e-15)
    assert model.cpds[0].values.tolist() == third


def test_other_cpds_are_refused_by_name():
    own = SimpleNamespace(variable="a", variables=["a"], fn=lambda parents: None)
    with pytest.raises(TypeError, match=r"tables \(TabularCPD\) and LinearGaussianCPD, got SimpleNamespace for 'a'"):
        fd.from_pgmpy(model_of(own))


# --- linear Gaussians ------------------------------------------------------------------------------------------------


def assert_same_numbers(net: fd.BayesNet, other: fd.BayesNet) -> None:
    """Whatever the order of variables and parents."""
    assert set(other.names) == set(net.names) and set(other.edges) == set(net.edges)
    for name, own in net.conditionals.items():
        found = other[name]
        assert (found.intercept, found.std) == (own.intercept, own.std)
        coefficients = dict(zip(found.parents, found.coefficients, strict=True))
        assert coefficients == dict(zip(own.parents, own.coefficients, strict=True))


@pytest.fixture(scope="module")
def gaussian_model():
    models = pytest.importorskip("pgmpy.models", reason="pgmpy is not installed")
    return models.LinearGaussianBayesianNetwork.get_random(8, edge_prob=0.5, node_names=list("hgfedcba"), seed=1)


def test_linear_gaussians_both_ways(gaussian_model):
    net = fd.from_pgmpy(gaussian_model)
    assert not net.states and set(net.edges) == set(gaussian_model.edges())
    cpd = gaussian_model.get_cpds("a")
    assert [net["a"].intercept, *net["a"].coefficients] == cpd.beta.tolist() and net["a"].std == cpd.std
    back = net.to_pgmpy()
    assert type(back) is type(gaussian_model) and back.check_model()
    again = fd.from_pgmpy(back)
    assert all(again[name] == net[name] for name in net.names)


def test_ecoli70_both_ways(gaussian_model):
    net = fd.read(shared("gaussian/ecoli70.json"))
    assert_same_numbers(net, fd.from_pgmpy(net.to_pgmpy()))


def test_log_likelihoods_agree(gaussian_model):
    data = gaussian_model.simulate(200, seed=0)
    expected = gaussian_model.log_likelihood(data)  # of a covariance that pgmpy rounds to 8 decimals
    assert fd.from_pgmpy(gaussian_model).log_prob(data).sum() == pytest.approx(expected, rel=1e-6)


def test_linear_gaussians_that_are_refused():
    wrong = SimpleNamespace(variable="a", variables=["a"], beta=np.array([0.0, 1.0]), std=1.0)
    with pytest.raises(ValueError, match=r"CPD of 'a': .* have shape \(1,\), got \(2,\)"):
        fd.from_pgmpy(model_of(wrong))
    negative = SimpleNamespace(variable="a", variables=["a"], beta=np.array([0.0]), std=-1.0)
    with pytest.raises(ValueError, match="CPD of 'a': std must be finite and not below 0"):
        fd.from_pgmpy(model_of(negative))


@pytest.mark.parametrize(
    ("conditionals", "match"),
    [
        ({"a": fd.Bernoulli(0.5), "x": fd.Normal(0, 1)}, "discrete variables needs tables, variable 'x' has a Normal"),
        ({"x": fd.Normal(0, 1), "u": fd.Uniform(0, 1)}, "needs linear Gaussians, variable 'u' has a Uniform"),
    ],
)
def test_networks_that_pgmpy_does_not_have(conditionals, match):
    pytest.importorskip("pgmpy.models", reason="pgmpy is not installed")
    with pytest.raises(TypeError, match=match):
        fd.BayesNet(conditionals).to_pgmpy()
    with pytest.raises(fd.NotFittedError, match="the parameters of 'x' are not known yet"):
        fd.BayesNet({"x": fd.LinearGaussian([])}).to_pgmpy()


def test_what_is_no_model():
    with pytest.raises(TypeError, match="DiscreteBayesianNetwork or LinearGaussianBayesianNetwork, got dict"):
        fd.from_pgmpy({})


def test_a_missing_pgmpy_is_named(monkeypatch):
    for module in ("pgmpy", "pgmpy.models", "pgmpy.factors.discrete"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match="pip install"):
        awkward_net().to_pgmpy()
