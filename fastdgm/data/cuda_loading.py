"""The loader of data on a GPU: its plans, which are uploaded once, and its launches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ..kernels.tiles_cuda import (
    CellPlan,
    check_columns_cuda,
    fill_cuda,
    load_columns_cuda,
    load_rows_cuda,
    relabel_cuda,
    reset_flags_cuda,
)
from ..runtime.cuda_launch import Twin, launch_on
from ..runtime.cuda_queue import CudaQueue
from .cuda_memory import CudaMemory

Array = npt.NDArray[Any]
TILE_ROWS, TILE_CELLS, THREADS = 64, 32, 256

# By what they do, with the threads of a block.
LOOPS = {
    "reset flags": Twin(reset_flags_cuda, threads_per_block=32),
    "check columns": Twin(check_columns_cuda, threads_per_block=THREADS),
    "load columns": Twin(load_columns_cuda, threads_per_block=THREADS),
    "load rows": Twin(load_rows_cuda, threads_per_block=THREADS),
    "relabel": Twin(relabel_cuda, threads_per_block=THREADS),
    "fill": Twin(fill_cuda, threads_per_block=THREADS),
}


@lru_cache(maxsize=256)
def _arrays_on_card(device: int, columns: bytes, n_states: bytes, has_minus_one: bytes) -> tuple[Any, Any, Any]:
    """Of the plan of cells, uploaded once for networks that are alike; a few kilobytes each."""
    queue = CudaQueue(device)
    return (
        queue.to_device(np.frombuffer(columns, np.int32)),
        queue.to_device(np.frombuffer(n_states, np.int32)),
        queue.to_device(np.frombuffer(has_minus_one, np.uint8)),
    )


@lru_cache(maxsize=64)
def _table_on_card(device: int, codes: tuple[int, ...]) -> Any:
    return CudaQueue(device).to_device(np.array(codes, np.int32))


def cell_plan(
    queue: CudaQueue, first: int, width: int, columns: Array, n_states: Array, has_minus_one: Array
) -> CellPlan:
    """Which numbers are cells, and what they may be."""
    keys = columns.tobytes(), n_states.astype(np.int32).tobytes(), has_minus_one.astype(np.uint8).tobytes()
    return CellPlan(first, width, *_arrays_on_card(queue.device, *keys))


def new_flags(queue: CudaQueue) -> Any:
    """Flags that nothing is bad and nothing missing."""
    flags = queue.empty((2,), np.int64)
    launch_on(queue, LOOPS["reset flags"], 2, flags)
    return flags


def marker_of(dtype: np.dtype[Any]) -> Any:
    """What stands for a missing value in arrays of a type: -1, all ones, NaN."""
    if dtype.kind == "f":
        return np.float64(np.nan)
    return dtype.type(-1) if dtype.kind == "i" else dtype.type(np.iinfo(dtype).max)


def check(queue: CudaQueue, plan: CellPlan, rows: CudaMemory, flags: Any) -> None:
    """Flags for cells that are read where they are."""
    launch_on(queue, LOOPS["check columns"], len(rows), plan, marker_of(rows.dtype), rows.array(), flags)


def load(queue: CudaQueue, plan: CellPlan, absent: Any, rows: CudaMemory, columns: Any, flags: Any) -> None:
    """Cells of rows as columns."""
    arguments = plan, marker_of(rows.dtype), absent, rows.array(), columns, flags
    n, n_cells = len(rows), len(plan.column)
    if n_cells == 1 or rows.strides[0] < rows.strides[1]:
        launch_on(queue, LOOPS["load columns"], n, *arguments)
    else:
        n_tiles = -(-n // TILE_ROWS) * -(-n_cells // TILE_CELLS)
        launch_on(queue, LOOPS["load rows"], n_tiles * THREADS, *arguments)


def relabel(queue: CudaQueue, plan: CellPlan, codes: Sequence[int], columns: Any, flags: Any) -> None:
    """The same code for a label in all cells, negative for one that is no state."""
    table = _table_on_card(queue.device, tuple(codes))
    launch_on(queue, LOOPS["relabel"], columns.shape[1], plan, table, columns, flags)


def fill(queue: CudaQueue, value: Any, columns: Any) -> None:
    """One value for all cells."""
    launch_on(queue, LOOPS["fill"], columns.shape[1], value, columns)
