"""Tiles of real numbers by inverse CDF: one random word each in float32, two where that is too coarse and in float64.

Position d of a row owns word d of stream SAMPLE and word d of stream REFINE (see tails.py). A distribution gives two
functions (tail, middle, upper) -> number: ``near``, without branches, for the tails that nearly every word has, and
``far``, for the others.
"""

from __future__ import annotations

from collections.abc import Callable

from numba import float32, int32, types, uint32, uint64
from numba.extending import overload

from .jit import OWN_FUNCTION, inlined, loop, not_inlined, wide_vectors
from .philox import LOW, STREAM_REFINE, STREAM_SAMPLE, fill_words, one_word
from .tail_bits import last_bit, tails_below, without_last_bit
from .tails import OUTER, is_upper, middle32, middle64, outer_tail32, tail32, tail64, tail_word

__all__ = ["filler"]

RUN = 32  # words looked at together
NO_BLOCK = LOW


def filler(near: Callable, far: Callable) -> Callable:
    """The loop ``fill(key, row, first, words, out)`` of the distribution with these two functions.

    out[d, i] = its number of position first + d of row ``row + i``, for all of the C-contiguous ``out`` (count, n),
    float32 or float64; ``words`` is scratch of at least (8, n) uint32.
    """

    def fill_run(key, row, first, at, n, words, out):
        """As ``fill`` for n columns from ``at`` on, whose rows' low halves do not wrap."""

    single, double = _filler_32(near, far), _filler_64(near, far)

    @overload(fill_run, jit_options=OWN_FUNCTION)
    def choose(key, row, first, at, n, words, out):
        return single if out.dtype == types.float32 else double

    @loop
    def fill(key, row, first, words, out):
        at, end = uint64(0), uint64(out.shape[1])
        while at < end:
            before_wrap = uint64(1 << 32) - ((row + at) & uint64(LOW))
            n = min(end - at, before_wrap)
            fill_run(key, row + at, uint64(first), at, n, words, out)
            at += n

    return fill


def _filler_32(near: Callable, far: Callable) -> Callable:
    """By first words, then anew where those are in an outer 2**-8."""

    @inlined
    def put_far(key, row, position, high, out, d, i):
        low = one_word(key, row, position, uint64(STREAM_REFINE))
        tail = outer_tail32(high, low)
        out[d, i] = far(tail, float32(0.5) - tail, is_upper(high))

    @loop
    def fill_position(key, row, position, n, words, out, d, at):
        lane = position & uint64(3)
        for i in range(n):
            high = words[lane, i]
            out[d, at + i] = near(tail32(high), middle32(high), is_upper(high))
        whole = n & uint64(-RUN & LOW)
        for run in range(uint64(0), whole, uint64(RUN)):
            left = tails_below(words, lane, run, uint32(OUTER))
            while left:
                i = run + last_bit(left)
                left = without_last_bit(left)
                put_far(key, row + i, position, words[lane, i], out, d, at + i)
        for i in range(whole, n):
            if tail_word(words[lane, i]) < int32(OUTER):
                put_far(key, row + i, position, words[lane, i], out, d, at + i)

    def fill_run(key, row, first, at, n, words, out):
        wide_vectors()
        not_inlined()
        filled = uint64(NO_BLOCK)
        for d in range(uint64(out.shape[0])):
            block = (first + d) >> uint64(2)
            if block != filled:
                fill_words(key, row, block, uint64(STREAM_SAMPLE), n, words)
                filled = block
            fill_position(key, row, first + d, n, words, out, d, at)

    return fill_run


def _filler_64(near: Callable, far: Callable) -> Callable:
    """By two words, then anew where the first is in an outer 2**-8."""

    @inlined
    def put_far(high, low, out, d, i):
        out[d, i] = far(tail64(high, low), middle64(high, low), is_upper(high))

    @loop
    def fill_position(lane, n, words, out, d, at):
        second = lane + uint64(4)
        for i in range(n):
            high, low = words[lane, i], words[second, i]
            out[d, at + i] = near(tail64(high, low), middle64(high, low), is_upper(high))
        whole = n & uint64(-RUN & LOW)
        for run in range(uint64(0), whole, uint64(RUN)):
            left = tails_below(words, lane, run, uint32(OUTER))
            while left:
                i = run + last_bit(left)
                left = without_last_bit(left)
                put_far(words[lane, i], words[second, i], out, d, at + i)
        for i in range(whole, n):
            if tail_word(words[lane, i]) < int32(OUTER):
                put_far(words[lane, i], words[second, i], out, d, at + i)

    def fill_run(key, row, first, at, n, words, out):
        wide_vectors()
        not_inlined()
        filled = uint64(NO_BLOCK)
        for d in range(uint64(out.shape[0])):
            block, lane = (first + d) >> uint64(2), (first + d) & uint64(3)
            if block != filled:
                fill_words(key, row, block, uint64(STREAM_SAMPLE), n, words)
                fill_words(key, row, block, uint64(STREAM_REFINE), n, words[4:])
                filled = block
            fill_position(lane, n, words, out, d, at)

    return fill_run
