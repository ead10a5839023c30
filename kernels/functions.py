"""Elementary functions of neural conditionals, in float32 and float64.

In float32 they are short polynomials that LLVM turns into vector instructions (Cephes coefficients, within 3 ulp);
in float64, in plain Python and on a GPU they are the library's own. ``exp`` is exactly 0 below and finite above the
range of float32, so that no loop needs a branch for infinities.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import float32, int32, types
from numba.extending import intrinsic, overload

from .jit import OPTIONS, scalar

LOWEST_EXPONENT = -87.0  # exp of less is 0
HIGHEST_EXPONENT = 88.0
INLINED = {**OPTIONS, "forceinline": True}
HALF_LOG_2_PI = 0.9189385332046727


def exp(x):
    """e**x, 0 below -87 in float32."""
    if x.dtype == np.float32:
        return np.float32(0.0) if x < LOWEST_EXPONENT else np.float32(math.exp(min(x, HIGHEST_EXPONENT)))
    return math.exp(x) if x < 709.0 else math.inf


def log(x):
    """Natural logarithm of a positive number."""
    return type(x)(math.log(x)) if x > 0 else type(x)(-math.inf)


def log1p_unit(x):
    """log(1 + x) for x in [0, 1]."""
    return type(x)(math.log1p(x))


@intrinsic
def _bits_to_float(typing_context, bits):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@intrinsic
def _float_to_bits(typing_context, number):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic
def _truncate(typing_context, number):
    def generate(context, builder, signature, arguments):
        return builder.fptosi(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


def _exp32(x):
    """2**n * p(r) with x = n log 2 + r, |r| <= log(2) / 2."""
    c = float32(88.0) if x > float32(88.0) else x
    c = c if c > float32(-87.0) else float32(-87.0)
    scaled = c * float32(1.44269504088896341)
    n = _truncate(scaled + (float32(0.5) if scaled >= float32(0.0) else float32(-0.5)))
    whole = float32(n)
    r = c - whole * float32(0.693359375) + whole * float32(2.12194440e-4)
    p = float32(1.9875691500e-4)
    p = p * r + float32(1.3981999507e-3)
    p = p * r + float32(8.3334519073e-3)
    p = p * r + float32(4.1665795894e-2)
    p = p * r + float32(1.6666665459e-1)
    p = p * r + float32(5.0000001201e-1)
    y = (p * (r * r) + r + float32(1.0)) * _bits_to_float(int32((n + int32(127)) << int32(23)))
    return float32(0.0) if x < float32(-87.0) else y


def _exp64(x):
    return math.exp(x)


@scalar
def _mantissa_log(m):
    """log(1 + m) for 1 + m in [sqrt(1/2), sqrt(2)]."""
    p = float32(7.0376836292e-2)
    p = p * m + float32(-1.1514610310e-1)
    p = p * m + float32(1.1676998740e-1)
    p = p * m + float32(-1.2420140846e-1)
    p = p * m + float32(1.4249322787e-1)
    p = p * m + float32(-1.6668057665e-1)
    p = p * m + float32(2.0000714765e-1)
    p = p * m + float32(-2.4999993993e-1)
    p = p * m + float32(3.3333331174e-1)
    square = m * m
    return p * m * square - float32(0.5) * square + m


def _log1p_unit32(x):
    large = x > float32(0.41421356)
    m = (x - float32(1.0)) * float32(0.5) if large else x
    return _mantissa_log(m) + (float32(0.6931471805599453) if large else float32(0.0))


def _log1p_unit64(x):
    return math.log1p(x)


def _log32(x):
    """n log 2 + log(m) with x = 2**n m, m in [sqrt(1/2), sqrt(2)); x must be positive and no subnormal."""
    bits = _float_to_bits(x)
    n = int32((bits - int32(0x3F3504F3)) >> int32(23))
    m = _bits_to_float(int32(bits - (n << int32(23))))
    return _mantissa_log(m - float32(1.0)) + float32(n) * float32(0.6931471805599453)


def _log64(x):
    return math.log(x)


def _by_type(single, double):
    """An overload that takes the float32 or the float64 version."""

    def choose(x):
        return single if x == types.float32 else double

    return choose


overload(exp, jit_options=INLINED)(_by_type(_exp32, _exp64))
overload(log, jit_options=INLINED)(_by_type(_log32, _log64))
overload(log1p_unit, jit_options=INLINED)(_by_type(_log1p_unit32, _log1p_unit64))


@scalar
def sigmoid(x):
    """1 / (1 + exp(-x))."""
    one = type(x)(1)
    return one / (one + exp(-x))


@scalar
def softplus(x):
    """log(1 + exp(x)), without overflow."""
    zero = type(x)(0)
    return (x if x > zero else zero) + log1p_unit(exp(-abs(x)))


@scalar
def tanh(x):
    """(1 - exp(-2 x)) / (1 + exp(-2 x)), from the side where exp is at most 1."""
    one = type(x)(1)
    e = exp(type(x)(-2) * abs(x))
    t = (one - e) / (one + e)
    return t if x > type(x)(0) else -t
