"""Standard exponential numbers: x = -log(1 - u), so that x grows with u.

Above the median -log(tail), below it -log1p(-tail): as good near 0 as far out.
"""

from __future__ import annotations

from .jit import scalar
from .portable import LOG_2, exponent, log1p_small, mantissa, multiply_add, portable_log
from .quantiles import filler

__all__ = ["far_exponential", "fill_exponentials", "near_exponential"]

LEFT = 0.2928932188134524  # 1 - sqrt(1/2): 1 - tail is above sqrt(1/2)


@scalar
def near_exponential(tail, middle, upper):
    """-log(1 - u) without branches: n log 2 + log(1 + f) of the tail, or of 1 - tail, which is (1 + 2 middle) / 2."""
    kind = type(tail)
    left = tail <= kind(LEFT)
    power, small = kind(0.0) if left else kind(-1.0), -tail if left else middle + middle
    power = exponent(tail) if upper else power
    small = mantissa(tail) - kind(1.0) if upper else small
    return -multiply_add(power, kind(LOG_2), log1p_small(small))


@scalar
def far_exponential(tail, middle, upper):
    """-log(1 - u) of a tail of at most 1/4."""
    return -portable_log(tail) if upper else -log1p_small(-tail)


fill_exponentials = filler(near_exponential, far_exponential)
