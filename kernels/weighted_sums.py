"""Weighted sums of parents' columns, tile by tile: z = bias + sum_j weight_j x_j; a variable has one of them or more.

Discrete parents are taken in groups: a group's joint states have a table of what all its parents add, so that eight
bits cost one look-up. Real parents enter as they are. Sums are added in one fixed order by products and sums that are
rounded one by one, so a row gives the same bits in any tile, batch and number of threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import types, uint64
from numba.extending import overload

from .jit import OPTIONS, loop, wide_vectors
from .tiles import joint_index
from .vectors import add_cells

__all__ = ["Groups", "WeightedSums", "add_sums"]


class Groups(NamedTuple):
    """Groups of discrete parents; arrays named ``*start`` have one entry more than there are members or groups."""

    start: np.ndarray  # uint32: run of groups of each member
    parent_start: np.ndarray  # uint32: run of parents of each group
    row: np.ndarray  # uint32: of the block of codes, of each parent
    stride: np.ndarray  # uint32: of each parent, in table cells
    table_start: np.ndarray  # uint64: of each group; its table is (sums of the member, cells)
    cells: np.ndarray  # uint32: of each group, at most 2**16
    tables: np.ndarray  # of the float type that sums are taken in


class WeightedSums(NamedTuple):
    """Members and their sums, of one float type."""

    groups: Groups
    real_start: np.ndarray  # uint32 (members + 1): run of real parents of each member
    real_row: np.ndarray  # uint32: of the block of reals
    weight_start: np.ndarray  # uint64 (members + 1): the weights of a member's real parents are (sums, real parents)
    weights: np.ndarray
    sum_start: np.ndarray  # uint32 (members + 1): run of sums of each member
    bias: np.ndarray  # of each sum


def _add_table(z, table, index):
    """z += table[index]; an index that another thread has changed meanwhile is that of the last cell."""
    z += table[np.minimum(index[: len(z)], len(table) - 1)]


def _add_wide(z, table, index):
    full, last = z.shape[0] & ~7, uint64(table.shape[0] - 1)
    for i in range(0, full, 8):
        add_cells(z, table, index, i)
    for i in range(full, z.shape[0]):
        z[i] += table[min(uint64(index[i]), last)]


def _add_narrow(z, table, index):
    last = uint64(table.shape[0] - 1)
    for i in range(z.shape[0]):
        z[i] += table[min(uint64(index[i]), last)]


@overload(_add_table, jit_options=OPTIONS)
def _choose_add_table(z, table, index):
    return _add_wide if z.dtype == types.float64 else _add_narrow


@loop
def _add_reals(z, weights, rows, reals, a):
    """z += sum_j weights_j * reals[rows_j, a : a + n]"""
    wide_vectors()
    n = z.shape[0]
    for j in range(weights.shape[0]):
        weight, column = weights[j], reals[rows[j], a : a + n]
        for i in range(n):
            z[i] += weight * z.dtype.type(column[i])


@loop
def add_sums(sums, m, codes, reals, a, index, z):
    """z[k, i] = sum k of member m in row a + i, for all of z (sums of the member, n); ``index`` is uint16 scratch."""
    groups, n = sums.groups, z.shape[1]
    for k in range(z.shape[0]):
        z[k] = sums.bias[sums.sum_start[m] + k]
    for g in range(groups.start[m], groups.start[m + 1]):
        own = slice(groups.parent_start[g], groups.parent_start[g + 1])
        joint_index(groups.row[own], groups.stride[own], codes, a, n, index)
        cells = np.int64(groups.cells[g])
        for k in range(z.shape[0]):
            first = np.int64(groups.table_start[g]) + k * cells
            _add_table(z[k], groups.tables[first : first + cells], index)
    rows = sums.real_row[sums.real_start[m] : sums.real_start[m + 1]]
    for k in range(z.shape[0]):
        first = np.int64(sums.weight_start[m]) + k * rows.shape[0]
        _add_reals(z[k], sums.weights[first : first + rows.shape[0]], rows, reals, a)
