"""Arithmetic with the same bits on CPUs with fused multiply-adds, on GPUs and in plain Python (the simulator of CUDA).

Every product that is added to is a ``multiply_add``: no compiler can fuse it differently. A quotient and a square root
are rounded correctly everywhere; the logarithm is our own polynomial, within 2 ulp, for positive normal numbers. On a
CPU without fused multiply-adds products are rounded before they are added, because a library function would be slow.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from llvmlite import ir
from numba import float32, float64, types
from numba.extending import intrinsic, overload

from .jit import INLINED, scalar
from .vectors import REGISTER_BYTES

__all__ = ["exponent", "log1p_small", "mantissa", "multiply_add", "polynomial", "portable_log"]

FUSED = REGISTER_BYTES > 0
LOG_2 = 0.6931471805599453
ROOT_HALF_32 = np.float32(0.70710677)  # the largest number below sqrt(1/2)
ROOT_HALF_64 = 0.7071067811865476
LOG1P_32 = tuple(
    map(np.float32, (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
                     -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1))
)  # fmt: skip
# (atanh(s) - s) / s**3 doubled, a polynomial in s**2 up to tan(pi / 8)**4; Chebyshev interpolation, within 3e-16
ATANH_64 = (
    0.14616585424888623, 0.15331710618210773, 0.18182889455674947, 0.22222211130259878, 0.2857142862600327,
    0.39999999999899444, 0.666666666666667,
)  # fmt: skip


# a * b + c --------------------------------------------------------------------------------------------------------


def multiply_add(a, b, c):
    """a * b + c of three floats of one type, rounded once."""
    if not FUSED or not math.isfinite(a * b + c):
        return a * b + c
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    return float32(_to_odd(exact)) if isinstance(c, np.float32) else float64(float(exact))


def _to_odd(exact):
    """The double on either side of a fraction whose last bit is 1, itself if it is a double: rounded once more, to
    float32, that gives what one rounding would have given."""
    near = float(exact)
    if near == exact or np.float64(near).view(np.int64) & 1:
        return near
    return math.nextafter(near, math.inf if exact > near else -math.inf)


def _fused(builder, a, b, c):
    """a * b + c in the code of an intrinsic."""
    kind = a.type
    name = f"llvm.fma.f{32 if isinstance(kind, ir.FloatType) else 64}"
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(kind, [kind] * 3), name)
    return builder.call(function, [a, b, c])


@intrinsic
def _fused_multiply_add(typing_context, a, b, c):
    def generate(context, builder, signature, arguments):
        return _fused(builder, *arguments)

    return (a(a, a, a), generate) if a == b == c and isinstance(a, types.Float) else None


@overload(multiply_add, jit_options=INLINED)
def _choose_multiply_add(a, b, c):
    if FUSED:
        return lambda a, b, c: _fused_multiply_add(a, b, c)
    return lambda a, b, c: a * b + c


def polynomial(coefficients, x):
    """The sum of coefficients[-1 - i] * x**i, by Horner's rule."""
    y = coefficients[0]
    for coefficient in coefficients[1:]:
        y = multiply_add(y, x, coefficient)
    return y


@intrinsic
def _horner(typing_context, coefficients, x):
    """Without a loop: LLVM does not unroll one over more than a dozen coefficients, nor vectorise its callers."""

    def generate(context, builder, signature, arguments):
        own, x = arguments
        first, *others = (builder.extract_value(own, i) for i in range(len(coefficients)))
        for coefficient in others:
            if FUSED:
                first = _fused(builder, first, x, coefficient)
            else:
                first = builder.fadd(builder.fmul(first, x), coefficient)
        return first

    return x(coefficients, x), generate


@overload(polynomial, jit_options=INLINED)
def _choose_polynomial(coefficients, x):
    return lambda coefficients, x: _horner(coefficients, x)


# Binary parts -----------------------------------------------------------------------------------------------------


def exponent(x):
    """n, in the type of x, with x = 2**n m and m in [sqrt(1/2), sqrt(2)); x is positive and no subnormal."""
    fraction, power = math.frexp(x)
    return type(x)(power if fraction >= _root_half(x) else power - 1)


def mantissa(x):
    """m of ``exponent``."""
    return type(x)(math.ldexp(x, -int(exponent(x))))


def _root_half(x):
    return ROOT_HALF_32 if isinstance(x, np.float32) else ROOT_HALF_64


class Format:
    """The bits of a float type."""

    def __init__(self, number, root_half, fraction_bits, bias):
        self.kind = ir.IntType(number.bitwidth)
        self.root_half = root_half
        self.fraction_bits = fraction_bits
        self.bias = bias

    def above_root_half(self, builder, number):
        """Bits whose exponent field is n."""
        return builder.sub(builder.bitcast(number, self.kind), self.kind(self.root_half))


FORMATS = {
    types.float32: Format(types.float32, 0x3F3504F3, 23, 127),
    types.float64: Format(types.float64, 0x3FE6A09E667F3BCD, 52, 1023),
}


@intrinsic
def _exponent(typing_context, number):
    """The field n + bias becomes the last bits of a number 2**fraction_bits + n + bias: CPUs convert no vectors of 64
    bits."""
    own = FORMATS[number]

    def generate(context, builder, signature, arguments):
        kind, bits = arguments[0].type, own.above_root_half(builder, arguments[0])
        biased = builder.add(bits, own.kind(own.bias << own.fraction_bits))
        field = builder.lshr(biased, own.kind(own.fraction_bits))
        one = own.kind((own.bias + own.fraction_bits) << own.fraction_bits)
        whole = builder.bitcast(builder.or_(field, one), kind)
        return builder.fsub(whole, kind(float(2**own.fraction_bits + own.bias)))

    return number(number), generate


@intrinsic
def _mantissa(typing_context, number):
    own = FORMATS[number]

    def generate(context, builder, signature, arguments):
        bits = own.above_root_half(builder, arguments[0])
        power = builder.and_(bits, own.kind(-1 << own.fraction_bits))
        return builder.bitcast(builder.sub(builder.bitcast(arguments[0], own.kind), power), arguments[0].type)

    return number(number), generate


@overload(exponent, jit_options=INLINED)
def _choose_exponent(x):
    return lambda x: _exponent(x)


@overload(mantissa, jit_options=INLINED)
def _choose_mantissa(x):
    return lambda x: _mantissa(x)


# Logarithms -------------------------------------------------------------------------------------------------------


def _log1p_small32(f):
    square = f * f
    series = polynomial(LOG1P_32, f)
    return multiply_add(series * f, square, multiply_add(float32(-0.5), square, f))


def _log1p_small64(f):
    """2 atanh(s), s = f / (2 + f)"""
    s = f / (float64(2.0) + f)
    square = s * s
    return multiply_add(square * s, polynomial(ATANH_64, square), s + s)


def log1p_small(f):
    """log(1 + f) for 1 + f in [sqrt(1/2), sqrt(2)]."""
    return _log1p_small32(f) if isinstance(f, np.float32) else _log1p_small64(f)


@overload(log1p_small, jit_options=INLINED)
def _choose_log1p_small(f):
    return _log1p_small32 if f == types.float32 else _log1p_small64


@scalar
def portable_log(x):
    """n log 2 + log(m), see ``exponent``."""
    kind = type(x)
    return multiply_add(exponent(x), kind(LOG_2), log1p_small(mantissa(x) - kind(1.0)))
