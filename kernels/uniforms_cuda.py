"""Uniforms on the device: those of uniforms.py, bit for bit."""

from __future__ import annotations

from typing import Any

from numba import cuda, float32, float64, uint64

from .philox import STREAM_REFINE, STREAM_SAMPLE
from .philox_cuda import one_word
from .uniforms import LARGEST_32, SHORT, WORD, uniform32, uniform64

__all__ = ["uniform"]

device: Any = cuda.jit(device=True)


@device
def uniform(key, row, position, single):
    """The uniform of a position of a row, as a float64; ``single``: as models of float32 draw it."""
    high = one_word(key, row, position, STREAM_SAMPLE)
    if single and high >= uint64(SHORT):
        return float64(min(float32(high) * float32(WORD), float32(LARGEST_32)))
    low = one_word(key, row, position, STREAM_REFINE)
    if single:
        return float64(uniform32(high, low))
    return uniform64(high, low)
