"""Weighted sums of parents' columns, tile by tile: z = bias + sum_j weight_j x_j; a variable has one of them or more.

A parent with two states enters as its code, 0 or 1; one with more by a look-up of its state's weight, that of state 0
being 0; a real one as it is. Sums are added in one fixed order by products and sums that are rounded one by one, so a
row gives the same bits in any tile, batch and number of threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint64

from .jit import loop, wide_vectors

__all__ = ["Runs", "WeightedSums", "add_sums"]


class Runs(NamedTuple):
    """Rows of a block that hold the parents of one kind: member m has row[start[m]], ..., row[start[m + 1] - 1]."""

    start: np.ndarray  # uint32 (members + 1)
    row: np.ndarray  # uint32


class WeightedSums(NamedTuple):
    """Members and their sums; ``weights``, ``tables`` and ``bias`` are of the float type that sums are taken in."""

    binary: Runs  # rows of codes, of parents with two states
    many: Runs  # rows of codes, of parents with more
    n_states: np.ndarray  # uint32: of each parent in ``many``
    table_start: np.ndarray  # uint64: of each parent in ``many``; its table is (sums, states)
    tables: np.ndarray
    real: Runs  # rows of reals
    weight_start: np.ndarray  # uint64 (members + 1): each member's (sums, binary parents + real rows)
    weights: np.ndarray
    sum_start: np.ndarray  # uint32 (members + 1): run of sums of each member
    bias: np.ndarray  # of each sum


@loop
def _add_one(z, weight, column):
    wide_vectors()
    for i in range(z.shape[0]):
        z[i] += weight * z.dtype.type(column[i])


@loop
def _add_four(z, weights, first, second, third, fourth):
    """Four columns, one after the other: a fourth of the loads and stores of z."""
    wide_vectors()
    kind = z.dtype.type
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    for i in range(z.shape[0]):
        y = z[i] + w0 * kind(first[i])
        y += w1 * kind(second[i])
        y += w2 * kind(third[i])
        z[i] = y + w3 * kind(fourth[i])


@loop
def _add_columns(z, weights, rows, block, a):
    """z += sum_j weights_j * block[rows_j, a : a + n]"""
    n, full = z.shape[0], weights.shape[0] & ~3
    for j in range(0, full, 4):
        first, second = block[rows[j], a : a + n], block[rows[j + 1], a : a + n]
        third, fourth = block[rows[j + 2], a : a + n], block[rows[j + 3], a : a + n]
        _add_four(z, weights[j : j + 4], first, second, third, fourth)
    for j in range(full, weights.shape[0]):
        _add_one(z, weights[j], block[rows[j], a : a + n])


@loop
def _add_looked_up(z, table, codes):
    """z += table[codes]; a code that another thread has changed meanwhile is the last one."""
    last = uint64(table.shape[0] - 1)
    for i in range(z.shape[0]):
        z[i] += table[min(uint64(codes[i]), last)]


@loop
def add_sums(sums, m, codes, reals, a, z):
    """z[k, i] = sum k of member m in row a + i, for all of z (sums of the member, n)."""
    binary, real = sums.binary, sums.real
    n_binary = np.int64(binary.start[m + 1]) - np.int64(binary.start[m])
    width = n_binary + np.int64(real.start[m + 1]) - np.int64(real.start[m])
    for k in range(z.shape[0]):
        own = z[k]
        own[:] = sums.bias[sums.sum_start[m] + k]
        first = np.int64(sums.weight_start[m]) + k * width
        weights = sums.weights[first : first + width]
        _add_columns(own, weights[:n_binary], binary.row[binary.start[m] : binary.start[m + 1]], codes, a)
        for j in range(sums.many.start[m], sums.many.start[m + 1]):
            size = np.int64(sums.n_states[j])
            begin = np.int64(sums.table_start[j]) + k * size
            _add_looked_up(own, sums.tables[begin : begin + size], codes[sums.many.row[j], a : a + own.shape[0]])
        _add_columns(own, weights[n_binary:], real.row[real.start[m] : real.start[m + 1]], reals, a)
