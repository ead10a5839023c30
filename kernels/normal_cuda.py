"""Normal numbers on the device: those of ``fill_normals``."""

from __future__ import annotations

from numba import cuda, float32, uint64

from .normal_quantile import far_normal, near_normal
from .philox import STREAM_REFINE, STREAM_SAMPLE
from .philox_cuda import one_word
from .tails import OUTER_32, OUTER_64, is_upper, middle32, middle64, outer_tail32, tail32, tail64, tail_word

__all__ = ["normal_number32", "normal_number64"]

device = cuda.jit(device=True)


@device
def normal_number32(key, row, position):
    """The float32 normal number of a position of a row."""
    high = one_word(key, row, position, uint64(STREAM_SAMPLE))
    if tail_word(high) >= OUTER_32:
        return near_normal(tail32(high), middle32(high), is_upper(high))
    tail = outer_tail32(high, one_word(key, row, position, uint64(STREAM_REFINE)))
    return far_normal(tail, float32(0.5) - tail, is_upper(high))


@device
def normal_number64(key, row, position):
    """The float64 normal number of a position of a row."""
    high = one_word(key, row, position, uint64(STREAM_SAMPLE))
    low = one_word(key, row, position, uint64(STREAM_REFINE))
    if tail_word(high) >= OUTER_64:
        return near_normal(tail64(high, low), middle64(high, low), is_upper(high))
    return far_normal(tail64(high, low), middle64(high, low), is_upper(high))
