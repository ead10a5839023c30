"""A bit x by noisy-or: p(x = 0) = exp(a), a = log(1 - leak) + sum_i x_i log(1 - p_i), a weighted sum that is at most 0.

    drawn by a uniform u    x = 1 where u < 1 - exp(a)
    log p(x)                a, or log(1 - exp(a))

A cause that never fails has log(1 - p_i) = -inf; weights hold CERTAIN instead, which no sum of others reaches.
"""

from __future__ import annotations

import math

from numba import float32, float64, uint64

from .elementary import exp, log
from .jit import loop, scalar, wide_vectors
from .philox import LOW
from .uniforms import uniform64

__all__ = ["CERTAIN", "noisy_or_bit", "noisy_or_chances", "noisy_or_log_prob"]

CERTAIN = -1e300
BEYOND = -1e290  # below any sum of finite logarithms
LOG_HALF = -0.6931471805599453


@scalar
def noisy_or_bit(a, high, low):
    """Whether u < 1 - exp(a), by 64 random bits counted from the end that the less probable state is at."""
    if a > LOG_HALF:
        return uniform64(high, low) < -math.expm1(a)
    return not uniform64(uint64(LOW) - uint64(high), uint64(LOW) - uint64(low)) < exp(float64(a))


@scalar
def noisy_or_log_prob(x, a):
    """log p(x), each from the side where nothing cancels."""
    if not x:
        return -math.inf if a < BEYOND else a
    return log(-math.expm1(a)) if a > LOG_HALF else math.log1p(-exp(a))


@loop
def noisy_or_chances(a, chances):
    """chances = 1 - exp(a) in float32"""
    wide_vectors()
    for i in range(a.shape[0]):
        chances[i] = float32(1.0) - exp(float32(a[i]))
