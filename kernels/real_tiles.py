"""Tiles of real numbers: rows into columns, and the check that none is infinite, in one pass while they are in cache.

A bad tile is only reported: the caller looks for the offender and names it. NaN is a missing value, allowed or not.
"""

from __future__ import annotations

import numpy as np
from numba import uint64

from .jit import kernel, loop
from .transposition import BLOCK_BYTES, transpose_block

TILE_BYTES = 131072  # of rows that are read twice, to be checked and copied: within the first two cache levels


@loop
def all_finite(numbers, begin, end):
    """Whether there is no NaN and no infinity. Every comparison is made: LLVM vectorises a loop without exits."""
    infinity = numbers.dtype.type(np.inf)
    fine = True
    for i in range(uint64(begin), uint64(end)):
        fine &= abs(numbers[i]) < infinity
    return fine


@loop
def _none_infinite(numbers, begin, end):
    infinity = numbers.dtype.type(np.inf)
    fine = True
    for i in range(uint64(begin), uint64(end)):
        fine &= abs(numbers[i]) != infinity
    return fine


@loop
def _allowed(numbers, begin, end, missing):
    return _none_infinite(numbers, begin, end) if missing else all_finite(numbers, begin, end)


@loop
def _block_of_rows(rows, r, first, out, i, lanes):
    """out[:, i : i + lanes] = rows[r : r + lanes, first : first + n]; the last block overlaps the one before."""
    n = out.shape[0]
    for j in range(0, n - lanes, lanes):
        transpose_block(out, j, i, rows, r, first + j)
    transpose_block(out, n - lanes, i, rows, r, first + n - lanes)


@loop
def _single_rows(rows, r, end, cells, out, i):
    """out[j, i + k] = rows[r + k, cells[j]] up to row ``end``."""
    for k in range(uint64(end - r)):
        for j in range(uint64(cells.shape[0])):
            out[j, uint64(i) + k] = rows[uint64(r) + k, uint64(cells[j])]


@kernel
def reals_from_rows_cpu(row_begin, row_end, missing, rows, cells, out):
    """out[j, i - row_begin] = rows[i, cells[j]], checked; returns -1 or the first row of a tile with a bad number."""
    n_cells, n = rows.shape[1], cells.shape[0]
    lanes = BLOCK_BYTES // rows.itemsize
    in_blocks = n >= lanes and cells[n - 1] - cells[0] == n - 1  # cells ascend: these are neighbours
    flat = rows.reshape(-1)
    size = max(8, (TILE_BYTES // (max(n_cells, 1) * rows.itemsize)) & ~7)
    for a in range(row_begin, row_end, size):
        end = min(a + size, row_end)
        if not _allowed(flat, a * n_cells, end * n_cells, missing):
            return a
        full = end - (end - a) % lanes if in_blocks else a
        for r in range(a, full, lanes):
            _block_of_rows(rows, r, cells[0], out, r - row_begin, lanes)
        _single_rows(rows, full, end, cells, out, full - row_begin)
    return -1


@kernel
def check_reals_cpu(row_begin, row_end, missing, columns):
    """Whether columns[:, row_begin : row_end] are finite, or may be missing; returns as ``reals_from_rows_cpu``."""
    fine = True
    for j in range(columns.shape[0]):
        fine &= _allowed(columns[j], row_begin, row_end, missing)
    return -1 if fine else row_begin
