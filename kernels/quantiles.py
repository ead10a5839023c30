"""Tiles of real numbers by inverse CDF: one random word each in float32, two where that is too coarse and in float64.

Position d of a row owns word d of stream SAMPLE and word d of stream REFINE (see tails.py). A distribution gives two
functions (tail, middle, upper) -> number: ``near``, without branches, for the tails that nearly every word has, and
``far``, for the others.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import float32, int32, uint64

from .jit import inlined, loop, wide_vectors
from .philox import LOW, STREAM_REFINE, STREAM_SAMPLE, fill_words, one_word
from .tails import OUTER_32, OUTER_64, is_upper, middle32, middle64, outer_tail32, tail32, tail64, tail_word

__all__ = ["filler"]

RUN = 64


@inlined
def _least_tail(words, lane, begin, end):
    least = int32(LOW >> 1)
    for i in range(begin, end):
        least = min(least, tail_word(words[lane, i]))
    return least


def filler(near: Callable, far: Callable) -> Callable:
    """The loop ``fill(key, row, first, words, out)`` of the distribution with these two functions.

    out[d, i] = its number of position first + d of row ``row + i``, for all of the C-contiguous ``out`` (count, n),
    float32 or float64; ``words`` is scratch of at least (8, n) uint32.
    """

    @inlined
    def fill_32(key, row, position, words, n, out, d, at):
        """By first words, then anew where those are in an outer 2**-8; whole runs without one are passed over."""
        lane = position & 3
        for i in range(n):
            high = words[lane, i]
            out[d, at + i] = near(tail32(high), middle32(high), is_upper(high))
        for run in range(0, n, RUN):
            end = min(run + RUN, n)
            if _least_tail(words, lane, run, end) < int32(OUTER_32):
                for i in range(run, end):
                    high = words[lane, i]
                    if tail_word(high) < int32(OUTER_32):
                        low = one_word(key, row + uint64(i), uint64(position), uint64(STREAM_REFINE))
                        tail = outer_tail32(high, low)
                        out[d, at + i] = far(tail, float32(0.5) - tail, is_upper(high))

    @inlined
    def fill_64(words, low_words, lane, n, out, d, at):
        """By two words, then anew where the first is as near to an end as it can be."""
        for i in range(n):
            high, low = words[lane, i], low_words[lane, i]
            out[d, at + i] = near(tail64(high, low), middle64(high, low), is_upper(high))
        if _least_tail(words, lane, np.int64(0), n) < int32(OUTER_64):
            for i in range(n):
                high, low = words[lane, i], low_words[lane, i]
                if tail_word(high) < int32(OUTER_64):
                    out[d, at + i] = far(tail64(high, low), middle64(high, low), is_upper(high))

    @loop
    def fill_run(key, row, first, at, n, words, out):
        """As ``fill`` for n columns from ``at`` on, whose rows' low halves do not wrap."""
        wide_vectors()
        low_words = words[4:]
        for d in range(out.shape[0]):
            position = first + d
            block, lane = uint64(position >> 2), position & 3
            if lane == 0 or d == 0:
                fill_words(key, row, block, uint64(STREAM_SAMPLE), n, words)
                if out.itemsize == 8:
                    fill_words(key, row, block, uint64(STREAM_REFINE), n, low_words)
            if out.itemsize == 4:
                fill_32(key, row, position, words, n, out, d, at)
            else:
                fill_64(words, low_words, lane, n, out, d, at)

    @loop
    def fill(key, row, first, words, out):
        n = out.shape[1]
        before_wrap = uint64(1 << 32) - (row & uint64(LOW))
        if before_wrap >= uint64(n):
            fill_run(key, row, first, np.int64(0), n, words, out)
        else:
            split = np.int64(before_wrap)
            fill_run(key, row, first, np.int64(0), split, words, out)
            fill_run(key, row + before_wrap, first, split, n - split, words, out)

    return fill
