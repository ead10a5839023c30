"""Logistic and softmax regression by Newton's method, noisy-or by EM: the maximum, and what has none."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import reference_logistic as oracle
from logistic_nets import discrete_net

import fastdgm as fd
from fastdgm.learning import newton, noisy_or


def rows_of(n, seed=0):
    """Bits, a variable of three states, and labels of a logistic and a softmax variable."""
    rng = np.random.default_rng(seed)
    a, c = rng.integers(0, 2, n), rng.integers(0, 3, n)
    x = oracle.columns([a, c], [2, 3])
    y = (rng.random(n) < 1 / (1 + np.exp(-(x @ [1.0, -2.0, 0.5] + 0.3)))).astype(int)
    p = oracle.softmax_probabilities(x, np.array([[0, 0, 0], [1, 2, -1], [-1, 0.5, 0]]), np.array([0, 0.2, -0.4]))
    s = (p.cumsum(axis=1) <= rng.random(n)[:, None]).sum(axis=1)
    return {"a": a, "c": c, "y": y, "s": s}


def net_of(**conditionals):
    return fd.BayesNet({"a": fd.Bernoulli(0.5), "c": fd.Categorical([0.2, 0.3, 0.5]), **conditionals})


def logistic_net(l2=0.0, parents=("a", "c")):
    return net_of(y=fd.Logistic(parents, l2=l2))


def gradient(data, weights, bias, row_weights, l2):
    """Of the penalised log-likelihood at a logistic regression of y on a, c."""
    x = oracle.columns([data["a"], data["c"]], [2, 3])
    residual = row_weights * (data["y"] - 1 / (1 + np.exp(-(x @ weights + bias))))
    return np.append(residual @ x - l2 * weights, residual.sum())


@pytest.mark.parametrize("l2", [0.0, 3.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_is_zero_at_the_maximum(l2, weighted):
    data = rows_of(4000)
    row_weights = np.random.default_rng(1).integers(0, 4, 4000).astype(float) if weighted else None
    columns = {name: data[name] for name in "acy"}
    net = logistic_net(l2).fit(columns, sample_weight=row_weights)
    own = net["y"]
    slope = gradient(data, own.weights, own.bias, 1.0 if row_weights is None else row_weights, l2)
    assert abs(slope).max() < 1e-6
    assert own.l2 == l2 and own.is_fitted and own.states == ("False", "True")


def test_weights_are_repeated_rows():
    data = rows_of(500)
    times = np.random.default_rng(2).integers(0, 4, 500)
    columns = {name: data[name] for name in "acy"}
    weighted = logistic_net().fit(columns, sample_weight=times.astype(float))["y"]
    repeated = logistic_net().fit({name: np.repeat(own, times) for name, own in columns.items()})["y"]
    np.testing.assert_allclose(weighted.weights, repeated.weights, rtol=1e-8)
    assert weighted.bias == pytest.approx(float(repeated.bias), rel=1e-8)


def test_softmax_of_two_states_is_logistic_and_state_0_stays_at_zero():
    data = {name: own for name, own in rows_of(3000).items() if name != "s"}
    logistic = logistic_net(2.0).fit(data)["y"]
    softmax = net_of(y=fd.Softmax(["a", "c"], l2=2.0, states=["False", "True"])).fit(data)["y"]
    assert not softmax.weights[0].any() and softmax.bias[0] == 0
    np.testing.assert_allclose(softmax.weights[1], logistic.weights, rtol=1e-9)


def test_softmax_at_its_maximum():
    data = rows_of(5000)
    net = net_of(s=fd.Softmax(["a", "c"], states=["x", "y", "z"], l2=0.5))
    own = net.fit({name: data[name] for name in "acs"})["s"]
    x = oracle.columns([data["a"], data["c"]], [2, 3])
    residual = (data["s"][:, None] == np.arange(3)) - oracle.softmax_probabilities(x, own.weights, own.bias)
    slope = residual.T @ x - 0.5 * own.weights
    assert abs(slope[1:]).max() < 1e-6 and abs(residual.sum(axis=0)).max() < 1e-6
    assert own.states == ("x", "y", "z")


def test_a_saturated_regression_is_the_table():
    data = rows_of(3000)
    own = fd.BayesNet({"c": fd.Categorical([0.2, 0.3, 0.5]), "y": fd.Logistic(["c"])})
    own.fit({"c": data["c"], "y": data["y"]})
    table = np.array([data["y"][data["c"] == k].mean() for k in range(3)])
    found = np.exp(own.log_prob([[k, 1] for k in range(3)], per_variable=True)[:, 1])
    np.testing.assert_allclose(found, table, rtol=1e-7)


@pytest.mark.parametrize("l2", [0.01, 1.0])
def test_scikit_learn_finds_the_same(l2):
    linear_model = pytest.importorskip("sklearn.linear_model")
    data = rows_of(2000)
    x = oracle.columns([data["a"], data["c"]], [2, 3])
    theirs = linear_model.LogisticRegression(C=1 / l2, tol=1e-10, max_iter=10_000).fit(x, data["y"])
    own = logistic_net(l2).fit({name: data[name] for name in "acy"})["y"]
    np.testing.assert_allclose(own.weights, theirs.coef_[0], rtol=1e-4, atol=1e-6)
    assert own.bias == pytest.approx(theirs.intercept_[0], rel=1e-4)


def test_a_fit_does_not_depend_on_threads():
    data = {name: own for name, own in rows_of(60_000).items() if name != "s"}
    with fd.num_threads(1):
        alone = logistic_net().fit(data)["y"]
    with fd.num_threads(3):
        assert logistic_net().fit(data)["y"] == alone


# Data without a maximum -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["complete", "partly"])
def test_separable_rows_are_refused_and_l2_is_named(kind):
    data = {name: own for name, own in rows_of(3000).items() if name != "s"}
    if kind == "complete":
        data["y"] = data["a"].copy()
    else:  # one state of c is always True
        data["y"] = np.where(data["c"] == 1, 1, data["y"])
    with pytest.raises(ValueError, match=r"rows are separable: weights of 'y' .* give it l2, as Logistic\(parents, l2"):
        logistic_net().fit(data)
    fitted = logistic_net(1.0).fit(data)
    assert np.isfinite(fitted["y"].weights).all()
    assert np.isfinite(logistic_net(1e-6).fit(data)["y"].weights).all()


def test_rare_states_are_not_separable():
    n = 200_000
    y, a = np.zeros(n, int), np.zeros(n, int)
    a[: n // 2] = 1
    y[[0, n - 1]] = 1
    own = fd.BayesNet({"a": fd.Bernoulli(0.5), "y": fd.Logistic(["a"])}).fit({"a": a, "y": y})["y"]
    assert own.bias == pytest.approx(-np.log(n / 2 - 1), rel=1e-6)
    weighted = fd.BayesNet({"a": fd.Bernoulli(0.5), "y": fd.Logistic(["a"])})
    weighted.fit({"a": a, "y": y}, sample_weight=np.full(n, 1e-9))
    np.testing.assert_allclose(weighted["y"].bias, own.bias, rtol=1e-6)


@pytest.mark.parametrize("weight", [1.0, 1e-5, 1e-14])
@pytest.mark.parametrize("n", [100, 300_000])
def test_what_separates_depends_neither_on_rows_nor_on_weights(n, weight):
    """Two rows of d = 1 decide: alike, they separate; one of each state, they are a table of two rows."""
    d, y, weights = np.zeros(n, np.uint8), np.arange(n) % 2, np.ones(n)
    d[:2], weights[:2] = 1, [3 * weight, weight]
    y[:2] = 1
    net = fd.BayesNet({"d": fd.Bernoulli(0.5), "y": fd.Logistic(["d"])})
    with pytest.raises(ValueError, match="rows are separable"):
        net.fit({"d": d, "y": y}, sample_weight=weights)
    y[1] = 0
    own = net.fit({"d": d, "y": y}, sample_weight=weights)["y"]
    assert own.bias + own.weights[0] == pytest.approx(np.log(3), rel=1e-6)


@pytest.mark.parametrize("weight", [1e-3, 1e-5, 1e-8])
def test_a_light_row_that_contradicts_all_others(weight):
    side = np.linspace(0.1, 2, 50)
    x, y = np.r_[-side, side, -1, 1], np.r_[np.zeros(50, int), np.ones(50, int), 1, 0]
    weights = np.r_[np.ones(100), weight, weight]
    net = fd.BayesNet({"x": fd.Normal(), "y": fd.Logistic(["x"])})
    own = net.fit({"x": x, "y": y}, sample_weight=weights)["y"]
    p = 1 / (1 + np.exp(-(own.weights[0] * x + own.bias)))
    assert abs((weights * (y - p)) @ x) < 1e-5 * weight
    with pytest.raises(ValueError, match="rows are separable"):
        net.fit({"x": x[:100], "y": y[:100]})


@pytest.mark.parametrize(("far", "weight"), [(1e12, 0.0), (1e300, 0.0), (1e12, 1e-15)])
def test_columns_are_scaled_by_the_rows_that_count(far, weight):
    rng = np.random.default_rng(5)
    x = rng.normal(size=2000)
    y = (rng.random(2000) < 1 / (1 + np.exp(-x))).astype(int)
    net = fd.BayesNet({"x": fd.Exponential(), "y": fd.Logistic(["x"])})
    x = np.abs(x)
    right = net.fit({"x": x, "y": y})["y"]
    x, y, weights = np.r_[far, x], np.r_[1, y], np.r_[weight, np.ones(2000)]
    found = net.fit({"x": x, "y": y}, sample_weight=weights)["y"]
    np.testing.assert_allclose(found.weights, right.weights, rtol=1e-6)
    assert found.bias == pytest.approx(float(right.bias), rel=1e-6)


def test_a_state_that_never_comes():
    data = {"a": [0, 1, 0, 1], "c": [0, 1, 2, 0], "y": [1, 1, 1, 1]}
    with pytest.raises(ValueError, match="state 'False' of 'y' has no row of positive weight"):
        logistic_net(1.0).fit(data)


@pytest.mark.parametrize("labels", [["u", "u", "u"], [0, 0, 0]])
def test_a_variable_of_one_state_is_certain(labels):
    data = {"a": [0.1, 0.2, 0.3], "y": labels}
    net = fd.BayesNet.from_edges([("a", "y")]).fit(data)
    assert net["y"].weights.tolist() == [[0.0]]
    assert net.log_prob(data, per_variable=True)[:, 1].tolist() == [0.0] * 3
    assert net.sample(5, seed=0)["y"].tolist() == [0] * 5


def test_too_few_rows():
    data = {"a": [0, 1, 0, 1], "c": [0, 1, 2, 0], "y": [1, 0, 1, 1]}
    net = logistic_net()
    with pytest.raises(ValueError, match=r"with 4 coefficients, bias included, needs more rows .* 'y' has 4 rows"):
        net.fit(data)
    assert not net.is_fitted
    assert logistic_net(1.0).fit(data).is_fitted


def test_columns_that_others_explain_are_left_out():
    data = {name: own for name, own in rows_of(3000).items() if name != "s"}
    data["d"] = 1 - data["a"]
    net = net_of(d=fd.Bernoulli(0.5), y=fd.Logistic(["a", "c", "d"]))
    with pytest.warns(UserWarning, match=r"columns of parents \['d'\] of 'y' are constant or linear functions"):
        net.fit(data)
    del data["d"]
    np.testing.assert_allclose(net["y"].weights[:3], logistic_net().fit(data)["y"].weights, rtol=1e-7)
    assert net["y"].weights[3] == 0


def test_settings_survive_a_fit_and_unfitted_networks_say_so():
    net = logistic_net(0.5)
    assert not net.is_fitted
    with pytest.raises(fd.NotFittedError, match="parameters of \\['y'\\] are not known yet"):
        net.sample(3)
    assert net.n_parameters == 1 + 2 + 4
    data = {name: own for name, own in rows_of(300).items() if name != "s"}
    again = net.fit(data)["y"]
    assert net.fit(data)["y"] == again and again.l2 == 0.5
    with pytest.raises(TypeError, match="partial_fit cannot learn the Logistic of 'y'"):
        net.partial_fit(data)


def test_the_method_says_when_it_stops_early(monkeypatch):
    monkeypatch.setattr(newton, "MOST_STEPS", 1)
    data = {name: own for name, own in rows_of(300).items() if name != "s"}
    with pytest.warns(UserWarning, match="Newton's method did not converge in .* steps for 'y'"):
        logistic_net().fit(data)


# Noisy-or ---------------------------------------------------------------------------------------------------------


def test_noisy_or_by_em():
    rng = np.random.default_rng(3)
    x, weights = rng.integers(0, 2, (4, 20_000)).astype(np.uint8), rng.random(20_000)
    p, leak = np.array([0.8, 0.3, 0.05, 0.5]), 0.02
    effect = rng.random(20_000) < np.exp(oracle.noisy_or_log_prob(x.T, p, leak, np.ones(20_000)))
    groups = noisy_or.grouped(x, effect, weights)
    found, converged, values = noisy_or.maximise(groups)
    assert converged and (np.diff(values) >= -1e-12 * abs(values[0])).all()  # the likelihood never falls
    np.testing.assert_allclose(found, [leak, *p], atol=0.05)
    own = weights @ oracle.noisy_or_log_prob(x.T, found[1:], found[0], effect)
    assert own == pytest.approx(values[-1], rel=1e-10)
    for j in range(5):  # no step in either direction is better
        for step in (-1e-3, 1e-3):
            near = found.copy()
            near[j] = np.clip(near[j] + step, 0.0, 1.0)
            assert weights @ oracle.noisy_or_log_prob(x.T, near[1:], near[0], effect) <= own + 1e-6


def test_noisy_or_in_a_network():
    net = discrete_net()
    x = net.sample(30_000, seed=5)
    again = fd.BayesNet({**net.conditionals, "o": fd.NoisyOr(net["o"].parents)}).fit(x)["o"]
    np.testing.assert_allclose(again.probabilities, net["o"].probabilities, atol=0.06)
    assert again.leak == pytest.approx(0.05, abs=0.02)


def test_causes_that_are_never_there():
    net = fd.BayesNet({"a": fd.Bernoulli(0.5), "b": fd.Bernoulli(0.5), "o": fd.NoisyOr(["a", "b"])})
    with pytest.warns(UserWarning, match=r"causes \['b'\] of 'o' are never there"):
        net.fit({"a": [0, 1, 1, 1], "b": [0, 0, 0, 0], "o": [0, 1, 1, 0]})
    assert net["o"].probabilities[0] == pytest.approx(2 / 3, abs=1e-4)
    assert net["o"].probabilities[1] == 0 and net["o"].leak == pytest.approx(0.0, abs=1e-4)


def test_functions_are_not_learnt():
    a = fd.Bernoulli(0.5)
    net = fd.BayesNet({"a": a, "b": a, "d": fd.Deterministic(["a", "b"], np.bitwise_xor, states=["same", "differ"])})
    before = net["d"].table
    net.fit({"a": [0, 1, 1], "b": [1, 1, 0], "d": [0, 0, 0]})
    assert (net["d"].table == before).all() and net["d"].n_parameters == 0
    assert net["a"].table[1] == pytest.approx(0.6)


def test_no_warning_where_all_is_well():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert logistic_net().fit({name: rows_of(1000)[name] for name in "acy"}).is_fitted


# Real parents ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_real_parents_far_from_zero(shift):
    rng = np.random.default_rng(4)
    x, v = rng.normal(size=4000), rng.normal(size=4000)
    y = (rng.random(4000) < 1 / (1 + np.exp(-(1.5 * x - v + 0.5)))).astype(int)
    net = fd.BayesNet.from_edges([("x", "y"), ("v", "y")]).fit({"x": x + shift, "v": 1e-3 * v, "y": y})
    own = net["y"]
    assert type(own) is fd.Logistic and own.is_fitted
    columns = np.column_stack([x + shift, 1e-3 * v])
    residual = y - np.exp(oracle.logistic_log_prob(columns, own.weights, float(own.bias), np.ones(4000)))
    assert abs(residual @ np.column_stack([x, v])).max() < 1e-4 and abs(residual.sum()) < 1e-4


def test_a_softmax_below_a_real_and_a_discrete_variable():
    net = fd.BayesNet(
        {
            "x": fd.Normal(0.0, 1.0),
            "c": fd.Bernoulli(0.5),
            "s": fd.Softmax(["x", "c"], [[0, 0], [1.5, -1.0], [-1.0, 0.5]], [0.0, 0.5, -0.5]),
        }
    )
    rows = net.sample(20_000, seed=1)
    again = fd.BayesNet({**net.conditionals, "s": fd.Softmax(["x", "c"], states=["0", "1", "2"])}).fit(rows)["s"]
    np.testing.assert_allclose(again.weights, net["s"].weights, atol=0.15)
    np.testing.assert_allclose(again.bias, net["s"].bias, atol=0.15)
