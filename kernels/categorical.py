"""A state x of K by logits z: p(x = k) = exp(z_k) / sum_j exp(z_j).

    drawn by a uniform u     the smallest k with sum_{j <= k} exp(z_j) > u sum_j exp(z_j)
    log p(x = k)             z_k - log sum_j exp(z_j)
    d log p(x) / d z_k       [x = k] - p(k)

Sums over states are float64 whatever the type of the logits, and so are the uniforms that they are compared with: in
float32 a state of weight 1e-8 beside one of weight 1 would add nothing, and never be drawn.
"""

from __future__ import annotations

import numpy as np
from numba import float64

from .elementary import exp, log_wide
from .head_scratch import JOINT, LARGEST, REACHED, SUM, TERM, TOTAL, UNDEFINED, wide_row
from .jit import loop, scalar, wide_vectors

__all__ = ["draw_categorical", "find_largest", "normalise", "score_categorical", "slope_categorical", "state_of"]


@scalar
def state_of(value, size):
    """A value as the code that it is; the last one where another thread has put in a value beyond it."""
    return min(np.int64(value), np.int64(size) - np.int64(1))


# Lanes ------------------------------------------------------------------------------------------------------------


@loop
def find_largest(z, at, size, scratch):
    """scratch[LARGEST] = max_k z_k; 0 where all are -inf, from which nothing could be subtracted."""
    wide_vectors()
    nothing, zero = z.dtype.type(-np.inf), z.dtype.type(0)
    for i in range(z.shape[1]):
        scratch[LARGEST, i] = nothing
    for k in range(at, at + size):
        for i in range(z.shape[1]):
            scratch[LARGEST, i] = max(scratch[LARGEST, i], z[k, i])
    for i in range(z.shape[1]):
        scratch[LARGEST, i] = zero if scratch[LARGEST, i] == nothing else scratch[LARGEST, i]


@loop
def normalise(z, at, size, scratch):
    """LARGEST, and the sum of exp(z_k - LARGEST): wide row SUM, rounded in row TOTAL. It is at least 1, but 0 where
    all z_k are -inf, and NaN where one is NaN or +inf."""
    wide_vectors()
    find_largest(z, at, size, scratch)
    total = wide_row(scratch, SUM)
    for i in range(z.shape[1]):
        total[i] = 0.0
    even = at + size // 2 * 2
    for k in range(at, even, 2):  # two by two, which rounds once: adding in float64 takes as long as an exponential
        for i in range(z.shape[1]):
            total[i] += exp(z[k, i] - scratch[LARGEST, i]) + exp(z[k + 1, i] - scratch[LARGEST, i])
    for k in range(even, at + size):
        for i in range(z.shape[1]):
            total[i] += exp(z[k, i] - scratch[LARGEST, i])
    for i in range(z.shape[1]):
        scratch[TOTAL, i] = scratch.dtype.type(total[i])


@loop
def draw_categorical(z, at, size, noise, w, values, v, scratch):
    """The smallest state whose cumulative probability exceeds the uniform: as many as there are sums that do not.
    Rows JOINT .. keep the weights: both sums must add the same numbers in the same order."""
    wide_vectors()
    find_largest(z, at, size, scratch)
    total, reached = wide_row(scratch, SUM), wide_row(scratch, REACHED)
    one, zero, last = values.dtype.type(1), values.dtype.type(0), values.dtype.type(size - 1)
    for i in range(values.shape[1]):
        total[i] = 0.0
        reached[i] = 0.0
        values[v, i] = zero
    for k in range(size):
        for i in range(values.shape[1]):
            weight = exp(z[at + k, i] - scratch[LARGEST, i])
            scratch[JOINT + k, i] = weight
            total[i] += weight
    for i in range(values.shape[1]):
        scratch[UNDEFINED, i] = scratch[UNDEFINED, i] if total[i] >= 1.0 else one
        total[i] *= noise[w, i]
    for k in range(JOINT, JOINT + size):
        for i in range(values.shape[1]):
            reached[i] += scratch[k, i]
            values[v, i] += one if reached[i] <= total[i] else zero
    for i in range(values.shape[1]):  # a uniform is below 1, so only undefined parameters leave none
        values[v, i] = min(values[v, i], last)


@loop
def score_categorical(z, at, size, values, v, scratch):
    """scratch[TERM] = log p(values[v])"""
    wide_vectors()
    normalise(z, at, size, scratch)
    for i in range(values.shape[1]):
        code = state_of(values[v, i], size)
        above = float64(z[at + code, i]) - float64(scratch[LARGEST, i])
        scratch[TERM, i] = scratch.dtype.type(above - log_wide(scratch[TOTAL, i]))


@loop
def slope_categorical(z, at, size, values, v, weight, scratch):
    """The logits become the gradient of weight * log p(values[v])."""
    wide_vectors()
    normalise(z, at, size, scratch)
    one, zero = values.dtype.type(1), values.dtype.type(0)
    for k in range(size):
        code = values.dtype.type(k)
        for i in range(values.shape[1]):
            hit = one if values[v, i] == code else zero
            share = exp(z[at + k, i] - scratch[LARGEST, i]) / scratch[TOTAL, i]
            z[at + k, i] = (hit - share) * weight[i]
