"""Numbers of quantiles.py for four rows at once: a block of random words serves four positions of a row.

In float32 nearly every number takes one word and no branch. The words near an end, one in 128, are drawn anew by two:
one after the other, so that a warp walks that way as often as its busiest thread, about once in three numbers of four.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda, float32, types, uint64
from numba.extending import overload

from .four_rows_cuda import four, replaced
from .jit import INLINED
from .normal_quantile import far_normal, near_normal
from .philox import STREAM_REFINE, STREAM_SAMPLE
from .philox_cuda import block_words, lane_word, one_word
from .tails import OUTER, is_upper, middle32, middle64, outer_tail32, tail32, tail64, tail_word

__all__ = ["four_drawer", "four_normals", "is_single", "lanes", "no_words", "words_of"]

device: Any = cuda.jit(device=True)


def is_single(number):
    """Whether a number is a float32: known when a kernel is compiled."""
    return isinstance(number, np.float32)


@overload(is_single, jit_options=INLINED)
def _choose_is_single(number):
    single = number == types.float32
    return lambda number: single


@device
def _blocks(key, start, rows, block, stream):
    return (
        block_words(key, start + rows[0], block, stream),
        block_words(key, start + rows[1], block, stream),
        block_words(key, start + rows[2], block, stream),
        block_words(key, start + rows[3], block, stream),
    )


@device
def no_words():
    """What holds the words before there are any."""
    none = four(uint64(0)), four(uint64(0)), four(uint64(0)), four(uint64(0))
    return none, none


@device
def words_of(key, start, rows, position, like):
    """The words of the block of a position in four rows: first ones, and second ones unless ``like`` is float32."""
    block = position >> uint64(2)
    first = _blocks(key, start, rows, block, STREAM_SAMPLE)
    if is_single(like):
        return first, first
    return first, _blocks(key, start, rows, block, STREAM_REFINE)


@device
def lanes(words, position):
    """The words of one position in four rows."""
    lane = position & uint64(3)
    return lane_word(words[0], lane), lane_word(words[1], lane), lane_word(words[2], lane), lane_word(words[3], lane)


@device
def _chosen(numbers, k):
    return lane_word(numbers, uint64(k))


@device
def _first_outer(high, after):
    """The first of the words from ``after`` on that lies near an end; 4 where there is none."""
    if after <= 0 and tail_word(high[0]) < OUTER:
        return 0
    if after <= 1 and tail_word(high[1]) < OUTER:
        return 1
    if after <= 2 and tail_word(high[2]) < OUTER:
        return 2
    return 3 if after <= 3 and tail_word(high[3]) < OUTER else 4


def four_drawer(near: Callable, far: Callable) -> Callable:
    """The function ``draw(key, start, rows, position, words, like)`` of the distribution with these two functions."""

    @device
    def near_number(high, low, like):
        if is_single(like):
            return type(like)(near(tail32(high), middle32(high), is_upper(high)))
        return type(like)(near(tail64(high, low), middle64(high, low), is_upper(high)))

    @device
    def far_number(high, low, like):
        if is_single(like):
            tail = outer_tail32(high, low)
            return type(like)(far(tail, float32(0.5) - tail, is_upper(high)))
        return type(like)(far(tail64(high, low), middle64(high, low), is_upper(high)))

    @device
    def draw(key, start, rows, position, words, like):
        high, low = lanes(words[0], position), lanes(words[1], position)
        numbers = (
            near_number(high[0], low[0], like),
            near_number(high[1], low[1], like),
            near_number(high[2], low[2], like),
            near_number(high[3], low[3], like),
        )
        k = _first_outer(high, 0)
        while k < 4:
            second = _chosen(low, k)
            if is_single(like):
                second = one_word(key, start + _chosen(rows, k), position, STREAM_REFINE)
            numbers = replaced(numbers, k, far_number(_chosen(high, k), second, like))
            k = _first_outer(high, k + 1)
        return numbers

    return draw


four_normals = four_drawer(near_normal, far_normal)
