"""Classes by Bayes' rule: networks of tables, with the class as the only variable that is not known."""

from __future__ import annotations

import numpy as np
import pytest
from device import run
from random_nets import codes_of, plain, random_net, random_table
from tables import plans_of

import fastdgm as fd
from fastdgm.engines.tables.loops import LOOPS


def naive_bayes(n_features: int, n_classes: int = 3, seed: int = 0) -> fd.BayesNet:
    rng = np.random.default_rng(seed)
    tables = {"y": fd.Categorical(rng.dirichlet(np.ones(n_classes)))}
    for i in range(n_features):
        tables[f"x{i}"] = fd.CPT(["y"], rng.dirichlet(np.ones(2 + i % 3), n_classes))
    return fd.BayesNet(tables)


def log_joint(net: fd.BayesNet, codes: np.ndarray, name: str) -> np.ndarray:
    """log p(row with every state of a variable), (k, n)."""
    v = net.names.index(name)
    found = []
    for k in range(len(net.states[name])):
        changed = codes.copy()
        changed[:, v] = k
        found.append(net.log_prob(changed))
    return np.array(found)


def by_hand(net, codes, name):
    joint = log_joint(net, codes, name)
    return np.exp(joint - np.logaddexp.reduce(joint, axis=0)).T


@pytest.mark.parametrize("n_features", [1, 5, 40])
def test_naive_bayes_is_bayes_rule(n_features):
    net = naive_bayes(n_features)
    x = net.sample(3000, seed=1)
    found = net.predict_proba(x, "y")
    np.testing.assert_allclose(found, by_hand(net, np.asarray(x), "y"), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-14)
    assert (net.predict(x, "y") == found.argmax(axis=1)).all() and net.predict(x, "y").dtype == np.uint8


@pytest.mark.parametrize("seed", range(6))
def test_any_variable_of_any_network(seed):
    net = random_net(seed, 8)
    x = net.sample(200, seed=seed)
    for name in net.names:
        expected = by_hand(net, np.asarray(x), name)
        np.testing.assert_allclose(net.predict_proba(x, name), expected, rtol=1e-9, atol=1e-12)


def test_the_column_of_the_class_may_be_there_absent_or_empty():
    net = naive_bayes(4)
    x = net.sample(50, seed=0)
    expected = net.predict_proba(x, "y")
    features = {name: x[name] for name in net.names if name != "y"}
    codes = np.asarray(x).astype(np.int64)
    codes[:, 0] = -1
    for data in (features, {**features, "y": np.full(50, np.nan)}, {**features, "y": [None] * 50}, codes):
        assert (net.predict_proba(data, "y") == expected).all()


def test_labels():
    net = fd.BayesNet({"y": fd.Bernoulli(0.4), "x": fd.CPT(["y"], [[0.9, 0.1], [0.2, 0.8]], states=["dry", "wet"])})
    assert net.predict({"x": ["wet", "dry"]}, "y", labels=True).tolist() == ["True", "False"]


@pytest.mark.parametrize("name", ["y", "x1"])
def test_tensors_come_back_as_tensors(name):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    net = naive_bayes(2)
    x = np.array(net.sample(20, seed=0))  # torch warns of tensors of arrays that cannot be written
    found = net.predict(torch.from_numpy(x.astype(np.int64)), name)
    assert isinstance(found, torch.Tensor)
    assert found.tolist() == net.predict(x, name).tolist()
    assert net.predict(torch.from_numpy(x), name, labels=True).tolist() == net.predict(x, name, labels=True).tolist()


def test_impossible_rows_are_named():
    net = fd.BayesNet({"y": fd.Bernoulli(0.4), "x": fd.CPT(["y"], [[1.0, 0.0], [1.0, 0.0]])})
    assert net.predict_proba({"x": [0, 0]}, "y").round(3).tolist() == [[0.6, 0.4]] * 2
    with pytest.raises(ValueError, match="row 2 has no posterior of 'y'"):
        net.predict_proba({"x": [0, 0, 1]}, "y")


def test_what_is_refused():
    net = naive_bayes(3)
    with pytest.raises(KeyError, match="no variable 'z'"):
        net.predict_proba({}, "z")
    with pytest.raises(TypeError, match=r"by its name, one string, got \['y'\]"):
        net.predict_proba({"x0": [0]}, ["y"])
    with pytest.raises(KeyError, match="the model has no variable"):
        net.predict_proba({"x0": [0], "x1": [0], "x2": [0], "x3": [0]}, "y")
    with pytest.raises(ValueError, match="n_importance"):
        net.predict_proba({"x0": [0], "x1": [0], "x2": [0]}, "y", n_importance=0)
    with pytest.raises(fd.NotFittedError):
        fd.naive_bayes("y", ["x"]).predict_proba({"x": [0]}, "y")


# --- the loop ---


def states_case(net: fd.BayesNet, name: str, n: int):
    """Arguments of the loop, and the sums of the tables under every state."""
    plans, codes = plans_of(net), codes_of(net, n)
    v = net.names.index(name)
    arguments = plans.scoring_of_states(v), plans.largest, np.ascontiguousarray(codes.T.astype(plans.dtype))
    return arguments, np.full((plain(net).sizes[v], n), np.nan), log_joint(net, codes, name)


LARGE = fd.BayesNet(
    {
        "a": fd.Categorical(np.random.default_rng(0).dirichlet(np.ones(70))),
        "y": fd.Bernoulli(0.3),
        "d": fd.Categorical(np.random.default_rng(2).dirichlet(np.ones(40))),
        "b": fd.CPT(["a", "y", "d"], random_table(np.random.default_rng(1), (70, 2, 40, 40))),
    }
)


def check_states(net, name, call):
    """The loop's sums are those of all tables, the variable's own prior included."""
    arguments, out, expected = states_case(net, name, 700)
    call(arguments, out)
    possible = np.isfinite(expected)
    assert (out[~possible] == -np.inf).all()
    np.testing.assert_allclose(out[possible], expected[possible], rtol=1e-12, atol=1e-12)


@pytest.mark.kernel
@pytest.mark.parametrize(("net", "name"), [(naive_bayes(20, 5), "y"), (random_net(3, 9), "x4")])
def test_all_states_in_one_pass(net, name):
    check_states(net, name, lambda arguments, out: LOOPS["log_prob of states", "cpu"](0, 700, *arguments, out))


@pytest.mark.kernel
def test_tables_of_more_than_2_16_cells():
    codes = np.asarray(LARGE.sample(700, seed=0))
    plans, out = plans_of(LARGE), np.empty((2, 700))
    assert (
        LOOPS["log_prob of states", "cpu"](0, 700, plans.scoring_of_states(1), plans.largest, codes.T.copy(), out) < 0
    )
    np.testing.assert_allclose(out, log_joint(LARGE, codes, "y"), rtol=1e-12)


@pytest.mark.kernel
def test_a_code_out_of_range_is_reported():
    arguments, out, _ = states_case(naive_bayes(5), "y", 9000)
    arguments[2][3, 5000] = 200
    first = LOOPS["log_prob of states", "cpu"](0, 9000, *arguments, out)
    assert 5000 - 2048 < first <= 5000


@pytest.mark.gpu
@pytest.mark.parametrize("n", [40, 41])
def test_the_twin(n):
    from fastdgm.engines.tables.cuda_plan import packed_scoring
    from fastdgm.engines.tables.loops_cuda import LOOPS as TWINS

    (plan, largest, codes), out, expected = states_case(naive_bayes(6), "y", n)
    packed = packed_scoring(plan, largest, n_tables=len(out))
    twin = TWINS["log_prob of states", "cuda"]._replace(shared_bytes=packed.shared_bytes)
    run(twin, n, packed.words, packed.cells, codes, out)
    np.testing.assert_allclose(out, expected, rtol=1e-12)
