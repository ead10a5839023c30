"""Features of torch modules: blocks of columns as rows of floats, codes one-hot, or as the numbers that they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint64

from .jit import kernel, loop

__all__ = ["Features", "features_cpu", "hot_column"]

ROWS = 32  # of a tile, which stays in the second cache level


class Features(NamedTuple):
    """Which rows of the blocks become which columns of the features."""

    code_row: np.ndarray  # uint32: of the block of codes
    code_column: np.ndarray  # uint32: the first of its columns
    n_states: np.ndarray  # uint32: how many those are, 0 where the code itself is the feature
    real_row: np.ndarray  # uint32: of the block of reals
    real_column: np.ndarray  # uint32


@loop
def hot_column(first, n_states, code):
    """The column that a code sets; that of the last state where another thread has put in a code beyond it."""
    return uint64(first) + min(uint64(code), uint64(n_states) - uint64(1))


@kernel
def features_cpu(row_begin, row_end, plan, first, codes, reals, out):
    """out[i] (n, n_features) = the features of column ``first + i`` of the blocks."""
    one, zero = out.dtype.type(1), out.dtype.type(0)
    for a in range(uint64(row_begin), uint64(row_end), uint64(ROWS)):
        rows = range(a, min(a + uint64(ROWS), uint64(row_end)))
        for i in rows:
            for j in range(uint64(out.shape[1])):
                out[i, j] = zero
        for c in range(plan.code_row.shape[0]):
            own, column, k = codes[plan.code_row[c]], uint64(plan.code_column[c]), plan.n_states[c]
            for i in rows:
                code = own[uint64(first) + i]
                out[i, column if k == 0 else hot_column(column, k, code)] = out.dtype.type(code) if k == 0 else one
        for c in range(plan.real_row.shape[0]):
            numbers, column = reals[plan.real_row[c]], uint64(plan.real_column[c])
            for i in rows:
                out[i, column] = numbers[uint64(first) + i]
