"""A real x that an affine map turns into noise: n = x e^s + shift.

drawn by noise n         x = (n - shift) e^-s
log |d n / d x|          s = scale / (1 + |scale| / CAP)               AFFINE: zuko's MAF
                         s = log(log(1 + e^scale) + LEAST_SLOPE)       SOFTPLUS_AFFINE: nflows' MAF
"""

from __future__ import annotations

import math

from .activations import softplus
from .elementary import exp, log
from .head_scratch import NOISE, TERM, mark_infinite
from .jit import loop, scalar, wide_vectors

__all__ = [
    "affine_noise",
    "affine_value",
    "draw_affine",
    "draw_softplus_affine",
    "score_affine",
    "score_softplus_affine",
    "soft_cap",
    "softplus_affine_value",
    "softplus_slope",
]

CAP = math.log(1000.0)  # zuko's MonotonicAffineTransform(slope=1e-3)
LEAST_SLOPE = 1e-3  # nflows' MaskedAffineAutoregressiveTransform


@scalar
def soft_cap(scale):
    """scale / (1 + |scale| / CAP): log |d noise / d value|."""
    one, cap = type(scale)(1), type(scale)(1.0 / CAP)
    return scale / (one + abs(scale) * cap)


@scalar
def affine_value(noise, shift, scale):
    """(noise - shift) exp(-s)"""
    return (type(shift)(noise) - shift) * exp(-soft_cap(scale))


@scalar
def affine_noise(value, shift, s):
    """value exp(s) + shift, for s = soft_cap(scale)."""
    return value * exp(s) + shift


@scalar
def softplus_slope(scale):
    """softplus(scale) + LEAST_SLOPE: d noise / d value."""
    return softplus(scale) + type(scale)(LEAST_SLOPE)


@scalar
def softplus_affine_value(noise, shift, scale):
    """(noise - shift) / softplus_slope(scale)"""
    return (type(shift)(noise) - shift) / softplus_slope(scale)


# Lanes ------------------------------------------------------------------------------------------------------------


@loop
def draw_affine(z, at, size, noise, w, values, v, scratch):
    """values[v] = what the affine map turns into noise[w]."""
    wide_vectors()
    for i in range(values.shape[1]):
        values[v, i] = affine_value(noise[w, i], z[at, i], z[at + 1, i])
    mark_infinite(values, v, scratch)


@loop
def score_affine(z, at, size, values, v, scratch):
    """scratch[TERM] = log |d noise / d value|; scratch[NOISE] = noise."""
    wide_vectors()
    for i in range(values.shape[1]):
        scratch[TERM, i] = soft_cap(z[at + 1, i])
        scratch[NOISE, i] = affine_noise(values[v, i], z[at, i], scratch[TERM, i])


@loop
def draw_softplus_affine(z, at, size, noise, w, values, v, scratch):
    """As ``draw_affine``."""
    wide_vectors()
    for i in range(values.shape[1]):
        values[v, i] = softplus_affine_value(noise[w, i], z[at, i], z[at + 1, i])
    mark_infinite(values, v, scratch)


@loop
def score_softplus_affine(z, at, size, values, v, scratch):
    """As ``score_affine``."""
    wide_vectors()
    for i in range(values.shape[1]):
        slope = softplus_slope(z[at + 1, i])
        scratch[TERM, i] = log(slope)
        scratch[NOISE, i] = values[v, i] * slope + z[at, i]
