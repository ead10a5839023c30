"""Uniform numbers from Philox words: one per row and position, whatever the batch, tile or thread.

Position d of a row owns word d of stream SAMPLE and word d of stream REFINE. u = (64 random bits) / 2**64, rounded
to the float type and kept inside (0, 1): with probability p = 0 a state never appears, with p = 1 always. The second
word is drawn only where the first leaves rounding open.
"""

from __future__ import annotations

import numpy as np
from numba import float32, float64, uint32, uint64

from .jit import inlined, kernel, loop, scalar, wide_vectors
from .philox import LOW, STREAM_REFINE, STREAM_SAMPLE, fill_words, one_word

__all__ = ["fill_uniforms", "uniform32", "uniform53", "uniform64", "uniforms_cpu"]

SHORT = 1 << 24  # a first word below this has fewer bits than a float32 holds
RUN = 32
WORD = 2.0**-32
LARGEST_32 = 1.0 - 2.0**-24
LARGEST_64 = 1.0 - 2.0**-53
SMALLEST = 2.0**-65


@scalar
def uniform32(high, low):
    """float32 uniform in (0, 1) from two words."""
    u = float32((float64(high) + float64(low) * float64(WORD)) * float64(WORD) + float64(SMALLEST))
    return u if u < float32(1.0) else float32(LARGEST_32)


@scalar
def uniform64(high, low):
    """float64 uniform in (0, 1) from two words."""
    u = (float64(high) + float64(low) * float64(WORD)) * float64(WORD) + float64(SMALLEST)
    return u if u < float64(1.0) else float64(LARGEST_64)


@scalar
def uniform53(high, low):
    """53 bits of two words, in [0, 1)."""
    return float((uint64(high) << uint64(21)) | (uint64(low) >> uint64(11))) * 2.0**-53


@inlined
def _first_words_32(words, lane, n, out, d, at):
    """out = words / 2**32 in float32, at most the largest below 1; short words are only placeholders."""
    for i in range(n):
        u = float32(words[lane, i]) * float32(WORD)
        out[d, at + i] = u if u < float32(1.0) else float32(LARGEST_32)


@inlined
def _smallest(words, lane, begin, end):
    least = uint32(LOW)
    for i in range(begin, end):
        least = min(least, words[lane, i])
    return least


@loop
def _refine_32(key, row, position, words, n, out, d, at):
    """Draw the second word where the first is short; whole runs without one are passed over."""
    lane = position & 3
    for run in range(0, n, RUN):
        end = min(run + RUN, n)
        if _smallest(words, lane, run, end) < uint32(SHORT):
            for i in range(run, end):
                if words[lane, i] < uint32(SHORT):
                    low = one_word(key, row + uint64(i), uint64(position), uint64(STREAM_REFINE))
                    out[d, at + i] = uniform32(words[lane, i], low)


@inlined
def _both_words_64(words, low_words, lane, n, out, d, at):
    for i in range(n):
        out[d, at + i] = uniform64(words[lane, i], low_words[lane, i])


@loop
def _fill_run(key, row, first, at, n, words, out):
    """As ``fill_uniforms`` for n columns from ``at`` on, whose rows' low halves do not wrap."""
    wide_vectors()
    low_words = words[4:]
    for d in range(out.shape[0]):
        block, lane = uint64((first + d) >> 2), d & 3
        if lane == 0 or d == 0:
            fill_words(key, row, block, uint64(STREAM_SAMPLE), n, words)
        if out.itemsize == 4:
            _first_words_32(words, lane, n, out, d, at)
            if _smallest(words, lane, np.int64(0), n) < uint32(SHORT):
                _refine_32(key, row, first + d, words, n, out, d, at)
        else:
            if lane == 0 or d == 0:
                fill_words(key, row, block, uint64(STREAM_REFINE), n, low_words)
            _both_words_64(words, low_words, lane, n, out, d, at)


@loop
def fill_uniforms(key, row, first, words, out):
    """out[d, i] = uniform of position first + d of row ``row + i``, for all of the C-contiguous ``out`` (count, n).

    ``first`` is a multiple of 4; ``words`` is scratch of at least (8, n) uint32.
    """
    n = out.shape[1]
    before_wrap = uint64(1 << 32) - (row & uint64(LOW))
    if before_wrap >= uint64(n):
        _fill_run(key, row, first, np.int64(0), n, words, out)
    else:
        split = np.int64(before_wrap)
        _fill_run(key, row, first, np.int64(0), split, words, out)
        _fill_run(key, row + before_wrap, first, split, n - split, words, out)


@kernel
def uniforms_cpu(key, row, words, out):
    """out[d, i] = uniform of position d of row ``row + i``, for models whose probabilities come from outside; ``words``
    is scratch (8, n) uint32."""
    fill_uniforms(uint64(key), uint64(row), 0, words, out)
