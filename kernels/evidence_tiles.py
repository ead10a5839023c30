"""The loader of rows in which values are missing: codes that are states, or have all bits set, and how these narrow.

A missing value is the code with all bits set: -1 in signed integers, 255 in bytes. One added to it, in its own width,
is 0, and one added to any state's code is at most the number of states: one comparison checks both.
"""

from __future__ import annotations

import numpy as np
from numba import uint32, uint64

from .jit import inlined, kernel, loop
from .tiles import PADDING, TILE, tile_rows

ALL_BITS = 0xFFFFFFFFFFFFFFFF
NO_CODE = 0xFFFFFFFE  # what a float that is no code becomes: beyond the states of any variable
LARGEST_CODE = 65534.0  # that a float may be: no variable has more than 65535 states


@inlined
def _fits(cells, begin, end, itemsize):
    """Whether one added to any of the cells, in their own width, fits into so many bytes."""
    mask = uint64(ALL_BITS) >> uint64(64 - 8 * cells.itemsize)
    seen = uint64(0)
    for i in range(uint64(begin), uint64(end)):
        seen |= (uint64(cells[i]) + uint64(1)) & mask
    return (seen >> uint64(8 * itemsize)) == 0


@loop
def _copy_and_check(target, source, n, n_states):
    """target[i] = source[i]; whether each is below ``n_states``, or has all bits set."""
    top = source.dtype.type(0)
    for i in range(n):
        target[i] = source[i]
        top = max(top, source.dtype.type(source[i] + 1))
    return top <= n_states


@inlined
def _pack_low_bytes(rows, r, word):
    """word[v] = the lowest byte of the codes of rows r .. r + 7."""
    r0, low = uint64(r), uint64(255)
    r1, r2, r3, r4 = r0 + uint64(1), r0 + uint64(2), r0 + uint64(3), r0 + uint64(4)
    r5, r6, r7 = r0 + uint64(5), r0 + uint64(6), r0 + uint64(7)
    for v in range(uint64(word.shape[0])):
        x0, x1, x2, x3 = rows[r0, v] & low, rows[r1, v] & low, rows[r2, v] & low, rows[r3, v] & low
        x4, x5, x6, x7 = rows[r4, v] & low, rows[r5, v] & low, rows[r6, v] & low, rows[r7, v] & low
        first = x0 | (x1 << uint64(8)) | (x2 << uint64(16)) | (x3 << uint64(24))
        second = x4 | (x5 << uint64(8)) | (x6 << uint64(16)) | (x7 << uint64(24))
        word[v] = first | (second << uint64(32))


@loop
def _transpose(rows, a, n, words, tile, word):
    """tile[v, i] = the low bytes of rows[a + i, v] for i < n, bytes eight rows at a time."""
    full = 0
    if tile.itemsize == 1:
        full = n & ~7
        for i in range(0, full, 8):
            _pack_low_bytes(rows, a + i, word)
            for v in range(word.shape[0]):
                words[v, i >> 3] = word[v]
    for i in range(full, n):
        for v in range(word.shape[0]):
            tile[v, i] = rows[a + i, v]


@kernel
def evidence_from_rows_cpu(row_begin, row_end, n_states, rows, out):
    """out[v, i - row_begin] = rows[i, v], narrowed, a missing value being all bits; returns -1 or the first row of a
    tile with another code that is no state.

    Rows have no narrower codes than ``out``.
    """
    n_vars = n_states.shape[0]
    size = tile_rows(n_vars)
    words = np.empty((n_vars, (size * out.itemsize) // 8 + PADDING), np.uint64)
    tile = words.view(out.dtype)
    word = np.empty(n_vars, np.uint64)
    for a in range(row_begin, row_end, size):
        n = min(size, row_end - a)
        _transpose(rows, a, n, words, tile, word)
        fine = True
        if rows.itemsize > out.itemsize:
            fine = _fits(rows.reshape(-1), a * n_vars, (a + n) * n_vars, out.itemsize)
        for v in range(n_vars):
            fine &= _copy_and_check(out[v, a - row_begin : a - row_begin + n], tile[v], n, n_states[v])
        if not fine:
            return a
    return -1


@loop
def _narrow(target, source, n):
    for i in range(n):
        target[i] = source[i]


@kernel
def evidence_from_columns_cpu(row_begin, row_end, n_states, columns, out):
    """out[v, i - row_begin] = columns[v, i], narrowed, a missing value being all bits; returns -1 or the first row of a
    tile with another code that is no state.

    Columns have no narrower codes than ``out``.
    """
    for a in range(row_begin, row_end, TILE):
        n = min(TILE, row_end - a)
        fine = True
        for v in range(columns.shape[0]):
            wide, own = columns[v, a : a + n], out[v, a - row_begin : a - row_begin + n]
            if columns.itemsize > out.itemsize:
                fine &= _fits(wide, 0, n, out.itemsize)
            _narrow(own, wide, n)
            fine &= _largest_place(own) <= n_states[v]
        if not fine:
            return a
    return -1


@kernel
def relabel_or_missing_cpu(values, table, out):
    """out[i] = table[values[i] + 1], a missing value being all bits and its place 0; returns the largest place.

    Places beyond the table give its first entry.
    """
    largest = uint64(0)
    for a in range(0, values.shape[0], TILE):
        part, own = values[a : a + TILE], out[a : a + TILE]
        largest = max(largest, _largest_place(part))
        _look_up(part, table, own)
    return largest


@loop
def _largest_place(values):
    top = values.dtype.type(0)
    for i in range(values.shape[0]):
        top = max(top, values.dtype.type(values[i] + 1))
    return uint64(top)


@loop
def _look_up(values, table, out):
    last = uint64(table.shape[0] - 1)
    for i in range(values.shape[0]):
        place = uint64(values.dtype.type(values[i] + 1))
        out[i] = table[place if place <= last else uint64(0)]


@kernel
def codes_of_floats_cpu(values, out):
    """out[i] = values[i] where that is a whole number from 0 to 65534, all bits where it is NaN, else a number beyond
    all codes."""
    for i in range(values.shape[0]):
        x = values[i]
        code = uint32(x) if 0.0 <= x <= LARGEST_CODE else uint32(NO_CODE)
        known = code if x == code else uint32(NO_CODE)
        out[i] = known if x == x else uint32(ALL_BITS >> 32)
