"""Activations of hidden units: a formula each, its slope, and the number by which networks name it.

    RELU        max(x, 0)                           slope  1 where x > 0, else 0
    ELU         x where x > 0, else e^x - 1         slope  1 where x > 0, else e^x
    TANH        tanh(x)                             slope  1 - tanh(x)^2
    SIGMOID     s(x) = 1 / (1 + e^-x)               slope  s (1 - s)
    SOFTPLUS    log(1 + e^x)                        slope  s
    SILU        x s(x)                              slope  s + x s (1 - s)
    GELU        x P(x)                              slope  P + x p(x)
    GELU_TANH   x s(2 u)                            slope  s + 2 x u' s (1 - s)
    LEAKY_RELU  x where x > 0, else 0.01 x          slope  1 where x > 0, else 0.01
    SELU        b x where x > 0, else b a (e^x - 1) slope  b where x > 0, else b a e^x
    MISH        x t, t = tanh(log(1 + e^x))         slope  t + x (1 - t^2) s

P and p are the standard normal distribution function and density, u = sqrt(2 / pi) (x + 0.044715 x^3) (both GELUs:
Hendrycks & Gimpel 2016); a and b of SELU are those of Klambauer et al. 2017.
NaN stays NaN in all of them. Every function takes and returns one number, float32 or float64.
"""

from __future__ import annotations

from .elementary import exp, exp_or_infinity, log1p_unit, normal_cdf
from .jit import scalar

__all__ = [
    "ELU",
    "GELU",
    "GELU_TANH",
    "LEAKY_RELU",
    "LINEAR",
    "MISH",
    "RELU",
    "SELU",
    "SIGMOID",
    "SILU",
    "SOFTPLUS",
    "TANH",
    "activation_slope",
    "apply_activation",
    "elu",
    "gelu",
    "gelu_tanh",
    "leaky_relu",
    "mish",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "tanh",
]

LINEAR, RELU, ELU, TANH, SIGMOID, SOFTPLUS, SILU, GELU, GELU_TANH, LEAKY_RELU, SELU, MISH = range(12)

DENSITY_AT_0 = 0.3989422804014327  # of the standard normal distribution
ROOT_8_BY_PI = 1.5957691216057308  # of 2 u
CUBIC = 0.044715
FLAT = 40.0  # beyond, both GELUs and Mish are x or 0 to 1e-15; its exponential's square is within float32
LEAK = 0.01
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


@scalar
def relu(x):
    """max(x, 0)"""
    zero = type(x)(0)
    return zero if x < zero else x


@scalar
def elu(x):
    """x where it is positive, else exp(x) - 1."""
    one, zero = type(x)(1), type(x)(0)
    return x if x > zero else exp(zero if x > zero else x) - one


@scalar
def sigmoid(x):
    """1 / (1 + exp(-x))."""
    one = type(x)(1)
    return one / (one + exp(-x))


@scalar
def silu(x):
    """x / (1 + exp(-x))"""
    one = type(x)(1)
    return x * (one / (one + exp_or_infinity(-x)))  # x may be larger than the largest value of exp


@scalar
def softplus(x):
    """log(1 + exp(x)), without overflow."""
    zero = type(x)(0)
    return (zero if x < zero else x) + log1p_unit(exp(-abs(x)))  # NaN stays NaN


@scalar
def tanh(x):
    """(1 - exp(-2 x)) / (1 + exp(-2 x)), from the side where exp is at most 1."""
    one = type(x)(1)
    e = exp(type(x)(-2) * abs(x))
    t = (one - e) / (one + e)
    return t if x > type(x)(0) else -t


@scalar
def gelu(x):
    """x times the probability that a standard normal number is below x."""
    return x * normal_cdf(x)


@scalar
def _gelu_gate(x):
    """s(2 u), infinity gives 0 or 1."""
    one = type(x)(1)
    return one / (one + exp_or_infinity(-type(x)(ROOT_8_BY_PI) * (x + type(x)(CUBIC) * x * x * x)))


@scalar
def gelu_tanh(x):
    """The approximation of ``gelu`` by tanh, as GPT-2 has it."""
    return x * _gelu_gate(x)


@scalar
def leaky_relu(x):
    """x where it is positive, else x / 100."""
    return x if x > type(x)(0) else type(x)(LEAK) * x


@scalar
def selu(x):
    """The ``elu`` that keeps mean 0 and variance 1."""
    one, zero = type(x)(1), type(x)(0)
    return type(x)(SELU_SCALE) * (x if x > zero else type(x)(SELU_ALPHA) * (exp(zero if x > zero else x) - one))


@scalar
def _mish_gate(x):
    """tanh(log(1 + e^x)) = n / (n + 2), n = e^x (e^x + 2)."""
    two = type(x)(2)
    e = exp(type(x)(FLAT) if x > type(x)(FLAT) else x)
    n = e * (e + two)
    return n / (n + two)


@scalar
def mish(x):
    """x tanh(softplus(x)) (Misra 2019)."""
    return x * _mish_gate(x)


@scalar
def _late_activation(activation, x):
    """Those that came later, so that common ones are found first."""
    if activation == GELU:
        return gelu(x)
    if activation == GELU_TANH:
        return gelu_tanh(x)
    if activation == LEAKY_RELU:
        return leaky_relu(x)
    if activation == SELU:
        return selu(x)
    return mish(x) if activation == MISH else x


@scalar
def _late_slope(activation, x):
    """d activation(x) / d x of those."""
    one, zero, flat = type(x)(1), type(x)(0), type(x)(FLAT)
    near = flat if x > flat else -flat if x < -flat else x  # where x x leaves the range, the slope is that there
    slope = one
    if activation == GELU:
        slope = normal_cdf(x) + near * type(x)(DENSITY_AT_0) * exp(type(x)(-0.5) * near * near)
    elif activation == GELU_TANH:
        s = _gelu_gate(near)
        bend = one + type(x)(3 * CUBIC) * near * near
        slope = s + near * type(x)(ROOT_8_BY_PI) * bend * s * (one - s)
    elif activation == LEAKY_RELU:
        slope = one if x > zero else type(x)(LEAK)
    elif activation == SELU:
        slope = type(x)(SELU_SCALE) * (one if x > zero else type(x)(SELU_ALPHA) * exp(x))
    elif activation == MISH:
        t = _mish_gate(near)
        slope = t + near * (one - t * t) * sigmoid(near)
    return slope


@scalar
def apply_activation(activation, x):
    """activation(x)"""
    if activation == RELU:
        return relu(x)
    if activation == ELU:
        return elu(x)
    if activation == TANH:
        return tanh(x)
    if activation == SIGMOID:
        return sigmoid(x)
    if activation == SOFTPLUS:
        return softplus(x)
    return silu(x) if activation == SILU else _late_activation(activation, x)


@scalar
def activation_slope(activation, x):
    """d activation(x) / d x"""
    one, zero = type(x)(1), type(x)(0)
    slope = one
    if activation == RELU:
        slope = one if x > zero else zero
    elif activation == ELU:
        slope = one if x > zero else exp(x)
    elif activation == TANH:
        t = tanh(x)
        slope = one - t * t
    elif activation == SIGMOID:
        s = sigmoid(x)
        slope = s * (one - s)
    elif activation == SOFTPLUS:
        slope = sigmoid(x)
    elif activation == SILU:
        s = sigmoid(x)
        slope = s + x * s * (one - s)
    elif activation > SILU:
        slope = _late_slope(activation, x)
    return slope
