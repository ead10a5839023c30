"""Linear Gaussians: parameters and their checks, densities and draws against the oracle."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
import reference_gaussian as oracle
from real_nets import columns_of, gaussian_rows, gaussian_terms, random_hybrid

import fastdgm as fd
from fastdgm.data.variables import Discrete, Real
from fastdgm.engines.gaussian.plan import gaussian_plan
from fastdgm.engines.gaussian.run import GaussianEngine
from fastdgm.kernels import gaussian

pytestmark = pytest.mark.generic_cpu

TYPES = [np.float32, np.float64]
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}
YES_NO = Discrete(("no", "yes"))
PARENTS = [YES_NO, Real(), Discrete(("a", "b", "c")), Real((2,))]
NAMES = ["d", "y", "e", "w"]


def engine_of(net: fd.BayesNet) -> GaussianEngine:
    return next(own.engine for own in net._program.segments if isinstance(own.engine, GaussianEngine))


# --- parameters ---


def test_arrays_have_an_axis_for_each_discrete_parent_once_bound():
    own = fd.LinearGaussian(NAMES, np.ones((2, 3)), [1, 2, 3], 0.5)
    assert own.discrete_parents is own.real_parents is None
    bound = own.bound("x", PARENTS)
    assert (bound.discrete_parents, bound.real_parents) == (("d", "e"), ("y", "w"))
    assert (bound.intercept.shape, bound.coefficients.shape, bound.std.shape) == ((2, 3), (2, 3, 3), (2, 3))
    assert (bound.coefficients == [1, 2, 3]).all() and (bound.std == 0.5).all()
    assert bound.n_parameters == 6 * 5 and bound.variable == Real() and bound.is_fitted
    assert bound.parent_states == (("no", "yes"), ("a", "b", "c"))
    assert not any(array.flags.writeable for array in bound.parameters().values())
    assert bound.bound("x", PARENTS) == bound


def test_an_axis_of_length_one_is_for_all_states():
    bound = fd.LinearGaussian(NAMES, np.arange(3.0).reshape(1, 3), np.ones((2, 1, 3)), 1).bound("x", PARENTS)
    assert (bound.intercept == [[0, 1, 2]] * 2).all() and bound.coefficients.shape == (2, 3, 3)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (([1, 2], [1, 2, 3], 1), r"intercept of 'x' .* expected shape \(2, 3\) .*got \(2,\)"),
        ((np.ones((3, 2)), [1, 2, 3], 1), r"intercept of 'x' .* expected shape \(2, 3\) .*got \(3, 2\)"),
        ((1, [1, 2], 1), r"coefficients of 'x' .* expected shape \(2, 3, 3\) \(or \(3,\) .*got \(2,\)"),
        ((1, np.ones((2, 3)), 1), r"coefficients of 'x' .* expected shape \(2, 3, 3\)"),
        ((1, (), 1), r"coefficients of 'x' .* got \(0,\)"),
        ((1, [1, 2, 3], np.ones((2, 2))), r"std of 'x' .* expected shape \(2, 3\) .*got \(2, 2\)"),
    ],
)
def test_shapes_that_do_not_line_up(arrays, message):
    with pytest.raises(ValueError, match=message):
        fd.LinearGaussian(NAMES, *arrays).bound("x", PARENTS)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: fd.Normal(0, -1), ValueError, "std must be finite and not below 0, got -1"),
        (lambda: fd.Normal(0, math.nan), ValueError, "std must be finite and not below 0, got nan"),
        (lambda: fd.Normal(math.inf, 1), ValueError, "intercept must be finite, got inf"),
        (lambda: fd.Normal([1, 2], 1), ValueError, r"expected shape \(\), got \(2,\)"),
        (lambda: fd.LinearGaussian(["a"], 0, [1, math.nan]), ValueError, r"coefficients .* got nan at \[1\]"),
        (lambda: fd.LinearGaussian(["a"], 0, ["x"]), ValueError, "array of type"),
        (lambda: fd.LinearGaussian(["a"], 1j, [1]), ValueError, "array of type complex128"),
        (lambda: fd.LinearGaussian(["a"], 0, None), ValueError, "left out together"),
        (lambda: fd.LinearGaussian(["a"], None, [1]), ValueError, "left out together"),
        (lambda: fd.Normal(None, 2.0), ValueError, "left out together"),
        (lambda: fd.LinearGaussian("a", 0, [1]), TypeError, "must be a list of names"),
        (lambda: fd.LinearGaussian([1], 0, [1]), TypeError, "must be names"),
        (lambda: fd.LinearGaussian(["a", "a"], 0, [1]), ValueError, "must be distinct"),
        (lambda: fd.Normal(np.ma.masked_array([1.0], [True]), 1), ValueError, "masked"),
    ],
)
def test_bad_parameters(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_normal_is_a_linear_gaussian_without_parents():
    own = fd.Normal(2, 0.5)
    assert own == fd.LinearGaussian([], 2, (), 0.5) and own != fd.Normal(2, 1)
    assert float(own.mean) == 2 and own.n_parameters == 2 and own.real_parents == own.discrete_parents == ()
    assert eval(repr(own), {"Normal": fd.Normal}) == own
    given = fd.Normal.given(["d"], [1, 2], 0.5)
    assert given == fd.LinearGaussian(["d"], [1, 2], (), 0.5)
    assert eval(repr(given), {"LinearGaussian": fd.LinearGaussian}) == given
    with pytest.raises(ValueError, match=r"coefficients of 'x' .* expected shape \(1,\), got \(0,\)"):
        fd.Normal.given(["d"], 1, 0.5).bound("x", [Real()])


def test_it_never_changes_and_can_be_copied():
    own = fd.LinearGaussian(NAMES, 0, [1, 2, 3], np.ones((2, 3))).bound("x", PARENTS)
    again = pickle.loads(pickle.dumps(own))
    assert again == own and again.parent_states == own.parent_states and type(again) is fd.LinearGaussian
    assert not again.std.flags.writeable
    assert hash(again) == hash(own) and own != "x"
    with pytest.raises(AttributeError, match="never changes"):
        own.std = 1
    restored = fd.LinearGaussian.from_parameters("x", NAMES, Real(), own.parameters())
    assert restored.bound("x", PARENTS) == own
    with pytest.raises(ValueError, match=r"'x' has intercept, coefficients, std and no other arrays"):
        fd.LinearGaussian.from_parameters("x", NAMES, Real(), {"std": own.std})
    with pytest.raises(ValueError, match="one real number"):
        fd.LinearGaussian.from_parameters("x", NAMES, YES_NO, own.parameters())


def test_parameters_refer_to_states_by_position():
    own = fd.Normal.given(["d"], [1, 2], 1).bound("x", [YES_NO])
    with pytest.raises(ValueError, match=r"'x' .* by position.*code 0 was 'no', is 'yes'"):
        own.bound("x", [Discrete(("yes", "no"))])
    with pytest.raises(ValueError, match=r"parameters of 'x' were made for discrete parents \['d'\], got \[\]"):
        own.bound("x", [Real()])


def test_parameters_left_out():
    own = fd.LinearGaussian(["d", "y"])
    assert not own.is_fitted and own.parameters() == {} and own == fd.LinearGaussian(["d", "y"], None, None, None)
    bound = own.bound("x", [YES_NO, Real()])
    assert not bound.is_fitted and bound.real_parents == ("y",) and "not fitted" in repr(bound)
    assert not fd.Normal().is_fitted and not fd.Normal.given(["d"]).is_fitted
    with pytest.raises(fd.NotFittedError):
        bound.n_parameters  # noqa: B018
    net = fd.BayesNet({"x": fd.Normal()})
    with pytest.raises(fd.NotFittedError):
        net.sample(3)


# --- densities and draws ---


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("seed", range(6))
def test_log_prob_is_the_oracles(seed, dtype):
    net = random_hybrid(seed, n_vars=12)
    x = net.sample(3001, seed=seed, dtype=dtype)
    expected = gaussian_terms(net, columns_of(x))
    found = net.log_prob(x, per_variable=True)
    for name, term in expected.items():
        scale = 1.0 + np.abs(term)
        if dtype is np.float32:
            scale += np.abs(columns_of(x)[name] / net[name].std.min()) ** 2
        assert (np.abs(found[:, net.names.index(name)] - term) <= TOLERANCE[dtype] * scale).all()
    np.testing.assert_allclose(net.log_prob(x), found.sum(axis=1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("seed", range(3))
def test_rows_are_the_oracles(seed, dtype):
    net = random_hybrid(seed, n_vars=10)
    x = net.sample(1100, seed=seed, dtype=dtype)
    own = columns_of(x)
    for name, expected in gaussian_rows(net, x, seed, dtype, engine_of(net).first_word).items():
        assert (np.abs(own[name] - expected) <= TOLERANCE[dtype] * (1 + np.abs(expected).max())).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_rows_do_not_depend_on_chunks_and_threads(dtype):
    net, n = random_hybrid(1), 5000
    whole = net.sample(n, seed=3, dtype=dtype)
    first = np.asarray(whole)
    with fd.num_threads(2):
        parts = [np.asarray(part) for part in net.iter_samples(n, chunk=777, seed=3, dtype=dtype)]
        assert (np.concatenate(parts) == first).all()
        lp = net.log_prob(whole)
    assert (lp[4000:4100] == net.log_prob(whole[4000:4100])).all()
    assert (np.asarray(net.sample(100, seed=3, start=2**32 - 50, dtype=dtype))[60:]
            == np.asarray(net.sample(40, seed=3, start=2**32 + 10, dtype=dtype))).all()  # fmt: skip


@pytest.mark.parametrize("dtype", TYPES)
def test_residuals_are_standard_normal(dtype):
    n = 200_000
    net = fd.BayesNet(
        {
            "d": fd.Bernoulli(0.3),
            "y": fd.Normal(3, 2),
            "x": fd.LinearGaussian(["d", "y"], [1, -1], [[0.5], [2]], [1, 0.1]),
        }
    )
    x = columns_of(net.sample(n, seed=11, dtype=dtype))
    d, y = x["d"], x["y"]
    residuals = [(y - 3) / 2, (x["x"] - np.where(d, -1, 1) - np.where(d, 2, 0.5) * y) / np.where(d, 0.1, 1)]
    for z in residuals:
        cdf = 0.5 * (1 + np.vectorize(math.erf)(np.sort(z[:20_000]) / math.sqrt(2)))
        distance = np.abs(cdf - (np.arange(20_000) + 0.5) / 20_000).max()
        assert distance < 1.95 / math.sqrt(20_000)  # Kolmogorov-Smirnov at 0.001
        assert abs(z.mean()) < 4 / math.sqrt(n) and abs(z.var() - 1) < 4 * math.sqrt(2 / n)
    assert abs(np.corrcoef(*residuals)[0, 1]) < 4 / math.sqrt(n)


def test_peers_agree():
    stats = pytest.importorskip("scipy.stats")
    grid = np.linspace(-8, 8, 401)
    own = fd.BayesNet({"x": fd.Normal(0.7, 1.3)})
    np.testing.assert_allclose(own.log_prob({"x": grid}), stats.norm(0.7, 1.3).logpdf(grid), rtol=1e-12)


def test_torch_agrees():
    torch = pytest.importorskip("torch")
    grid = np.linspace(-8, 8, 401)
    expected = torch.distributions.Normal(0.7, 1.3).log_prob(torch.from_numpy(grid)).numpy()
    np.testing.assert_allclose(fd.BayesNet({"x": fd.Normal(0.7, 1.3)}).log_prob({"x": grid}), expected, rtol=1e-6)


def test_densities_integrate_to_one():
    net = fd.BayesNet({"d": fd.Bernoulli(0.25), "x": fd.Normal.given(["d"], [-1, 2], [0.5, 3])})
    grid = np.linspace(-40, 40, 80_001)
    total = 0.0
    for state in (0, 1):
        total += np.exp(net.log_prob({"d": np.full(len(grid), state), "x": grid})).sum() * (grid[1] - grid[0])
    assert total == pytest.approx(1.0, abs=1e-9)


def test_vectors_are_parents_by_their_numbers():
    vector = fd.MultivariateNormal([1.0, -2.0], [[2.0, 0.5], [0.5, 1.0]])
    net = fd.BayesNet({"y": fd.Normal(0, 1), "w": vector, "x": fd.LinearGaussian(["w", "y"], 1, [2, -1, 0.5], 0.3)})
    x = net.sample(500, seed=0, dtype=np.float64)
    w, y = np.asarray(x["w"]), np.asarray(x["y"])
    parents = np.array([w[:, 0], w[:, 1], y])
    own = np.array(1.0), np.array([2, -1, 0.5]), np.array(0.3)
    expected = oracle.gaussian_log_prob(np.asarray(x["x"]), own, [], parents)
    np.testing.assert_allclose(net.log_prob(x, per_variable=True)[:, 2], expected, rtol=1e-12)


# --- point masses and the range of types ---


@pytest.mark.parametrize("dtype", TYPES)
def test_a_point_mass_is_0_at_the_samplers_own_mean(dtype):
    rng = np.random.default_rng(0)
    parents = {f"y{j}": fd.Normal(0.1 * j, 1) for j in range(7)}
    net = fd.BayesNet(
        {
            "d": fd.Bernoulli(0.5),
            **parents,
            "sum": fd.LinearGaussian(list(parents), 0.3, rng.normal(size=7), 0),
            "two": fd.LinearGaussian(["d", "sum", "y1"], [0.1, 0.7], rng.normal(size=(2, 2)), [0, 0.2]),
            "constant": fd.Normal(0.1, 0),
        }
    )
    x = net.sample(20_000, seed=2, dtype=dtype)
    terms = dict(zip(net.names, net.log_prob(x, per_variable=True).T, strict=True))
    assert (terms["sum"] == 0).all() and (terms["constant"] == 0).all()
    assert ((terms["two"] == 0) == (np.asarray(x["d"]) == 0)).all()
    assert (np.asarray(x["constant"]) == dtype(0.1)).all()
    assert np.isfinite(net.log_prob(x)).all()
    for rows in (x[17:40], x[5000:7001]):  # other tiles, and the rows that fill no register
        assert np.isfinite(net.log_prob(rows)).all()
    moved = columns_of(x, dtype)
    moved["sum"] = np.nextafter(moved["sum"], dtype(np.inf))
    assert (net.log_prob(moved) == -np.inf).all()


def test_what_leaves_the_range_of_a_type_is_named():
    net = fd.BayesNet({"a": fd.Normal(0, 1e37), "b": fd.LinearGaussian(["a"], 0, [1e3], 1)})
    with pytest.raises(ValueError, match=r"row \d+ cannot be drawn, seen first at variable 'b'.* range of float32"):
        net.sample(100, seed=0)
    assert np.isfinite(np.asarray(net.sample(100, seed=0, dtype=np.float64))).all()
    both = fd.BayesNet(
        {"a": fd.Normal(0, 1), "b": fd.Normal(0, 1), "c": fd.LinearGaussian(["a", "b"], 0, [1e3, -1e3], 1)}
    )
    rows = np.zeros((5, 3))
    rows[3] = 1e308  # the mean is 0, but not on the way
    for options in ({}, {"per_variable": True}):
        with pytest.raises(ValueError, match="log_prob of row 3 is not defined, seen first at variable 'c'"):
            both.log_prob(rows, **options)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (fd.Normal(0, 1e-40), "std of 'x' must be 0 or lie within the range of float32, .* got 1e-40"),
        (fd.Normal(0, 1e38), "std of 'x' .* got 1e\\+38"),
        (fd.Normal(1e39, 1), "intercept of 'x' must lie within the range of float32, got 1e\\+39"),
    ],
)
def test_parameters_beyond_float32(own, message):
    net = fd.BayesNet({"x": own})
    with pytest.raises(ValueError, match=message):
        net.sample(3, seed=0)
    assert np.isfinite(net.log_prob(net.sample(3, seed=0, dtype=np.float64))).all()


def test_far_out_rows_keep_their_log_prob_in_float32():
    net = fd.BayesNet({"x": fd.Normal(0, 1)})
    x = np.array([1e25, -1e30], np.float32)
    np.testing.assert_allclose(net.log_prob({"x": x}), -0.5 * x.astype(np.float64) ** 2, rtol=1e-6)


def test_codes_that_change_meanwhile_are_clamped():
    net = fd.BayesNet({"d": fd.Bernoulli(0.5), "x": fd.Normal.given(["d"], [1, 2], [1, 3])})
    engine = engine_of(net)
    plan = gaussian_plan(engine.members, np.dtype(np.float64), engine.first_word)
    codes, reals, out = np.full((1, 5), 255, np.uint8), np.full((1, 5), 2.0), np.empty(5)
    codes.flags.writeable = reals.flags.writeable = False
    gaussian.log_prob_cpu(0, 5, plan, codes, reals, out)
    np.testing.assert_allclose(out, -math.log(3) - 0.5 * math.log(2 * math.pi), rtol=1e-12)


def test_memory_of_plans_is_known():
    net = random_hybrid(2)
    net.sample(1, seed=0)
    assert engine_of(net).n_bytes > 0
