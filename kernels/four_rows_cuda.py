"""Four rows to a thread: what is read of a plan serves all four, and four loads are under way at once.

The rows of a thread lie a block of threads apart, so that neighbours in a warp read neighbours in memory. Rows beyond
the last are the last one again: they compute and write what it does, without a branch; so nobody may add to what is
there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda, uint32, uint64

__all__ = [
    "ROWS",
    "beyond",
    "cells",
    "first_row",
    "four",
    "places",
    "put",
    "replaced",
    "row_step",
    "rows_from",
]

ROWS = np.uint64(4)
device: Any = cuda.jit(device=True)


@device
def first_row():
    """The first row of this thread."""
    return uint64(cuda.blockIdx.x) * uint64(cuda.blockDim.x) * ROWS + uint64(cuda.threadIdx.x)


@device
def row_step():
    """How far it is from there to its next four."""
    return uint64(cuda.gridsize(1)) * ROWS


@device
def rows_from(first, n):
    """Four rows of n, ``first`` and those a block of threads further on."""
    last, step = uint64(n) - uint64(1), uint64(cuda.blockDim.x)
    second = first + step
    third = second + step
    return min(first, last), min(second, last), min(third, last), min(third + step, last)


@device
def places(first, size, states):
    """first + size * state in four rows: below 2**32, which takes half the registers of wide numbers."""
    return (
        uint32(uint64(first[0]) + size * uint64(states[0])),
        uint32(uint64(first[1]) + size * uint64(states[1])),
        uint32(uint64(first[2]) + size * uint64(states[2])),
        uint32(uint64(first[3]) + size * uint64(states[3])),
    )


@device
def four(number):
    """The same number for all."""
    return number, number, number, number


@device
def replaced(numbers, k, number):
    """Four numbers, of which the k-th is another."""
    return (
        number if k == 0 else numbers[0],
        number if k == 1 else numbers[1],
        number if k == 2 else numbers[2],
        number if k == 3 else numbers[3],
    )


@device
def cells(block, row, rows):
    """Row ``row`` of a block at the four."""
    return block[row, rows[0]], block[row, rows[1]], block[row, rows[2]], block[row, rows[3]]


@device
def put(block, row, rows, values):
    """Write four values there."""
    block[row, rows[0]] = values[0]
    block[row, rows[1]] = values[1]
    block[row, rows[2]] = values[2]
    block[row, rows[3]] = values[3]


@device
def beyond(numbers, starts, k, differ):
    """numbers[starts + k]; one look-up where the starts do not differ."""
    first = numbers[uint64(starts[0]) + k]
    if not differ:
        return four(first)
    return first, numbers[uint64(starts[1]) + k], numbers[uint64(starts[2]) + k], numbers[uint64(starts[3]) + k]
