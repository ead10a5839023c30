"""Arrays of anybody's on a GPU as columns of codes or reals: narrowed, turned and checked in one pass.

Rows go through a tile in shared memory, so that what is read lies side by side and what is written, too. The limiter
is memory: a cell is read once in its own type and written once in the network's, for ALARM in bytes 74 bytes a row, on
an H100 (3.0 TB/s) 0.025 ns; about 12 instructions a cell are as long there, and longer on a T4 than its 0.25 ns.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import cuda, int64

__all__ = [
    "NOTHING_FOUND",
    "CellPlan",
    "check_columns_cuda",
    "fill_cuda",
    "load_columns_cuda",
    "load_rows_cuda",
    "relabel_cuda",
    "reset_flags_cuda",
]

device: Any = cuda.jit(device=True)
NOTHING_FOUND = 2**63 - 1  # in a flag
TILE_ROWS, TILE_CELLS = 64, 32
TILE = TILE_CELLS, TILE_ROWS + 1  # one more, so that the cells of a row do not all lie in one bank


class CellPlan(NamedTuple):
    """Cells that are loaded together, and what they may hold; arrays (n_cells,).

    Flags have ``row * width + first + v`` of the first cell that is bad, and of the first that is missing.
    """

    first: int  # number of the first of them among all cells of a row
    width: int  # how many cells a row has
    column: Any  # int32: where each is in a row of the source
    n_states: Any  # int32: how many codes it has; 0: a finite real number
    has_minus_one: Any  # uint8: whether -1 may be a state, and hence is not taken for a missing value


@device
def _is_fine(value, n_states):
    """Whether a number is one of the codes, or for reals finite."""
    if n_states == 0:
        return -math.inf < value and value < math.inf
    return value >= 0 and value < n_states and value == int64(value)


@device
def _is_missing(plan, v, value, marker):
    """Whether a number that is not fine stands for no value: NaN, or the marker of its type."""
    wide = value + 0.0  # float64: numba compares halves by a function that only NVIDIA's linker finds
    if wide != wide:
        return True
    return plan.n_states[v] > 0 and value == marker and (value >= 0 or plan.has_minus_one[v] == 0)


@device
def _noted(found, plan, v, i, value, marker):
    """The smallest numbers of cells, of a bad and of a missing one, with that of a number which is not fine."""
    bad, missing = found
    number = int64(i) * plan.width + plan.first + v
    if _is_missing(plan, v, value, marker):
        return bad, min(missing, number)
    return min(bad, number), missing


@device
def _report(found, flags):
    """The least of all threads of a block goes into the flags."""
    lowest = cuda.shared.array(2, int64)
    t = cuda.threadIdx.x
    if t < 2:
        lowest[t] = NOTHING_FOUND
    cuda.syncthreads()
    for k in range(2):
        if found[k] < NOTHING_FOUND:
            cuda.atomic.min(lowest, k, found[k])
    cuda.syncthreads()
    if t < 2 and lowest[t] < NOTHING_FOUND:
        cuda.atomic.min(flags, t, lowest[t])


@cuda.jit
def reset_flags_cuda(flags):
    """flags[:] = nothing found."""
    for k in range(cuda.grid(1), flags.shape[0], cuda.gridsize(1)):
        flags[k] = NOTHING_FOUND


@cuda.jit
def check_columns_cuda(plan, marker, rows, flags):
    """Flags of what is no code or real in ``rows`` (n, any), where neighbours of a column lie side by side."""
    found = int64(NOTHING_FOUND), int64(NOTHING_FOUND)
    for i in range(cuda.grid(1), rows.shape[0], cuda.gridsize(1)):
        for v in range(plan.column.shape[0]):
            value = rows[i, plan.column[v]]
            if not _is_fine(value, plan.n_states[v]):
                found = _noted(found, plan, v, i, value, marker)
    _report(found, flags)


@cuda.jit
def load_columns_cuda(plan, marker, absent, rows, columns, flags):
    """columns[v, i] = rows[i, column[v]], or ``absent`` where that is missing or bad, with flags of it."""
    found = int64(NOTHING_FOUND), int64(NOTHING_FOUND)
    for i in range(cuda.grid(1), rows.shape[0], cuda.gridsize(1)):
        for v in range(plan.column.shape[0]):
            value = rows[i, plan.column[v]]
            if _is_fine(value, plan.n_states[v]):
                columns[v, i] = value
            else:
                columns[v, i] = absent
                found = _noted(found, plan, v, i, value, marker)
    _report(found, flags)


@device
def _tile(number, n, n_cells):
    """First row, first cell, height and width of a tile: as few tiles beside each other as there must be, all alike."""
    across = (n_cells + TILE_CELLS - 1) // TILE_CELLS
    width = (n_cells + across - 1) // across
    first_row, first_cell = (number // across) * TILE_ROWS, (number % across) * width
    return first_row, first_cell, min(TILE_ROWS, n - first_row), min(width, n_cells - first_cell)


@cuda.jit
def load_rows_cuda(plan, marker, absent, rows, columns, flags):
    """As ``load_columns_cuda``, for rows whose cells lie side by side: through a tile in shared memory."""
    tile = cuda.shared.array(TILE, columns.dtype)
    found = int64(NOTHING_FOUND), int64(NOTHING_FOUND)
    n, n_cells, thread, n_threads = rows.shape[0], plan.column.shape[0], cuda.threadIdx.x, cuda.blockDim.x
    n_tiles = ((n + TILE_ROWS - 1) // TILE_ROWS) * ((n_cells + TILE_CELLS - 1) // TILE_CELLS)
    for number in range(cuda.blockIdx.x, n_tiles, cuda.gridDim.x):
        first_row, first_cell, height, width = _tile(number, n, n_cells)
        for k in range(thread, height * width, n_threads):
            i, v = k // width, k % width
            value = rows[first_row + i, plan.column[first_cell + v]]
            if _is_fine(value, plan.n_states[first_cell + v]):
                tile[v, i] = value
            else:
                tile[v, i] = absent
                found = _noted(found, plan, first_cell + v, first_row + i, value, marker)
        cuda.syncthreads()
        for k in range(thread, TILE_ROWS * width, n_threads):
            v, i = k // TILE_ROWS, k % TILE_ROWS
            if i < height:
                columns[first_cell + v, first_row + i] = tile[v, i]
        cuda.syncthreads()
    _report(found, flags)


@cuda.jit
def relabel_cuda(plan, table, columns, flags):
    """columns[v, i] = table[columns[v, i]], where that is no negative number; flags of where it is."""
    found = int64(NOTHING_FOUND), int64(NOTHING_FOUND)
    for i in range(cuda.grid(1), columns.shape[1], cuda.gridsize(1)):
        for v in range(columns.shape[0]):
            code = int64(columns[v, i])
            if code < table.shape[0]:
                own = table[code]
                if own >= 0:
                    columns[v, i] = own
                else:
                    found = min(found[0], int64(i) * plan.width + plan.first + v), found[1]
    _report(found, flags)


@cuda.jit
def fill_cuda(value, columns):
    """columns[:, :] = value."""
    for i in range(cuda.grid(1), columns.shape[1], cuda.gridsize(1)):
        for v in range(columns.shape[0]):
            columns[v, i] = value
