"""Random words on the device: those of philox.py, bit for bit."""

from __future__ import annotations

from typing import Any

from numba import cuda, uint64

from . import philox
from .philox import LOW

__all__ = ["block_words", "lane_word", "one_word", "philox4x32"]

device: Any = cuda.jit(device=True)
philox4x32 = device(philox.philox4x32)  # numba-cuda cannot inline a formula: it calls a function of the device


@device
def block_words(key, row, block, stream):
    """The four words of a block of a row."""
    low = uint64(LOW)
    return philox4x32(row & low, row >> uint64(32), block, stream, key & low, key >> uint64(32))


@device
def lane_word(words, lane):
    """One of four words: a tuple has no index that changes."""
    w0, w1, w2, w3 = words
    if lane == uint64(0):
        return w0
    if lane == uint64(1):
        return w1
    return w2 if lane == uint64(2) else w3


@device
def one_word(key, row, word, stream):
    """A single word of a single row."""
    word = uint64(word)
    return lane_word(block_words(key, row, word >> uint64(2), stream), word & uint64(3))
