"""Linear Gaussian networks as joint normals: against the oracle, node by node densities, and draws."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import reference_joint as reference
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdgm as fd


def random_net(n, seed, density=0.5):
    """A linear Gaussian network, declared in another order than its topological one, and its mean and covariance."""
    rng = np.random.default_rng(seed)
    coefficients = np.tril(rng.normal(size=(n, n)) * (rng.random((n, n)) < density), -1)
    intercepts, std = rng.normal(size=n), rng.uniform(0.3, 2, n)
    own = {}
    for v in rng.permutation(n).tolist():
        parents = rng.permutation(np.flatnonzero(coefficients[v])).tolist()
        names = [f"x{p}" for p in parents]
        own[f"x{v}"] = fd.LinearGaussian(names, intercepts[v], coefficients[v, parents], std[v])
    net = fd.BayesNet(own)
    order = [int(name[1:]) for name in net.names]
    mean, covariance = reference.moments(coefficients, intercepts, std**2)
    return net, mean[order], covariance[np.ix_(order, order)]


NETS = {"n": st.integers(1, 8), "seed": st.integers(0, 2**32 - 1)}


@settings(max_examples=30, deadline=None)
@given(**NETS)
def test_the_joint_is_that_of_the_oracle(n, seed):
    net, mean, covariance = random_net(n, seed)
    found = net.to_multivariate_normal()
    assert found.names == net.names
    np.testing.assert_allclose(found.mean, mean, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-10, atol=1e-10 * np.abs(covariance).max())


@settings(max_examples=15, deadline=None)
@given(**NETS)
def test_the_joint_has_the_density_of_all_nodes(n, seed):
    net, mean, covariance = random_net(n, seed)
    x = net.sample(5, seed=seed, dtype=np.float64)
    expected = [reference.log_density(row, mean, covariance) for row in np.asarray(x)]
    np.testing.assert_allclose(net.log_prob(x), expected, rtol=1e-10, atol=1e-10)


@settings(max_examples=30, deadline=None)
@given(**NETS, mask=st.integers(0, 255))
def test_posteriors_are_those_of_the_oracle(n, seed, mask):
    net, mean, covariance = random_net(n, seed)
    known = [v for v in range(n) if mask >> v & 1]
    hidden = [v for v in range(n) if not mask >> v & 1]
    if not hidden:
        return
    values = np.random.default_rng(seed).normal(size=len(known))
    found = net.posterior(
        [net.names[v] for v in hidden], given={net.names[v]: x for v, x in zip(known, values, strict=True)}
    )
    own_mean, own_covariance = reference.conditional(mean, covariance, hidden, known, values)
    np.testing.assert_allclose(found.mean, own_mean, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(found.covariance, own_covariance, rtol=1e-8, atol=1e-8)


def test_patterns_of_missing_values_mixed_in_one_call():
    net, mean, covariance = random_net(6, 3)
    rng = np.random.default_rng(1)
    x = np.asarray(net.sample(200, seed=5, dtype=np.float64)).copy()
    x[rng.random(x.shape) < 0.4] = np.nan
    x[0] = np.nan
    found = net.log_prob(x)
    for row, value in zip(x, found, strict=True):
        known = np.flatnonzero(~np.isnan(row))
        own = row[known], mean[known], covariance[np.ix_(known, known)]
        expected = reference.log_density(*own) if len(known) else 0.0
        assert value == pytest.approx(expected, rel=1e-10, abs=1e-10)
    assert found[0] == 0.0
    again = np.concatenate([net.log_prob(x[begin : begin + 7]) for begin in range(0, 200, 7)])
    assert (again == found).all()
    single = net.log_prob(x.astype(np.float32))
    np.testing.assert_allclose(single, found, rtol=1e-4, atol=1e-4)


def test_absent_columns_are_missing():
    net, mean, covariance = random_net(4, 8)
    found = net.log_prob({"x2": [0.3, -1.0]})
    v = net.names.index("x2")
    deviation = np.sqrt(covariance[v, v])
    expected = -0.5 * ((np.array([0.3, -1.0]) - mean[v]) / deviation) ** 2 - np.log(deviation * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


# --- discrete parents, vectors, inputs that are not normal ---


def mixed_net():
    return fd.BayesNet(
        {
            "z": fd.Bernoulli(0.3),
            "k": fd.CPT(["z"], [[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]),
            "v": fd.MultivariateNormal.given(["k"], [[0, 1], [2, 0], [-1, -1]], [[1.0, 0.4], [0.4, 0.5]]),
            "u": fd.Exponential(2.0),
            "a": fd.LinearGaussian(["z", "v", "u"], [0, 1], [[1, 0.5, 2], [-1, 0, 1]], [0.5, 1.0]),
            "b": fd.LinearGaussian(["a", "k"], [0, 1, 2], [0.7], 0.8),
        }
    )


def enumerated(net, row):
    """log p of a row in which z, k and a may be None: over the states, by quadrature of a."""
    total = -np.inf
    for z in range(2) if row["z"] is None else [row["z"]]:
        for k in range(3) if row["k"] is None else [row["k"]]:
            if row["a"] is None:
                grid = np.linspace(-25, 25, 20_001)
                frame = {
                    name: np.full((len(grid), *np.shape(own)), own) for name, own in row.items() if own is not None
                }
                frame |= {"z": np.full(len(grid), z), "k": np.full(len(grid), k), "a": grid}
                terms = net.log_prob(frame) + np.log(grid[1] - grid[0])
                total = np.logaddexp(total, np.logaddexp.reduce(terms))
            else:
                frame = {name: np.array([own]) for name, own in row.items()} | {"z": np.array([z]), "k": np.array([k])}
                total = np.logaddexp(total, net.log_prob(frame)[0])
    return total


@pytest.mark.parametrize("hidden", [["a"], ["a", "z"], ["a", "k"], ["a", "z", "k"], ["z", "k"]])
def test_hidden_reals_and_states_together(hidden):
    net = mixed_net()
    row = {"z": 1, "k": 2, "v": [0.3, -0.6], "u": 0.4, "a": 0.9, "b": 1.7}
    frame = {name: np.array([own]) for name, own in row.items() if name not in hidden}
    expected = enumerated(net, {name: None if name in hidden else own for name, own in row.items()})
    assert net.log_prob(frame)[0] == pytest.approx(expected, rel=1e-9)


def test_a_vector_known_in_part():
    net = fd.BayesNet({"v": fd.MultivariateNormal([1.0, -1.0], [[2.0, 0.6], [0.6, 1.0]])})
    found = net.log_prob({"v": np.array([[0.5, np.nan], [np.nan, 0.0], [0.5, 0.0], [np.nan, np.nan]])})
    expected = [reference.log_density(np.array([0.5]), np.array([1.0]), np.array([[2.0]])),
                reference.log_density(np.array([0.0]), np.array([-1.0]), np.array([[1.0]])),
                reference.log_density(np.array([0.5, 0.0]), net["v"].mean, net["v"].covariance), 0.0]  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_posteriors_under_a_configuration():
    net = mixed_net()
    given_values = {"z": 1, "k": "2", "u": 0.4, "b": 1.7}
    found = net.posterior(["v", "a"], given=given_values)
    assert found.names == ("v[0]", "v[1]", "a")
    coefficients = np.zeros((4, 4))
    coefficients[2, :2], coefficients[3, 2] = [-1, 0], 0.7
    inverse = np.linalg.inv(np.eye(4) - coefficients)
    noise = np.zeros((4, 4))
    noise[:2, :2], noise[2, 2], noise[3, 3] = [[1.0, 0.4], [0.4, 0.5]], 1.0, 0.64
    mean, covariance = inverse @ np.array([-1, -1, 1 + 0.4, 2.0]), inverse @ noise @ inverse.T
    expected = reference.conditional(mean, covariance, [0, 1, 2], [3], np.array([1.7]))
    np.testing.assert_allclose(found.mean, expected[0], rtol=1e-10)
    np.testing.assert_allclose(found.covariance, expected[1], rtol=1e-10, atol=1e-12)


# --- draws ---


def test_conditional_draws_have_the_posterior_s_moments():
    net, *_ = random_net(5, 11)
    known = {"x1": 0.7, "x4": -0.2}
    n = 200_000
    x = net.sample(n, seed=3, given=known, dtype=np.float64)
    assert (x["x1"] == 0.7).all() and (x["x4"] == -0.2).all()
    rest = ["x0", "x2", "x3"]
    answer = net.posterior(rest, given=known)
    drawn = np.stack([x[name] for name in rest])
    error = answer.std / np.sqrt(n)
    assert (np.abs(drawn.mean(axis=1) - answer.mean) < 5 * error).all()
    scale = np.outer(answer.std, answer.std)
    assert (np.abs(np.cov(drawn) - answer.covariance) < 7 * scale / np.sqrt(n)).all()


def test_conditional_draws_do_not_depend_on_batches():
    net = mixed_net()
    known = {"z": 0, "k": 1, "u": 0.5, "b": 0.0}
    whole = net.sample(3000, seed=9, start=5, given=known)
    parts = [net.sample(n, seed=9, start=5 + at, given=known) for at, n in ((0, 1), (1, 700), (701, 2299))]
    for name in net.names:
        assert (np.concatenate([part[name] for part in parts]) == whole[name]).all()
    with fd.num_threads(2):
        assert (net.sample(3000, seed=9, start=5, given=known)["v"] == whole["v"]).all()
    assert np.isfinite(net.log_prob(whole)).all()
    assert not np.isin(net.sample(3000, seed=9, start=5)["a"], whole["a"]).any()  # another stream


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_conditional_draws_of_point_masses_are_possible_rows(dtype):
    net = fd.BayesNet(
        {
            "z": fd.Bernoulli(0.4),
            "a": fd.Normal(0.1, 1.0),
            "b": fd.LinearGaussian(["a"], 0.3, [0.7], 0.0),
            "c": fd.LinearGaussian(["b"], 0.2, [1.3], 0.5),
            "d": fd.LinearGaussian(["z", "c", "b"], [0.1, 0.7], [0.3, -1.1], [0.2, 0.0]),
            "e": fd.LinearGaussian(["d"], -0.3, [1.7], 0.0),
            "f": fd.LinearGaussian(["d", "e"], 0.9, [0.1, 0.2], 0.3),
        }
    )
    for known in ({"c": 1.1, "z": 0}, {"c": 1.1, "z": 1}, {"f": 0.4, "z": 1}):
        x = net.sample(2000, given=known, seed=0, dtype=dtype)
        assert np.isfinite(net.log_prob(x)).all()
        parts = [net.sample(n, given=known, seed=0, start=at, dtype=dtype) for at, n in ((0, 700), (700, 1300))]
        for name in ("b", "e"):
            assert (np.concatenate([part[name] for part in parts]) == x[name]).all()


def test_everything_given():
    net = fd.BayesNet({"a": fd.Normal(0, 1), "b": fd.LinearGaussian(["a"], 1, [2], 0.5)})
    x = net.sample(3, seed=0, given={"a": 1.0, "b": 2.0})
    assert x["a"].tolist() == [1.0] * 3 and x["b"].tolist() == [2.0] * 3


# --- point masses ---


def test_constants_and_functions_with_missing_values():
    net = fd.BayesNet(
        {
            "c": fd.Normal(2.5, 0),
            "a": fd.LinearGaussian(["c"], 0, [1], 1.0),
            "f": fd.LinearGaussian(["a"], 1, [2], 0),
            "b": fd.LinearGaussian(["a"], 0, [1], 0.5),
        }
    )
    found = net.log_prob({"c": [2.5, 2.6], "b": [1.0, 1.0]})
    deviation = np.sqrt(1.25)
    expected = -0.5 * (1.5 / deviation) ** 2 - np.log(deviation * np.sqrt(2 * np.pi))
    assert found[0] == pytest.approx(expected) and found[1] == -np.inf
    through = net.log_prob({"f": [4.0]})  # a function of what is hidden: a density of its own
    assert through[0] == pytest.approx(-0.5 * ((4 - 6) / 2) ** 2 - np.log(2 * np.sqrt(2 * np.pi)))
    twins = fd.BayesNet({**net.conditionals, "g": fd.LinearGaussian(["a"], 0, [3], 0)})
    with pytest.raises(ValueError, match="'g' is a linear function of other known values"):
        twins.log_prob({"f": [4.0], "g": [1.0]})
    with pytest.raises(ValueError, match="'c' is a function"):
        net.to_multivariate_normal()
    with pytest.raises(ValueError, match="'a' is a function of the given values"):
        net.posterior(["a"], given={"f": 4.0})
    assert net.posterior(["a"], given={"b": 1.0, "c": 2.5}).names == ("a",)
    copied = fd.BayesNet({**net.conditionals, "d": fd.LinearGaussian(["c"], 0, [1], 0)})
    assert copied.posterior(["a"], given={"b": 1.0, "d": 2.5}) == net.posterior(["a"], given={"b": 1.0})
    with pytest.raises(ValueError, match=r"'d' \(std 0\) is 2.5, not 3"):
        copied.posterior(["a"], given={"b": 1.0, "d": 3.0})
    with pytest.raises(fd.ImpossibleEvidenceError):
        copied.sample(2, given={"b": 1.0, "d": 3.0})
    x = net.sample(4, seed=0, given={"f": 4.0}, dtype=np.float64)
    np.testing.assert_allclose(x["a"], 1.5, rtol=1e-12)


def test_impossible_values_have_neither_draws_nor_a_posterior():
    net = fd.BayesNet(
        {
            "s": fd.Categorical([1.0, 0.0], ["u", "v"]),
            "t": fd.CPT(["s"], [[1, 0], [0, 1]], ["u", "v"]),
            "p": fd.Normal(0, 1),
            "a": fd.LinearGaussian(["p"], 0.1, [1.0], 0.5),
            "b": fd.LinearGaussian(["a"], 0.3, [0.7], 0.0),
            "c": fd.LinearGaussian(["a", "b", "s"], 0, [1.0, 2.0], 1.0),
        }
    )
    for known in ({"s": "v"}, {"t": "v"}, {"s": "u", "t": "v"}, {"a": 1.0, "b": 2.0, "s": "u"}, {"s": "v", "b": 0.5}):
        assert net.log_prob({name: [value] for name, value in known.items()}).tolist() == [-np.inf]
        for ask in (
            lambda known=known: net.sample(2, given=known, seed=0),
            lambda known=known: net.sample(2, given={**known, "c": 0.5}, seed=0),
            lambda known=known: net.posterior(["p"], given=known),
            lambda known=known: net.posterior(["c"], given={**known, "s": known.get("s", "v")}),
        ):
            with pytest.raises(fd.ImpossibleEvidenceError):
                ask()
    with pytest.raises(fd.ImpossibleEvidenceError, match=r"no draw: .* the given values of .*'s'"):
        net.iter_samples(2, given={"s": "v"})
    assert len(net.sample(2, given={"s": "v"}, do={"s": "v"}, seed=0)) == 2  # as what it is set to, it is certain
    assert net.posterior(["p"], given={"s": "v"}, do={"s": "v"}).mean.tolist() == [0.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_functions_of_given_values_may_miss_them_by_a_rounding(dtype):
    net = fd.BayesNet(
        {
            "a": fd.Normal(0, 1),
            "b": fd.LinearGaussian(["a"], 0.3, [0.7], 0.0),
            "f": fd.Deterministic(["b"], lambda b: np.exp(b)),
            "d": fd.LinearGaussian(["b"], 0.1, [1 / 3], 0.0),
            "c": fd.Normal(0, 1),
        }
    )
    row = {name: float(column[0]) for name, column in net.sample(1, seed=3, dtype=dtype).items() if name != "c"}
    assert net.sample(2, given=row, seed=0, dtype=dtype)["b"].tolist() == [row["b"]] * 2
    assert net.posterior(["c"], given=row).mean.tolist() == [0.0]
    for name in ("b", "f", "d"):
        with pytest.raises(fd.ImpossibleEvidenceError, match=f"given values must be possible: '{name}'"):
            net.sample(2, given={**row, name: row[name] * 1.0001 + 1e-4}, seed=0)


# --- the uniform latent ---


@pytest.mark.parametrize("slope", [2.0, -0.5, 1e-3, 1e-9, 0.0, 300.0])
def test_the_uniform_latent_by_quadrature(slope):
    low, high, std = -1.0, 2.0, 0.7
    net = fd.BayesNet({"u": fd.Uniform(low, high), "x": fd.LinearGaussian(["u"], 0.3, [slope], std)})
    x = np.array([0.3, 0.4 + slope, -4.0, 5.0])

    def density(u, at):
        return np.exp(-0.5 * ((at - 0.3 - slope * u) / std) ** 2) / (std * np.sqrt(2 * np.pi) * (high - low))

    expected = [np.log(reference.integral(lambda u, at=at: density(u, at), low, high)) for at in x]
    np.testing.assert_allclose(net.log_prob({"x": x}), expected, rtol=1e-9)


def test_the_uniform_latent_far_out_and_in_all():
    net = fd.BayesNet({"u": fd.Uniform(0, 1), "x": fd.LinearGaussian(["u"], 0, [1], 0.01)})
    tails = net.log_prob({"x": [-1.0, 2.0, -50.0, 51.0, 0.5]})
    assert tails[0] == tails[1] and tails[2] == tails[3] and tails[4] == pytest.approx(0, abs=1e-12)
    t = 100.0  # log [phi(t) / t (1 - 1 / t^2 + ...)]
    expected = -t * t / 2 - 0.5 * np.log(2 * np.pi) - np.log(t) - 1 / t**2 + 2.5 / t**4
    assert tails[0] == pytest.approx(expected, rel=1e-12)
    grid = np.linspace(-0.2, 1.2, 20_001)
    assert np.exp(net.log_prob({"x": grid})).sum() * (grid[1] - grid[0]) == pytest.approx(1, abs=1e-6)


def test_several_children_and_states_of_a_uniform_latent():
    net = fd.BayesNet(
        {
            "z": fd.Bernoulli(0.4),
            "u": fd.Uniform(-2, 1),
            "x": fd.LinearGaussian(["u", "z"], [0, 1], [[1.0], [2.0]], [0.5, 1.0]),
            "y": fd.LinearGaussian(["x", "u"], 0.5, [0.3, -1.0], 0.8),
        }
    )
    total = 0.0
    for z in range(2):

        def density(u, z=z):
            frame = {"z": np.full(len(u), z), "u": u, "x": np.full(len(u), 0.4), "y": np.full(len(u), -0.7)}
            return np.exp(net.log_prob(frame))

        total += reference.integral(density, -2, 1, 2001)
    assert net.log_prob({"x": [0.4], "y": [-0.7]})[0] == pytest.approx(np.log(total), rel=1e-9)


# --- what cannot be done ---


def test_what_cannot_be_integrated_out():
    net = fd.BayesNet({"e": fd.Exponential(1.0), "x": fd.LinearGaussian(["e"], 0, [1], 1)})
    with pytest.raises(ValueError, match=r"cannot be integrated out: of \['e'\] .*'e' \(Exponential\)"):
        net.log_prob({"x": [1.0]})
    assert net.log_prob({"e": [1.0]})[0] == -1.0
    logistic = fd.BayesNet({"x": fd.Normal(0, 1), "y": fd.Logistic(["x"], [1.0], 0.0)})
    with pytest.raises(ValueError, match=r"cannot be integrated out: of \['x'\] .*'y' \(Logistic\)"):
        logistic.log_prob({"y": [1]})
    point = fd.BayesNet({"u": fd.Uniform(0, 1), "x": fd.LinearGaussian(["u"], 0, [1], 0)})
    with pytest.raises(ValueError, match="'x', which depends on it, has std 0"):
        point.log_prob({"x": [0.5]})


BAD = [
    (["q"], {}, KeyError, "no variable 'q'"),
    (["a"], {"q": 1.0}, KeyError, "no variable 'q'"),
    (["a", "a"], {}, ValueError, "distinct"),
    ([], {}, ValueError, "at least one"),
    (["a"], {"a": 1.0, "z": 0, "k": 0}, ValueError, "'a' is given a value"),
    (["z", "a"], {}, ValueError, r"here \['a'\] are real"),
    (["b"], {"u": 1.0}, ValueError, r"a mixture, .* unless given= has values of \['z', 'k'\]"),
    (["a"], {"z": 0, "k": 1}, ValueError, "'u' bears on it and is a Exponential"),
    (["a"], {"b": np.nan}, ValueError, "values are finite, got nan of 'b'"),
    (["a"], {"b": "one"}, ValueError, "'b' is real, got 'one'"),
    (["a"], {"v": 1.0}, ValueError, "a value of 'v' is 2 numbers, got 1.0"),
    (["a"], {"b": [1.0]}, ValueError, "a value of 'b' is one number"),
    (["a"], {"z": 7}, ValueError, "codes of 'z' run from 0 to 1"),
]


@pytest.mark.parametrize(("names", "known", "kind", "message"), BAD)
def test_bad_questions(names, known, kind, message):
    with pytest.raises(kind, match=message):
        mixed_net().posterior(names, given=known)


def test_other_bad_questions():
    with pytest.raises(ValueError, match=r"not of 'z' \(Bernoulli\), 'k' \(CPT\), 'u' \(Exponential\)"):
        mixed_net().to_multivariate_normal()
    with pytest.raises(TypeError, match="list of names"):
        mixed_net().posterior("a")
    with pytest.raises(TypeError, match="given is a mapping"):
        mixed_net().posterior(["a"], given=[("z", 1)])
    with pytest.raises(ValueError, match=r"'u' has no value, and its Exponential.*weighted"):
        mixed_net().sample(3, given={"b": 0})


def test_answers_can_be_used_as_networks():
    net, *_ = random_net(3, 0)
    answer = net.posterior(["x0", "x1"], given={"x2": 0.1})
    again = fd.BayesNet({"x": answer})
    x = again.sample(1000, seed=1, dtype=np.float64)
    expected = [reference.log_density(row, answer.mean, answer.covariance) for row in x["x"]]
    np.testing.assert_allclose(again.log_prob(x), expected, rtol=1e-10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        repr(answer)


def test_given_values_beyond_the_type_of_the_draws():
    net = fd.BayesNet({"a": fd.Normal(0, 1), "b": fd.LinearGaussian(["a"], 1, [2], std=0.5)})
    with pytest.raises(ValueError, match=r"within the range of float32: 'b' is 1e\+39; use dtype=float64"):
        net.sample(3, given={"b": 1e39})
    assert (net.sample(3, given={"b": 1e39}, dtype=np.float64)["b"] == 1e39).all()
