"""Tiles of what torch modules give: parameters in rows (n, cells), turned into columns while they are in the cache.

Variables lie in blocks of columns. A tile of rows and a few cells are transposed, worked on column by column, and the
results written as columns: both sides of the transposition stay in the first cache level.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import int64, uint64

from .jit import loop
from .philox import LOW
from .transposition import BLOCK_BYTES, transpose_block

__all__ = ["TILE", "TOGETHER", "Cells", "flat_of", "load_columns", "new_columns", "rows_of_tile", "shaped", "tile_rows"]

TILE = 512  # rows
TOGETHER = 64  # cells: several cache lines of a row, which CPUs then fetch ahead
PADDING = 16  # between columns, so that they do not all fall into one set of the cache
NUMBERS = 1 << 16  # parameters of one cell in a tile: they stay in the second cache level


class Cells(NamedTuple):
    """Where a vector lies whose parameters are in rows."""

    row: int  # its first row of the block
    first: int  # the column of the block that is row 0 of the parameters
    word: int  # uint64: its first random word


@loop
def tile_rows(n_parameters):
    """Rows of a tile, for so many parameters of a cell."""
    return max(16, min(TILE, NUMBERS // max(n_parameters, 1)) & ~15)


@loop
def rows_of_tile(start, a, end, size):
    """How many rows from a on are a tile: the low half of their number does not wrap."""
    before_wrap = uint64(LOW) + uint64(1) - ((uint64(start) + uint64(a)) & uint64(LOW))
    return int64(min(uint64(min(size, end - a)), before_wrap))


@loop
def new_columns(like):
    """Room for TOGETHER cells of a tile."""
    return np.empty((TOGETHER, TILE + PADDING), like.dtype)


@loop
def load_columns(rows, r, n, first, count, z):
    """z[j, i] = rows[r + i, first + j] for i < n and j < count; the last block overlaps the one before."""
    lanes = BLOCK_BYTES // rows.itemsize
    if n < lanes or count < lanes:
        for j in range(uint64(count)):
            for i in range(uint64(n)):
                z[j, i] = rows[uint64(r) + i, uint64(first) + j]
        return
    for i in range(0, n, lanes):
        at = min(i, n - lanes)
        for j in range(0, count, lanes):
            to = min(j, count - lanes)
            transpose_block(z, to, at, rows, r + at, first + to)


@loop
def shaped(numbers, height, n):
    """The beginning of a flat array as (height, n) in C order, which a slice of a matrix would not be."""
    return numbers[: height * n].reshape(height, n)


@loop
def flat_of(height, size, like):
    """Room for ``shaped`` up to (height, size)."""
    return np.empty(height * size, like.dtype)
