"""Elementary functions against NumPy: a few units in the last place, and no surprises at the ends of the range."""

from __future__ import annotations

import math

import numpy as np
import pytest
import reference_ar
from numba import njit

from fastdgm.engines.masked.plan import ACTIVATIONS
from fastdgm.kernels import activations, elementary
from fastdgm.kernels.normal import normal_quantile

pytestmark = [pytest.mark.kernel, pytest.mark.generic_cpu, pytest.mark.slow]

TYPES = [np.float32, np.float64]


def vectorised(function):
    @njit(error_model="numpy")
    def loop(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def call(x, dtype=None):
        out = np.empty_like(x, dtype)
        loop(x, out)
        return out

    return call


EXP, EXP_OR_INFINITY, LOG, LOG1P_UNIT, SIGMOID, SILU, SOFTPLUS, TANH = map(
    vectorised,
    (
        elementary.exp,
        elementary.exp_or_infinity,
        elementary.log,
        elementary.log1p_unit,
        activations.sigmoid,
        activations.silu,
        activations.softplus,
        activations.tanh,
    ),
)
LOG_WIDE = vectorised(elementary.log_wide)
NORMAL_CDF = vectorised(elementary.normal_cdf)
QUANTILE = vectorised(normal_quantile)


def ulps(actual, exact):
    """Distance from the float64 result in units in the last place of the actual one."""
    spacing = np.spacing(np.abs(exact).astype(actual.dtype)).astype(np.float64)
    return np.abs(actual.astype(np.float64) - exact) / spacing


def grid(lowest, highest, dtype, n=20_011):
    return np.linspace(lowest, highest, n).astype(dtype)


@pytest.mark.parametrize("dtype", TYPES)
def test_exp(dtype):
    x = np.concatenate([grid(-87, 88, dtype), grid(-1, 1, dtype), grid(-1e-6, 1e-6, dtype)])
    assert ulps(EXP(x), np.exp(x.astype(np.float64))).max() <= 3
    assert EXP(np.zeros(1, dtype))[0] == 1


def test_exp_beyond_the_range_of_float32_is_zero_or_finite():
    assert (EXP(np.float32([-87.01, -100, -1e4, -1e30, -np.inf])) == 0).all()
    large = EXP(np.float32([88, 88.1, 1e4, 1e30, np.inf]))
    assert (large == large[0]).all()
    assert 1e38 < large[0] < np.inf


def test_exp_beyond_the_range_of_float64_is_zero_or_finite():
    assert (EXP(np.array([-800.0, -1e300, -np.inf])) == 0).all()
    large = EXP(np.array([709.0, 800.0, 1e300, np.inf]))
    assert (large == large[0]).all()
    assert 1e307 < large[0] < np.inf


@pytest.mark.parametrize("dtype", TYPES)
def test_log(dtype):
    tiny = np.finfo(dtype).tiny
    powers = np.exp(np.linspace(np.log(tiny) + 1e-6, np.log(np.finfo(dtype).max) - 1e-4, 20_011)).astype(dtype)
    x = np.concatenate([powers, grid(0.5, 2.5, dtype), np.array([tiny, 1, 2, 0.5], dtype)])
    exact = np.log(x.astype(np.float64))
    error = np.abs(LOG(x).astype(np.float64) - exact)
    assert (error <= 3 * np.finfo(dtype).eps * np.maximum(np.abs(exact), 0.25)).all()
    assert LOG(np.ones(1, dtype))[0] == 0


@pytest.mark.parametrize("dtype", TYPES)
def test_wide_logarithms_are_good_to_1e_7_however_large(dtype):
    tiny, largest = float(np.finfo(dtype).tiny), float(np.finfo(dtype).max)
    x = np.exp(np.linspace(np.log(tiny) + 1e-6, np.log(largest) - 1e-4, 20_011)).astype(dtype)
    x = np.concatenate([x, grid(0.5, 2.5, dtype), np.arange(1, 50_001).astype(dtype)])
    error = np.abs(LOG_WIDE(x, np.float64) - np.log(x.astype(np.float64)))
    assert error.max() < (1e-7 if dtype is np.float32 else 1e-12)
    assert LOG_WIDE(np.array([0, 1], dtype), np.float64).tolist() == [-np.inf, 0]
    assert np.isnan(LOG_WIDE(np.array([np.nan, np.inf], dtype), np.float64)).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_what_is_no_number_stays_none(dtype):
    """Also in every place of a vector: an activation must not hide that a sum has overflowed."""
    x = np.array([np.nan, 1.0, -1.0] * 11, dtype)
    for function in (EXP, EXP_OR_INFINITY, LOG1P_UNIT, SIGMOID, SILU, SOFTPLUS, TANH):
        assert (np.isnan(function(x)) == np.isnan(x)).all()


def test_nan_stays_nan_whatever_its_bits_are():
    """Those of a GPU are all 1, which the exponent of a power of two once overflowed into a number."""
    bits = np.array([0x7FFFFFFF, 0x7FC00000, 0x7F800001, 0xFFC00001, 0x7FD55555] * 7, np.uint32)
    for function in (EXP, EXP_OR_INFINITY, SIGMOID, SOFTPLUS, TANH, NORMAL_CDF):
        assert np.isnan(function(bits.view(np.float32))).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_exp_or_infinity(dtype):
    x = grid(-100, 87, dtype)
    assert (EXP_OR_INFINITY(x) == EXP(x)).all()
    assert (EXP_OR_INFINITY(np.array([720, 1e4, 1e38, np.inf], dtype)) == np.inf).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_silu(dtype):
    x = grid(-80, 80, dtype)
    exact = x.astype(np.float64) / (1 + np.exp(-x.astype(np.float64)))
    assert ulps(SILU(x), exact).max() <= 7
    large = float(np.finfo(dtype).max)
    assert SILU(np.array([-large, -1e30, -1e4, 0, 1e30, large], dtype)).tolist() == [0, 0, 0, 0, dtype(1e30), large]


@pytest.mark.parametrize("dtype", TYPES)
def test_log1p_unit(dtype):
    x = np.concatenate([grid(0, 1, dtype), np.exp(np.linspace(-80, 0, 5001)).astype(dtype)])
    assert ulps(LOG1P_UNIT(x), np.log1p(x.astype(np.float64))).max() <= 4


@pytest.mark.parametrize("dtype", TYPES)
def test_sigmoid(dtype):
    x = np.concatenate([grid(-86, 86, dtype), grid(-2, 2, dtype)])
    assert ulps(SIGMOID(x), 1 / (1 + np.exp(-x.astype(np.float64)))).max() <= 6
    ends = SIGMOID(np.array([-1e4, 1e4, -np.inf, np.inf, 0], dtype))
    np.testing.assert_allclose(ends, [0, 1, 0, 1, 0.5], atol=1e-38)


@pytest.mark.parametrize("dtype", TYPES)
def test_softplus(dtype):
    x = np.concatenate([grid(-86, 86, dtype), grid(-2, 2, dtype)])
    assert ulps(SOFTPLUS(x), np.logaddexp(0, x.astype(np.float64))).max() <= 6
    assert SOFTPLUS(np.array([-1e4, 1e4, -1e30, 1e30], dtype)).tolist() == [0, 1e4, 0, dtype(1e30)]


@pytest.mark.parametrize("dtype", TYPES)
def test_tanh(dtype):
    x = np.concatenate([grid(-50, 50, dtype), grid(-1, 1, dtype), grid(-1e-3, 1e-3, dtype)])
    assert np.abs(TANH(x).astype(np.float64) - np.tanh(x.astype(np.float64))).max() <= 2 * np.finfo(dtype).eps
    assert TANH(np.array([-1e4, 0, 1e4], dtype)).tolist() == [-1, 0, 1]
    assert (TANH(-x) == -TANH(x)).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_the_plain_python_versions_say_the_same(dtype):
    for number in map(dtype, (-100, -3, -0.25, 0, 0.5, 1, 20)):
        for function, compiled in ((elementary.exp, EXP), (activations.sigmoid, SIGMOID), (activations.tanh, TANH)):
            same = pytest.approx(compiled(np.array([number]))[0], rel=1e-6, abs=1e-7)
            assert function(number) == same
    assert elementary.log(dtype(0)) == -np.inf
    assert elementary.exp(np.float64(800)) == elementary.exp(np.float64(709)) < np.inf


@pytest.mark.parametrize("dtype", TYPES)
def test_normal_cdf(dtype):
    x = np.concatenate([grid(-13, 9, dtype), grid(-1e-3, 1e-3, dtype)])
    exact = np.array([0.5 * math.erfc(-number / math.sqrt(2)) for number in x.astype(np.float64)])
    relative = np.abs(NORMAL_CDF(x) - exact) / exact
    assert (relative <= (4 + 2 * x.astype(np.float64) ** 2) * np.finfo(dtype).eps).all()  # exp of a rounded x x
    assert NORMAL_CDF(np.array([-1e4, -1e30, -np.inf, 1e4, 1e30, np.inf], dtype)).tolist() == [0, 0, 0, 1, 1, 1]
    assert elementary.normal_cdf(dtype(0.5)) == pytest.approx(NORMAL_CDF(np.array([0.5], dtype))[0], rel=1e-6)


# --- activations, by the number that networks name them by ---


@njit(error_model="numpy")
def _activate_all(activation, x, out, slope):
    for i in range(x.size):
        out[i] = activations.apply_activation(activation, x[i])
        slope[i] = activations.activation_slope(activation, x[i])


def activated(name, x):
    """Values and slopes."""
    out, slope = np.empty_like(x), np.empty_like(x)
    _activate_all(ACTIVATIONS[name], x, out, slope)
    return out, slope


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_and_their_slopes(name, dtype):
    x = np.concatenate([grid(-30, 30, dtype), grid(-3, 3, dtype)])
    x = x[np.abs(x) > 1e-3]  # corners have no slope
    wide, step = x.astype(np.float64), 1e-5
    formula = reference_ar.ACTIVATIONS[name]
    values, slopes = activated(name, x)
    np.testing.assert_allclose(values, formula(wide), rtol=8 * np.finfo(dtype).eps, atol=8 * np.finfo(dtype).eps)
    central = (formula(wide + step) - formula(wide - step)) / (2 * step)
    np.testing.assert_allclose(slopes, central, atol=2e-6 if dtype is np.float32 else 1e-9, rtol=1e-9)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_at_the_ends_of_the_range(name, dtype):
    """Finite sums give finite units and slopes, and what is no number stays none."""
    x = np.array([-np.finfo(dtype).max, -1e30, -1e20, -1e4, 0, 1e4, 1e20, 1e30, np.finfo(dtype).max], dtype)
    values, slopes = activated(name, x)
    overflow = name == "selu"  # multiplies by more than 1
    assert np.isfinite(values[: -1 if overflow else None]).all() and np.isfinite(slopes).all()
    assert np.isnan(activated(name, np.array([np.nan] * 17, dtype))[0]).all()


def test_normal_quantile_inverts_the_distribution_function():
    u = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 2001), np.exp(np.linspace(-45, -1, 500))])
    cdf = np.array([0.5 * math.erfc(-z / math.sqrt(2)) for z in QUANTILE(u)])
    np.testing.assert_allclose(cdf, u, rtol=1e-13)
    np.testing.assert_allclose(
        QUANTILE(0.5 - np.array([0.1, 0.4999])), -QUANTILE(0.5 + np.array([0.1, 0.4999])), rtol=1e-12
    )
    assert QUANTILE(np.array([0.5]))[0] == 0
    assert np.isfinite(QUANTILE(np.array([2.0**-65, 1 - 2.0**-53]))).all()
