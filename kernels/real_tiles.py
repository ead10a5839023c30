"""Tiles of real numbers: rows into columns, and the check that none is infinite, in one pass while they are in cache.

A bad tile is only reported: the caller looks for the offender and names it. NaN is a missing value, allowed or not.
"""

from __future__ import annotations

import numpy as np
from numba import uint64

from .jit import kernel, loop
from .tiles import tile_rows


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
def _eight_rows(rows, r, cells, out, i):
    """out[j, i : i + 8] = rows[r : r + 8, cells[j]]."""
    r0, i0 = uint64(r), uint64(i)
    r1, r2, r3, r4 = r0 + uint64(1), r0 + uint64(2), r0 + uint64(3), r0 + uint64(4)
    r5, r6, r7 = r0 + uint64(5), r0 + uint64(6), r0 + uint64(7)
    for j in range(uint64(cells.shape[0])):
        v, own = uint64(cells[j]), out[j]
        own[i0], own[i0 + uint64(1)] = rows[r0, v], rows[r1, v]
        own[i0 + uint64(2)], own[i0 + uint64(3)] = rows[r2, v], rows[r3, v]
        own[i0 + uint64(4)], own[i0 + uint64(5)] = rows[r4, v], rows[r5, v]
        own[i0 + uint64(6)], own[i0 + uint64(7)] = rows[r6, v], rows[r7, v]


@kernel
def reals_from_rows_cpu(row_begin, row_end, missing, rows, cells, out):
    """out[j, i - row_begin] = rows[i, cells[j]], checked; returns -1 or the first row of a tile with a bad number."""
    n_cells = rows.shape[1]
    flat = rows.reshape(-1)
    size = tile_rows(max(n_cells, 1))
    for a in range(row_begin, row_end, size):
        end = min(a + size, row_end)
        if not _allowed(flat, a * n_cells, end * n_cells, missing):
            return a
        full = end - ((end - a) & 7)
        for r in range(a, full, 8):
            _eight_rows(rows, r, cells, out, r - row_begin)
        for r in range(full, end):
            for j in range(cells.shape[0]):
                out[j, r - row_begin] = rows[r, cells[j]]
    return -1


@kernel
def check_reals_cpu(row_begin, row_end, missing, columns):
    """Whether columns[:, row_begin : row_end] are finite, or may be missing; returns as ``reals_from_rows_cpu``."""
    fine = True
    for j in range(columns.shape[0]):
        fine &= _allowed(columns[j], row_begin, row_end, missing)
    return -1 if fine else row_begin
