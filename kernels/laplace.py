"""Standard Laplace numbers: x = log(2 u) below the median and -log(2 (1 - u)) above: -+log(2 tail), by side."""

from __future__ import annotations

from .jit import scalar
from .portable import LOG_2, exponent, log1p_small, mantissa, multiply_add, portable_log
from .quantiles import filler

__all__ = ["far_laplace", "fill_laplaces", "near_laplace"]

ROOT_EIGHTH = 0.3535533905932738  # above it 2 tail is above sqrt(1/2)


@scalar
def near_laplace(tail, middle, upper):
    """x without branches; near the median log(2 tail) = log(1 - 2 middle), which has all its digits there."""
    kind = type(tail)
    central = tail > kind(ROOT_EIGHTH)
    power = kind(0.0) if central else exponent(tail) + kind(1.0)
    small = -(middle + middle) if central else mantissa(tail) - kind(1.0)
    size = -multiply_add(power, kind(LOG_2), log1p_small(small))
    return size if upper else -size


@scalar
def far_laplace(tail, middle, upper):
    """x of any tail, less exact near the median."""
    size = -portable_log(tail + tail)
    return size if upper else -size


fill_laplaces = filler(near_laplace, far_laplace)
