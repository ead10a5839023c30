"""Interventions: the mutilated network, against enumeration and the back-door formula."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_nets import nets, plain
from reference import log_prob_per_variable

import fastdgm as fd

CANCER = fd.example("cancer")  # the states of Smoker are True, False
REALS = fd.BayesNet(
    {
        "a": fd.Exponential(1.0),
        "s": fd.Logistic(["a"], [1.0], 0.0),
        "b": fd.LinearGaussian(["s", "a"], intercept=[1, 5], coefficients=[[2], [3]], std=0.5),
        "v": fd.MultivariateNormal.standard(2),
    }
)


class Own(fd.BayesNet):
    pass


@given(net=nets(max_vars=5, max_states=3), data=st.data())
@settings(max_examples=25, deadline=None)
def test_the_truncated_product(net, data):
    chosen = data.draw(st.lists(st.sampled_from(net.names), unique=True))
    values = {name: data.draw(st.integers(0, len(net.states[name]) - 1)) for name in chosen}
    own = plain(net)
    codes = own.assignments()
    terms = log_prob_per_variable(codes, own.parents, own.tables)
    for v, name in enumerate(net.names):
        if name in values:
            with np.errstate(divide="ignore"):
                terms[v] = np.log(codes[v] == values[name])
    done = net.do(values)
    np.testing.assert_allclose(np.exp(done.log_prob(codes.T)), np.exp(terms.sum(axis=0)), atol=1e-14)
    assert (done.names, done.states) == (net.names, net.states)
    assert all(done.parents[name] == (() if name in values else net.parents[name]) for name in net.names)


def test_back_door_formula():
    """P(y | do(x)) = sum_z P(z) P(y | x, z), where z is all that x and y have in common."""
    rng = np.random.default_rng(0)
    z, x, y = rng.dirichlet([1] * 3), rng.dirichlet([1] * 2, 3), rng.dirichlet([1] * 4, (3, 2))
    net = fd.BayesNet({"y": fd.CPT(["z", "x"], y), "x": fd.CPT(["z"], x), "z": fd.Categorical(z)})
    expected = np.einsum("z,zk->k", z, y[:, 1])
    rows = net.do({"x": 1}).sample(200_000, seed=3)
    counts = np.bincount(rows["y"], minlength=4)
    assert ((counts - 200_000 * expected) ** 2 / (200_000 * expected)).sum() < 16.3  # chi-square, 3 degrees, 0.1 %
    seen = np.einsum("z,z,zk->k", z, x[:, 1], y[:, 1]) / (z @ x[:, 1])
    assert np.abs(expected - seen).max() > 0.01  # to condition is another thing


def test_sampling_under_an_intervention_is_sampling_the_mutilated_network():
    for net, do in ((CANCER, {"Smoker": "True"}), (CANCER, {}), (REALS, {"a": 2.0, "s": "True"})):
        found, expected = net.sample(500, do=do, seed=7, start=11), net.do(do).sample(500, seed=7, start=11)
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))
    parts = [np.asarray(part) for part in CANCER.iter_samples(100, chunk=33, do={"Smoker": 0}, seed=2)]
    np.testing.assert_array_equal(np.concatenate(parts), np.asarray(CANCER.sample(100, do={"Smoker": 0}, seed=2)))
    rows = REALS.sample(4000, do={"a": 2, "s": "True"}, seed=1)
    assert set(rows["a"]) == {2.0} and set(rows["s"]) == {1}
    assert rows["b"].mean() == pytest.approx(11.0, abs=0.05)


def test_it_is_a_network_like_others():
    net = Own(dict(CANCER.conditionals))
    done = net.do({"Smoker": "True"})
    assert type(done) is Own and done.do({}).edges == done.edges
    assert net.edges == CANCER.edges and net["Smoker"] == CANCER["Smoker"]  # as it was
    assert done["Cancer"] is net["Cancer"]
    for again in (pickle.loads(pickle.dumps(done)), copy.deepcopy(done)):
        assert again.edges == done.edges
    rows = CANCER.sample(200, seed=0)
    assert done.fit(rows, prior=0.0)["Cancer"] == CANCER.do({"Smoker": 1}).fit(rows, prior=0.0)["Cancer"]
    assert net.partial_fit(rows).do({"Cancer": 0}).partial_fit(rows).is_fitted  # counts of its own


def test_a_guide_goes_on_without_what_is_set():
    net = fd.BayesNet({"z": fd.Normal(0, 1), "u": fd.Normal(0, 1), "x": fd.LinearGaussian(["z", "u"], 0, [1, 1])})
    guided = net.guided({"z": fd.LinearGaussian(["x"], 0, [0.5]), "u": fd.LinearGaussian(["x"], 0, [0.5])})
    assert set(guided.do({"u": 1.0}).guide) == {"z"} and set(guided.guide) == {"z", "u"}


@pytest.mark.parametrize(
    ("net", "values", "error", "told"),
    [
        (CANCER, {"smoker": "True"}, KeyError, "no variable 'smoker'.*did you mean 'Smoker'"),
        (CANCER, {"Smoker": "Treu"}, KeyError, "'Treu' is no state of 'Smoker'.*did you mean 'True'"),
        (CANCER, {"Smoker": 2}, ValueError, "do: codes of 'Smoker' run from 0 to 1, got 2"),
        (CANCER, {"Smoker": None}, KeyError, "None is no state of 'Smoker'"),
        (CANCER, {"Smoker": ["True"]}, ValueError, "do: 'Smoker' has one state, not several"),
        (CANCER, {"Smoker": np.array([0.5, 0.5])}, ValueError, "do: 'Smoker' has one state, not several"),
        (CANCER, ["Smoker"], TypeError, "do is a mapping from variables to values"),
        (REALS, {"c": 1.0}, KeyError, r"no variable 'c'; the network has \['a', 's', 'b', 'v'\]"),
        (REALS, {"a": "high"}, ValueError, "do: 'a' is real, got 'high'"),
        (REALS, {"a": [1.0, 2.0]}, ValueError, "do: a value of 'a' is one number"),
        (REALS, {"a": np.inf}, ValueError, "do: values are finite"),
        (REALS, {"v": [1.0, 2.0]}, ValueError, "no conditional sets a vector to a value, as 'v' is one"),
        (fd.BayesNet.from_edges([("a", "b")]), {"a": 0}, fd.NotFittedError, "no tables yet"),
    ],
)
def test_what_cannot_be_set(net, values, error, told):
    with pytest.raises(error, match=told):
        net.do(values)
    with pytest.raises(error, match=told):
        net.sample(3, do=values)
