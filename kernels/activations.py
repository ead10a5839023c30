"""Activations of hidden units: a formula each, its slope, and the number by which networks name it.

    RELU      max(x, 0)                    slope  1 where x > 0, else 0
    ELU       x where x > 0, else e^x - 1  slope  1 where x > 0, else e^x
    TANH      tanh(x)                      slope  1 - tanh(x)^2
    SIGMOID   s(x) = 1 / (1 + e^-x)        slope  s (1 - s)
    SOFTPLUS  log(1 + e^x)                 slope  s
    SILU      x s(x)                       slope  s + x s (1 - s)

NaN stays NaN in all of them. Every function takes and returns one number, float32 or float64.
"""

from __future__ import annotations

from .elementary import exp, exp_or_infinity, log1p_unit
from .jit import scalar

__all__ = [
    "ELU",
    "LINEAR",
    "RELU",
    "SIGMOID",
    "SILU",
    "SOFTPLUS",
    "TANH",
    "activation_slope",
    "apply_activation",
    "elu",
    "relu",
    "sigmoid",
    "silu",
    "softplus",
    "tanh",
]

LINEAR, RELU, ELU, TANH, SIGMOID, SOFTPLUS, SILU = range(7)


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
    return silu(x) if activation == SILU else x


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
    return slope
