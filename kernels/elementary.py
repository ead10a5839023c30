"""Exponentials and logarithms in float32 and float64.

In float32 they are short polynomials that LLVM turns into vector instructions (Cephes coefficients, within 3 ulp;
``normal_cdf`` by a fit of our own); in float64, in plain Python and on a GPU they are the library's own. ``exp`` is
exactly 0 below and finite above the range of float32, so that no loop needs a branch for infinities. NaN stays NaN
everywhere: a sum that has left the range of its type must be seen at the end, not vanish in an activation.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import float32, float64, types
from numba.extending import intrinsic, overload

from .jit import INLINED
from .portable import LOG_2, exponent, log1p_small, mantissa, multiply_add, portable_log

LOWEST_EXPONENT = -87.0  # exp of less is 0
HIGHEST_EXPONENT = 88.0
ROOT_HALF = 0.7071067811865476
ROUNDING = 12582912.0 + 127.0  # 1.5 * 2**23: float32 numbers of this size are whole; and the bias of their exponent
INT32 = ir.IntType(32)


def exp(x):
    """e**x, 0 below -87 in float32."""
    if x.dtype == np.float32:
        return np.float32(0.0) if x < LOWEST_EXPONENT else np.float32(math.exp(min(x, HIGHEST_EXPONENT)))
    return math.exp(min(x, 709.0))


def exp_or_infinity(x):
    """e**x, infinite where ``exp`` stays at its largest value."""
    return x.dtype.type(math.inf) if x > (HIGHEST_EXPONENT if x.dtype == np.float32 else 709.0) else exp(x)


def log(x):
    """Natural logarithm of a positive number."""
    return type(x)(math.log(x)) if x > 0 else type(x)(-math.inf)


def log_wide(x):
    """Natural logarithm as a float64, of a float32 within 1e-7; -inf at 0, NaN of NaN and infinity."""
    if not 0.0 <= x < math.inf:
        return math.nan
    return math.log(x) if x > 0.0 else -math.inf


def log1p_unit(x):
    """log(1 + x) for x in [0, 1]."""
    return type(x)(math.log1p(x))


def log1p(x):
    """log(1 + x) for x >= 0, as good for small ones."""
    return type(x)(math.log1p(x))


def normal_cdf(x):
    """Phi(x), the probability that a standard normal number is below x."""
    return type(x)(0.5 * math.erfc(-x * ROOT_HALF))


@intrinsic
def _power_of_two(typing_context, shifted):
    """2**n of ROUNDING + n as a float32: its lowest bits are the exponent of the power."""

    def generate(context, builder, signature, arguments):
        bits = builder.shl(builder.bitcast(arguments[0], INT32), ir.Constant(INT32, 23))
        return builder.bitcast(bits, ir.FloatType())

    return types.float32(types.float32), generate


def _exp32(x):
    """2**n * p(r) with x = n log 2 + r, |r| <= log(2) / 2. Adding ROUNDING leaves n + 127 in the lowest bits.

    The power is multiplied by, not added to the exponent: NaN stays NaN whatever its bits, which are all 1 on a GPU.
    """
    c = float32(88.0) if x > float32(88.0) else x
    c = float32(-87.0) if c < float32(-87.0) else c
    shifted = multiply_add(c, float32(1.44269504088896341), float32(ROUNDING))
    whole = shifted - float32(ROUNDING)
    r = multiply_add(whole, float32(-0.693359375), c)
    r = multiply_add(whole, float32(2.12194440e-4), r)
    p = float32(1.9875691500e-4)
    p = multiply_add(p, r, float32(1.3981999507e-3))
    p = multiply_add(p, r, float32(8.3334519073e-3))
    p = multiply_add(p, r, float32(4.1665795894e-2))
    p = multiply_add(p, r, float32(1.6666665459e-1))
    p = multiply_add(p, r, float32(5.0000001201e-1))
    y = multiply_add(p, r * r, r) + float32(1.0)
    return float32(0.0) if x < float32(-87.0) else y * _power_of_two(shifted)


def _exp64(x):
    return math.exp(709.0 if x > 709.0 else x)


def _exp_or_infinity32(x):
    return float32(math.inf) if x > float32(88.0) else exp(x)


def _exp_or_infinity64(x):
    return math.inf if x > 709.0 else math.exp(x)


def _log1p_unit32(x):
    large = x > float32(0.41421356)
    m = (x - float32(1.0)) * float32(0.5) if large else x
    return log1p_small(m) + (float32(LOG_2) if large else float32(0.0))


def _log1p_unit64(x):
    return math.log1p(x)


def _log1p32(x):
    large = x > float32(0.41421356)
    m = mantissa(x + float32(1.0)) - float32(1.0) if large else x
    return multiply_add(exponent(x + float32(1.0)), float32(LOG_2), log1p_small(m)) if large else log1p_small(m)


def _log1p64(x):
    return math.log1p(x)


def _log64(x):
    return math.log(x)


def _log_wide32(x):
    """As ``portable_log`` with the sum in float64; x - x is 0, or NaN of what is no number."""
    part = log1p_small(mantissa(x) - float32(1.0)) + (x - x)
    y = float64(exponent(x)) * LOG_2 + float64(part)
    return y if x != float32(0.0) else -math.inf


def _log_wide64(x):
    return math.log(x) + (x - x)


def _normal_cdf32(x):
    """Phi(-a) = t exp(-a**2 / 2) q(t) with a = |x|, t = 1 / (1 + a / sqrt 8); q within 6e-8 of the function."""
    t = float32(1.0) / multiply_add(abs(x), float32(0.35355339), float32(1.0))
    q = float32(-2.897179e-2)
    q = multiply_add(q, t, float32(1.396795350e-1))
    q = multiply_add(q, t, float32(-2.384997469e-1))
    q = multiply_add(q, t, float32(1.335569337e-1))
    q = multiply_add(q, t, float32(-9.79437981e-3))
    q = multiply_add(q, t, float32(9.99636070e-2))
    q = multiply_add(q, t, float32(1.218734799e-1))
    q = multiply_add(q, t, float32(1.411470041e-1))
    q = multiply_add(q, t, float32(1.410453416e-1))
    tail = t * exp(float32(-0.5) * x * x) * q
    return float32(1.0) - tail if x > float32(0.0) else tail


def _normal_cdf64(x):
    return 0.5 * math.erfc(-x * ROOT_HALF)


def _by_type(single, double):
    """An overload that takes the float32 or the float64 version."""

    def choose(x):
        return single if x == types.float32 else double

    return choose


overload(exp, jit_options=INLINED)(_by_type(_exp32, _exp64))
overload(exp_or_infinity, jit_options=INLINED)(_by_type(_exp_or_infinity32, _exp_or_infinity64))
overload(log, jit_options=INLINED)(_by_type(portable_log, _log64))
overload(log_wide, jit_options=INLINED)(_by_type(_log_wide32, _log_wide64))
overload(log1p, jit_options=INLINED)(_by_type(_log1p32, _log1p64))
overload(log1p_unit, jit_options=INLINED)(_by_type(_log1p_unit32, _log1p_unit64))
overload(normal_cdf, jit_options=INLINED)(_by_type(_normal_cdf32, _normal_cdf64))
