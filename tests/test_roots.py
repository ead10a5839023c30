"""Uniform, exponential and Laplace variables: parameters, densities and draws against the oracle."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
import reference_gaussian as oracle

import fastdgm as fd
from fastdgm.data.variables import Real

pytestmark = pytest.mark.generic_cpu

TYPES = [np.float32, np.float64]
ROOTS = {
    "u": fd.Uniform(-1.5, 4),
    "e": fd.Exponential(0.7),
    "l": fd.Laplace(3, 0.2),
    "e2": fd.Exponential(40),
    "e3": fd.Exponential(0.01),
    "u2": fd.Uniform(10, 10.5),
    "p": fd.Laplace(0.1, 0),
}
LOG_PROB = {
    fd.Uniform: oracle.uniform_log_prob,
    fd.Exponential: oracle.exponential_log_prob,
    fd.Laplace: oracle.laplace_log_prob,
}
SCIPY = {
    fd.Uniform: lambda low, high: ("uniform", low, high - low),
    fd.Exponential: lambda rate: ("expon", 0, 1 / rate),
    fd.Laplace: lambda loc, scale: ("laplace", loc, scale),
}


def drawn(own, z):
    """From standard numbers."""
    if isinstance(own, fd.Uniform):
        return own.low + (own.high - own.low) * z
    return z / own.rate if isinstance(own, fd.Exponential) else own.loc + own.scale * z


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fd.Uniform(2, 2), "low below high, got low=2, high=2"),
        (lambda: fd.Uniform(3, 2), "low below high"),
        (lambda: fd.Uniform(-1.7e308, 1.7e308), "leaves the range of float64"),
        (lambda: fd.Uniform(math.nan, 2), "low must be finite, got nan"),
        (lambda: fd.Uniform(1), "left out together"),
        (lambda: fd.Exponential(0), "rate of an exponential variable is above 0, got 0"),
        (lambda: fd.Exponential(-1), "above 0, got -1"),
        (lambda: fd.Laplace(0, -1), "scale of a Laplace variable is not below 0, got -1"),
        (lambda: fd.Laplace(0, math.inf), "scale must be finite"),
        (lambda: fd.Laplace([0, 1], 1), "loc is one number, got an array of shape"),
    ],
)
def test_bad_parameters(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("own", ROOTS.values(), ids=ROOTS)
def test_roots_can_be_copied_and_never_change(own):
    kind = type(own)
    assert pickle.loads(pickle.dumps(own)) == own and eval(repr(own), {kind.__name__: kind}) == own
    assert kind.from_parameters("x", (), Real(), own.parameters()) == own
    assert own.n_parameters == len(own.parameters()) and own.bound("x", ()) is own and own.variable == Real()
    assert own != kind() and hash(own) == hash(pickle.loads(pickle.dumps(own)))
    with pytest.raises(AttributeError, match="never changes"):
        own.values = ()
    with pytest.raises(ValueError, match="without parents"):
        kind.from_parameters("x", ("y",), Real(), own.parameters())
    with pytest.raises(ValueError, match="no other arrays"):
        kind.from_parameters("x", (), Real(), {"mean": np.array(1.0)})


@pytest.mark.parametrize("kind", [fd.Uniform, fd.Exponential, fd.Laplace])
def test_parameters_left_out(kind):
    assert not kind().is_fitted and kind().parameters() == {} and "not fitted" in repr(kind())
    with pytest.raises(fd.NotFittedError):
        kind().n_parameters  # noqa: B018
    with pytest.raises(fd.NotFittedError):
        fd.BayesNet({"x": kind()}).sample(3)


@pytest.mark.parametrize("dtype", TYPES)
def test_rows_and_log_prob_are_the_oracles(dtype):
    net, n = fd.BayesNet({"coin": fd.Bernoulli(0.5), **ROOTS}), 2500
    x = net.sample(n, seed=5, dtype=dtype)
    terms = net.log_prob(x, per_variable=True)
    members = [name for name in net.order if name in ROOTS]
    for m, name in enumerate(members):
        own, column = net[name], np.asarray(x[name])
        kind = type(own).__name__.lower()
        z = oracle.standard(kind, 5, np.arange(n, dtype=np.uint64), 1 + m, dtype)
        tolerance = 1e-6 if dtype is np.float32 else 1e-14
        assert (np.abs(column - drawn(own, z)) <= tolerance * (np.abs(drawn(own, z)).max() + 1)).all()
        if name != "p":
            expected = LOG_PROB[type(own)](column.astype(np.float64), *own.values)
            np.testing.assert_allclose(
                terms[:, net.names.index(name)], expected, rtol=1e-5 if tolerance > 1e-7 else 1e-12
            )
    assert (terms[:, net.names.index("p")] == 0).all()
    assert (np.asarray(x["p"]) == dtype(0.1)).all()
    np.testing.assert_allclose(net.log_prob(x), terms.sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("dtype", TYPES)
def test_rows_do_not_depend_on_chunks_and_threads(dtype):
    net, n = fd.BayesNet(ROOTS), 5000
    whole = np.asarray(net.sample(n, seed=3, dtype=dtype))
    with fd.num_threads(2):
        parts = [np.asarray(part) for part in net.iter_samples(n, chunk=777, seed=3, dtype=dtype)]
    assert (np.concatenate(parts) == whole).all()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("bounds", [(0.1, 0.1 + 1e-7), (-1e-3, 1e-3), (1e6, 1e6 + 1e-3), (-3e38, 1e38), (0.1, 0.7)])
def test_uniform_draws_stay_inside(dtype, bounds):
    if bounds[0] == -3e38 and dtype is np.float32:
        bounds = (-2e38, 1e38)
    net = fd.BayesNet({"x": fd.Uniform(*bounds)})
    x = net.sample(100_000, seed=1, dtype=dtype)
    column = np.asarray(x["x"])
    assert (column >= dtype(bounds[0])).all() and (column <= dtype(bounds[1])).all()
    assert np.isfinite(net.log_prob(x)).all()


def test_outside_of_the_support():
    grid = np.array([-1e-9, 4.1, -2.0])
    assert (fd.BayesNet({"x": fd.Exponential(2)}).log_prob({"x": -np.abs(grid)}) == -np.inf).all()
    assert (fd.BayesNet({"x": fd.Uniform(0, 4)}).log_prob({"x": grid}) == -np.inf).all()
    edges = fd.BayesNet({"x": fd.Uniform(0, 4)}).log_prob({"x": np.array([0.0, 4.0, 0.5])})
    np.testing.assert_allclose(edges, -math.log(4))
    assert (
        fd.BayesNet({"x": fd.Laplace(1, 0)}).log_prob({"x": np.array([1.0, 1.5, 0.5])}) == [0, -np.inf, -np.inf]
    ).all()


@pytest.mark.parametrize("name", ["u", "e", "l", "u2"])
def test_densities_integrate_to_one_and_scipy_agrees(name):
    own = ROOTS[name]
    net = fd.BayesNet({"x": own})
    grid = np.linspace(-10, 60, 700_001)
    log_prob = net.log_prob({"x": grid})
    assert np.exp(log_prob).sum() * (grid[1] - grid[0]) == pytest.approx(1.0, abs=1e-3)
    stats = pytest.importorskip("scipy.stats")
    family, *parameters = SCIPY[type(own)](*own.values)
    np.testing.assert_allclose(log_prob, getattr(stats, family)(*parameters).logpdf(grid), rtol=1e-9)


@pytest.mark.parametrize("name", ["u", "e", "l"])
def test_draws_follow_the_distribution(name):
    own, n = ROOTS[name], 50_000
    x = np.sort(np.asarray(fd.BayesNet({"x": own}).sample(n, seed=8, dtype=np.float64)["x"]))
    cdf = {
        "u": lambda: (x - own.low) / (own.high - own.low),
        "e": lambda: -np.expm1(-own.rate * x),
        "l": lambda: np.where(
            x < own.loc, np.exp((x - own.loc) / own.scale) / 2, 1 - np.exp((own.loc - x) / own.scale) / 2
        ),
    }[name]()
    assert np.abs(cdf - (np.arange(n) + 0.5) / n).max() < 1.95 / math.sqrt(n)  # Kolmogorov-Smirnov at 0.001


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (fd.Uniform(0, 1e39), "parameters of 'x' must lie within the range of float32"),
        (fd.Uniform(-3e38, 3e38), "parameters of 'x' must lie within the range of float32"),
        (fd.Exponential(1e-39), "parameters of 'x' must lie within the range of float32"),
        (fd.Exponential(1e39), "1 / rate of 'x' must lie within the range of float32"),
        (fd.Laplace(1e39, 1), "parameters of 'x' must lie within the range of float32"),
        (fd.Laplace(0, 1e-40), "scale of 'x' must lie within the range of float32"),
    ],
)
def test_parameters_beyond_float32(own, message):
    net = fd.BayesNet({"x": own})
    with pytest.raises(ValueError, match=message):
        net.sample(3, seed=0)
    assert np.isfinite(net.log_prob(net.sample(3, seed=0, dtype=np.float64))).all()


def test_a_draw_that_leaves_the_range_is_named():
    net = fd.BayesNet({"x": fd.Laplace(0, 8e37)})
    with pytest.raises(ValueError, match=r"row \d+ cannot be drawn, seen first at variable 'x'.*float32"):
        net.sample(10_000, seed=0)
