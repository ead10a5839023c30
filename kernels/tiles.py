"""Tiles of rows: joint indices of columns, and the loader that checks codes, narrows and transposes rows in one pass.

Scoring and counting loops read columns that are in range; the loader makes both true, tile by tile, while the bytes
are in the cache. A bad tile is only reported: the caller looks for the offender and names it.
"""

from __future__ import annotations

import numpy as np
from numba import uint8, uint64

from .jit import inlined, kernel, loop

TILE = 4096  # rows worked on at a time: index, word and outcome buffers stay in the first two cache levels
PADDING = 8  # words between the columns of a tile, so that they do not all fall into one set of the cache


@loop
def _copy(target, source, n):
    """Assignment of a slice, which numba compiles into a loop six times as slow."""
    for i in range(n):
        target[i] = source[i]


@loop
def _set_codes(index, codes, stride, n):
    for i in range(n):
        index[i] = stride * codes[i]


@loop
def _add_codes(index, codes, stride, n):
    for i in range(n):
        index[i] += stride * codes[i]


@loop
def _add_two(index, first, first_stride, second, second_stride, n):
    for i in range(n):
        index[i] += first_stride * first[i] + second_stride * second[i]


@loop
def joint_index(columns, strides, codes, a, n, index):
    """index = sum_j strides_j * codes[columns_j] for rows a .. a + n; two columns at a time save half the stores."""
    n_columns = columns.shape[0]
    if n_columns == 0:
        index[:n] = 0
        return
    _set_codes(index, codes[columns[0], a : a + n], strides[0], n)
    for j in range(1, n_columns - 1, 2):
        first, second = codes[columns[j], a : a + n], codes[columns[j + 1], a : a + n]
        _add_two(index, first, strides[j], second, strides[j + 1], n)
    if n_columns & 1 == 0:
        _add_codes(index, codes[columns[n_columns - 1], a : a + n], strides[n_columns - 1], n)


@loop
def wide_joint_index(columns, strides, codes, a, n, index):
    """The same for the rare table with over 2**16 cells: one plain loop, which compiles in a third of the time."""
    index[:n] = 0
    for j in range(columns.shape[0]):
        own, stride = codes[columns[j], a : a + n], strides[j]
        for i in range(n):
            index[i] += stride * own[i]


@loop
def columns_in_range(codes, a, n, largest):
    """Whether codes[v, a : a + n] <= largest[v] for every variable."""
    fine = True
    for v in range(codes.shape[0]):
        column = codes[v, a : a + n]
        top = column[0]
        for i in range(n):
            top = max(top, column[i])
        fine &= top <= largest[v]
    return fine


@loop
def tile_rows(n_vars):
    """Rows of a tile that keep all its columns within 512 KiB: between 512 and TILE, a multiple of 64."""
    return max(512, min(TILE, (524288 // n_vars) & ~63))


@inlined
def _all_bits(cells, begin, end):
    """All bits that any of the cells has set. Reads memory in its order, which is what CPUs fetch ahead."""
    seen = uint64(0)
    for i in range(uint64(begin), uint64(end)):
        seen |= uint64(cells[i])
    return seen


@inlined
def _pack_rows(rows, r, word):
    """word[v] = the low bytes of the codes of rows r .. r + 7."""
    r0 = uint64(r)
    r1, r2, r3, r4 = r0 + uint64(1), r0 + uint64(2), r0 + uint64(3), r0 + uint64(4)
    r5, r6, r7 = r0 + uint64(5), r0 + uint64(6), r0 + uint64(7)
    for v in range(uint64(word.shape[0])):
        x0, x1, x2, x3 = uint64(rows[r0, v]), uint64(rows[r1, v]), uint64(rows[r2, v]), uint64(rows[r3, v])
        x4, x5, x6, x7 = uint64(rows[r4, v]), uint64(rows[r5, v]), uint64(rows[r6, v]), uint64(rows[r7, v])
        low = x0 | (x1 << uint64(8)) | (x2 << uint64(16)) | (x3 << uint64(24))
        high = x4 | (x5 << uint64(8)) | (x6 << uint64(16)) | (x7 << uint64(24))
        word[v] = low | (high << uint64(32))


@loop
def load_rows(rows, a, n, largest, words, tile, word):
    """tile[v, i] = rows[a + i, v] for i < n, eight rows at a time into bytes; whether all codes are in range."""
    n_vars = word.shape[0]
    cells = rows.reshape(-1)
    seen = uint64(0)
    full = 0
    if tile.itemsize == 1:
        full = n & ~7
        for i in range(0, full, 8):
            seen |= _all_bits(cells, (a + i) * n_vars, (a + i + 8) * n_vars)
            _pack_rows(rows, a + i, word)
            for v in range(n_vars):
                words[v, i >> 3] = word[v]
    for i in range(full, n):
        for v in range(n_vars):
            x = uint64(rows[a + i, v])
            seen |= x
            tile[v, i] = x
    return (seen >> uint64(8 * tile.itemsize)) == 0 and columns_in_range(tile, 0, n, largest)


@kernel
def columns_from_rows_cpu(row_begin, row_end, largest, rows, out):
    """out[v, i] = rows[i, v], checked and narrowed; returns -1 or the first row of a tile with a bad code."""
    n_vars = largest.shape[0]
    size = tile_rows(n_vars)
    words = np.empty((n_vars, (size * out.itemsize) // 8 + PADDING), np.uint64)
    tile = words.view(out.dtype)
    word = np.empty(n_vars, np.uint64)
    for a in range(row_begin, row_end, size):
        n = min(size, row_end - a)
        if not load_rows(rows, a, n, largest, words, tile, word):
            return a
        for v in range(n_vars):
            _copy(out[v, a : a + n], tile[v], n)
    return -1


@kernel
def narrow_columns_cpu(row_begin, row_end, largest, columns, out):
    """out[v, i] = columns[v, row_begin + i], checked; returns -1 or the first row of a tile with a bad code."""
    for a in range(row_begin, row_end, TILE):
        n = min(TILE, row_end - a)
        seen = uint64(0)
        for v in range(columns.shape[0]):
            wide, own = columns[v, a : a + n], out[v, a - row_begin : a - row_begin + n]
            for i in range(n):
                seen |= wide[i]
                own[i] = wide[i]
        if (seen >> uint64(8 * out.itemsize)) != 0 or not columns_in_range(out, a - row_begin, n, largest):
            return a
    return -1


@kernel
def relabel_cpu(values, table, out):
    """out[i] = table[values[i]] for bytes, or values[i] if the table is empty; returns the largest value.

    Tables are short: one compare and select per entry and vector. Values beyond the table give 0.
    """
    largest = uint8(0)
    for a in range(0, values.shape[0], TILE):
        part = values[a : a + TILE]
        own = out[a : a + TILE]
        for i in range(part.shape[0]):
            largest = max(largest, part[i])
        for i in range(part.shape[0]):
            own[i] = part[i] if table.shape[0] == 0 else uint8(0)
        for k in range(table.shape[0]):
            label, code = uint8(k), table[k]
            for i in range(part.shape[0]):
                own[i] = code if part[i] == label else own[i]
    return largest
