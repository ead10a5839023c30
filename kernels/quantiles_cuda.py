"""Numbers of quantiles.py on the device: the same formulas of the same words, the same bits where the CPU has FMA."""

from __future__ import annotations

from collections.abc import Callable

from numba import cuda, float32, float64

from .exponential import far_exponential, near_exponential
from .laplace import far_laplace, near_laplace
from .normal_quantile import far_normal, near_normal
from .philox import STREAM_REFINE, STREAM_SAMPLE
from .philox_cuda import one_word
from .tails import OUTER, is_upper, middle32, middle64, outer_tail32, tail32, tail64, tail_word

__all__ = ["drawer", "standard_exponential", "standard_laplace", "standard_normal"]


def drawer(near: Callable, far: Callable) -> Callable:
    """The number of a position of a row, as a float64; ``single``: as models of float32 draw it."""

    @cuda.jit(device=True)
    def draw(key, row, position, single):
        high = one_word(key, row, position, STREAM_SAMPLE)
        upper = is_upper(high)
        if single and tail_word(high) >= OUTER:
            return float64(near(tail32(high), middle32(high), upper))
        low = one_word(key, row, position, STREAM_REFINE)
        if single:
            tail = outer_tail32(high, low)
            return float64(far(tail, float32(0.5) - tail, upper))
        if tail_word(high) >= OUTER:
            return near(tail64(high, low), middle64(high, low), upper)
        return far(tail64(high, low), middle64(high, low), upper)

    return draw


standard_normal = drawer(near_normal, far_normal)
standard_exponential = drawer(near_exponential, far_exponential)
standard_laplace = drawer(near_laplace, far_laplace)
