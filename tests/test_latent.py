"""Hidden discrete variables beside real ones: densities against every configuration, integrals, patterns, errors."""

from __future__ import annotations

import numpy as np
import pytest

import fastdgm as fd

MIX = fd.BayesNet({"z": fd.Bernoulli(0.3), "x": fd.Normal.given(["z"], mean=[-2, 3], std=[1, 0.5])})


def normal(x, mean, std):
    return np.exp(-0.5 * ((x - mean) / std) ** 2) / (std * np.sqrt(2 * np.pi))


def hybrid() -> fd.BayesNet:
    """Three hidden variables, one above the others, over numbers, a vector, tables and logistic nodes."""
    rng = np.random.default_rng(0)
    return fd.BayesNet(
        {
            "g": fd.Categorical([0.2, 0.5, 0.3]),
            "h": fd.CPT(["g"], rng.dirichlet([1, 1], 3)),
            "k": fd.CPT(["g"], rng.dirichlet([1, 1, 1], 3)),
            "u": fd.Normal(0.0, 1.0),
            "x": fd.LinearGaussian(["h", "u"], [0.0, 2.0], [[1.0], [-1.0]], [1.0, 0.5]),
            "w": fd.MultivariateNormal.given(["k"], rng.normal(size=(3, 2)), np.eye(2)),
            "y": fd.Logistic(["h", "k", "x"], weights=[1.0, -1.0, 0.5, 0.3], bias=0.1),
            "c": fd.CPT(["k", "h"], rng.dirichlet([1, 1, 1], (3, 2))),
        }
    )


HIDDEN = ("g", "h", "k")


def columns_of(net, n, seed=0):
    return dict(net.sample(n, seed=seed, dtype=np.float64).items())


def summed(net, columns, hidden, fixed=None):
    """log sum over all configurations of the hidden variables, one by one; some fixed."""
    n = len(columns["x"])
    found = []
    for codes in np.ndindex(*(len(net.states[name]) for name in hidden)):
        own = dict(zip(hidden, codes, strict=True))
        if all(own[name] == code for name, code in (fixed or {}).items()):
            found.append(net.log_prob({**columns, **{name: np.full(n, code) for name, code in own.items()}}))
    return np.logaddexp.reduce(np.array(found), axis=0)


def test_a_mixture_is_a_weighted_sum_of_densities():
    x = np.linspace(-8, 8, 2001)
    density = 0.7 * normal(x, -2, 1) + 0.3 * normal(x, 3, 0.5)
    np.testing.assert_allclose(MIX.log_prob({"x": x}), np.log(density), rtol=1e-10)
    np.testing.assert_allclose(np.exp(MIX.log_prob({"x": x})).sum() * (x[1] - x[0]), 1.0, rtol=1e-6)


def test_its_components_by_bayes_rule():
    x = np.array([-2.0, 0.5, 3.0])
    share = 0.3 * normal(x, 3, 0.5) / (0.7 * normal(x, -2, 1) + 0.3 * normal(x, 3, 0.5))
    np.testing.assert_allclose(MIX.predict_proba({"x": x}, "z"), np.stack([1 - share, share], -1), rtol=1e-9)
    assert MIX.predict({"x": x}, "z", labels=True).tolist() == ["False", "False", "True"]


def test_far_away_rows_have_a_posterior():
    assert MIX.predict_proba({"x": [1e5, -1e5]}, "z").tolist() == [[1.0, 0.0], [1.0, 0.0]]
    assert np.isfinite(MIX.log_prob({"x": [1e5]})).all()


@pytest.mark.parametrize("hidden", [("g",), ("h",), ("g", "k"), HIDDEN])
def test_log_prob_is_the_sum_over_every_configuration(hidden):
    net = hybrid()
    columns = columns_of(net, 300)
    observed = {name: own for name, own in columns.items() if name not in hidden}
    np.testing.assert_allclose(net.log_prob(observed), summed(net, columns, hidden), rtol=1e-9)


@pytest.mark.parametrize("name", HIDDEN)
def test_posteriors_of_hidden_variables(name):
    net = hybrid()
    columns = columns_of(net, 200)
    observed = {own: column for own, column in columns.items() if own not in HIDDEN}
    total = summed(net, columns, HIDDEN)
    expected = [np.exp(summed(net, columns, HIDDEN, {name: k}) - total) for k in range(len(net.states[name]))]
    found = net.predict_proba(observed, name)
    np.testing.assert_allclose(found, np.array(expected).T, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-14)


def test_patterns_mixed_in_one_call_are_those_apart():
    net = hybrid()
    columns = columns_of(net, 400)
    rng = np.random.default_rng(1)
    partial = dict(columns)
    for name in ("g", "h", "c", "y"):
        partial[name] = np.where(rng.random(400) < 0.4, -1, columns[name].astype(np.int64))
    partial["x"] = np.where(rng.random(400) < 0.2, np.nan, columns["x"])
    partial["w"] = np.where(rng.random((400, 1)) < 0.3, np.nan, columns["w"])
    partial["y"] = np.where(np.isnan(partial["x"]), -1, partial["y"])  # a hidden parent of y cannot be summed out
    whole, posterior = net.log_prob(partial), net.predict_proba(partial, "k")
    for i in range(0, 400, 7):
        row = {name: own[i : i + 1] for name, own in partial.items()}
        np.testing.assert_allclose(net.log_prob(row), whole[i], rtol=1e-12)
        np.testing.assert_allclose(net.predict_proba(row, "k")[0], posterior[i], rtol=1e-10, atol=1e-14)


def test_what_has_nothing_observed_below_costs_nothing():
    net = hybrid()
    columns = columns_of(net, 50)
    roots = {"u": columns["u"]}
    np.testing.assert_allclose(net.log_prob(roots), np.log(normal(columns["u"], 0.0, 1.0)), rtol=1e-12)
    assert (net.log_prob({"u": np.full(3, np.nan)}) == 0.0).all()
    np.testing.assert_allclose(net.predict_proba(roots, "g"), np.tile([0.2, 0.5, 0.3], (50, 1)), rtol=1e-12)


def test_complete_rows_are_scored_as_ever():
    net = hybrid()
    x = net.sample(100, seed=3)
    assert (net.log_prob(x) == net.log_prob(dict(x.items()))).all()
    np.testing.assert_allclose(net.log_prob(x), net.log_prob(x, per_variable=True).sum(axis=1), rtol=1e-5)


def test_fifty_independent_mixtures():
    parts = {}
    for i in range(50):
        parts[f"z{i}"] = fd.Categorical([0.2, 0.3, 0.5])
        parts[f"x{i}"] = fd.Normal.given([f"z{i}"], [-1.0, 0.0, 2.0 + i], 1.0)
    net = fd.BayesNet(parts)
    x = np.random.default_rng(0).normal(size=(20, 50))
    each = [
        0.2 * normal(x[:, i], -1, 1) + 0.3 * normal(x[:, i], 0, 1) + 0.5 * normal(x[:, i], 2 + i, 1) for i in range(50)
    ]
    np.testing.assert_allclose(net.log_prob(x), np.log(each).sum(axis=0), rtol=1e-10)


def test_many_rows_in_pieces_are_the_same():
    x = np.random.default_rng(0).normal(size=300_000)
    whole = MIX.log_prob({"x": x})
    assert (whole[123_456:123_500] == MIX.log_prob({"x": x[123_456:123_500]})).all()


def test_float32_stays_close():
    x = np.random.default_rng(0).normal(size=1000)
    np.testing.assert_allclose(MIX.log_prob({"x": x.astype(np.float32)}), MIX.log_prob({"x": x}), rtol=1e-4, atol=1e-5)


def test_impossible_rows():
    net = fd.BayesNet({"z": fd.Bernoulli(0.5), "x": fd.Uniform(0, 1), "c": fd.CPT(["z"], [[1.0, 0.0], [1.0, 0.0]])})
    assert net.log_prob({"x": [0.5, 0.5], "c": [0, 1]}).tolist() == [0.0, -np.inf]
    with pytest.raises(ValueError, match="row 1 has no posterior of 'z'"):
        net.predict_proba({"x": [0.5, 0.5], "c": [0, 1]}, "z")


def test_rows_are_impossible_wherever_the_conflict_is():
    net = fd.BayesNet(
        {
            "d": fd.Categorical([0.3, 0.7], ["a", "b"]),
            "x": fd.Normal.given(["d"], mean=[-2, 0], std=[1, 0.5]),
            "e": fd.Categorical([0.5, 0.5], ["u", "v"]),
            "h": fd.CPT(["e"], [[1, 0], [0, 1]], ["u", "v"]),
            "f": fd.CPT(["h"], [[1, 0], [0, 1]], ["u", "v"]),
            "y": fd.Normal(1.0, 0.0),
            "z": fd.LinearGaussian(["y"], 0.0, [2.0], std=0.0),
        }
    )
    rows = {
        "x": [1.0] * 6,
        "e": ["u", "u", "u", "v", None, None],
        "h": ["u", "v", None, None, None, None],
        "f": ["u", "u", "v", "v", "u", None],
        "y": [1.0, 1.0, 1.0, 1.0, 2.0, None],
        "z": [2.0, 2.0, 2.0, 2.0, 4.0, 3.0],
    }
    is_impossible = [False, True, True, False, True, True]
    assert (net.log_prob(rows) == -np.inf).tolist() == is_impossible
    for n_importance in (None, 10):
        found = net.predict_proba(rows, "d", impossible="nan", n_importance=n_importance)
        assert np.isnan(found[:, 0]).tolist() == is_impossible
        np.testing.assert_array_equal(found[[0, 3]], net.predict_proba({"x": [1.0, 1.0]}, "d"))
        with pytest.raises(fd.ImpossibleEvidenceError, match="row 1 has no posterior of 'd'"):
            net.predict_proba(rows, "d", n_importance=n_importance)
    marginals = net.marginals(rows, impossible="nan")
    scores = net.outlier_scores(rows, impossible="nan")
    assert np.isnan(marginals["d"][:, 0]).tolist() == np.isnan(scores[:, 1]).tolist() == is_impossible
    for ask in (net.marginals, net.outlier_scores):
        with pytest.raises(fd.ImpossibleEvidenceError, match="row 1 has no"):
            ask(rows)


def test_what_has_no_closed_form_elsewhere_leaves_the_posterior_as_it_is():
    net = fd.BayesNet(
        {
            "d": fd.Bernoulli(0.3),
            "x": fd.Normal.given(["d"], mean=[-2, 0], std=[1, 0.5]),
            "t": fd.Exponential(1.0),
            "y": fd.LinearGaussian(["t"], 0.0, [1.0], std=0.0),
            "c": fd.Bernoulli(0.0),
        }
    )
    found = net.predict_proba({"x": [1.0], "y": [2.0]}, "d")
    np.testing.assert_array_equal(found, net.predict_proba({"x": [1.0]}, "d"))
    with pytest.raises(fd.ImpossibleEvidenceError, match="row 0 has no posterior of 'd'"):
        net.predict_proba({"x": [1.0], "y": [2.0], "c": [1]}, "d")


def test_rows_whose_squares_overflow_are_not_called_impossible():
    assert MIX.log_prob({"x": [1e200]}).tolist() == [-np.inf]
    with pytest.raises(ValueError, match=r"row 1 has no posterior .* its log-probability leaves the range of float64"):
        MIX.predict_proba({"x": [0.0, 1e200]}, "z")


def test_what_cannot_be_answered():
    net = hybrid()
    columns = columns_of(net, 3)
    with pytest.raises(ValueError, match="only discrete variables have a posterior by state, 'x' is real"):
        net.predict_proba(columns, "x")
    with pytest.raises(KeyError, match="no variable 'q'"):
        net.predict(columns, "q")
    with pytest.raises(ValueError, match="'x'"):  # a logistic node below a missing number
        net.log_prob({name: own for name, own in columns.items() if name != "x"})
    parents = [f"z{i}" for i in range(24)]
    wide = fd.BayesNet(
        {
            **{name: fd.Bernoulli(0.5) for name in parents},
            "u": fd.Normal(0, 1),
            "y": fd.Logistic(parents, [1.0] * 24, 0.0),
        }
    )
    with pytest.raises(ValueError, match=r"cannot be summed out: the hidden variables \['z0', .* 16777216 joint"):
        wide.log_prob({"u": [0.0], "y": [1]})


def test_a_pickled_network_answers_alike():
    import pickle

    x = {"x": np.array([0.0, 1.0])}
    before = MIX.predict_proba(x, "z")
    assert (pickle.loads(pickle.dumps(MIX)).predict_proba(x, "z") == before).all()
