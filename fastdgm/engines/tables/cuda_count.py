"""Counting on a GPU: rows of codes there -> how often each joint state of a cluster occurs, copied here once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...runtime.cuda_launch import launch_on
from ...runtime.cuda_queue import CudaQueue
from ..program_loops_cuda import LOOPS
from .cuda_plan import packed_scoring
from .loops_cuda import launch_rows
from .plan import Structure

Array = npt.NDArray[Any]


def count_cells_on_card(structure: Structure, queue: CudaQueue, codes: Any, weights: Any) -> Array:
    """Counts by cell of ``structure.counting`` of columns of codes on the card; waits for it.

    int64, those of the CPU bit for bit; or float64 with ``weights`` (n,), sums of these in no order: exact where they
    are whole numbers below 2**53, else equal but for rounding.
    """
    cell_type, total_type = (np.uint32, np.uint64) if weights is None else (np.float64, np.float64)
    n_cells, bytes_per_cell = int(structure.counting.table_start[-1]), np.dtype(cell_type).itemsize
    packed = packed_scoring(structure.counting, structure.largest, bytes_per_cell=bytes_per_cell)
    words, counts = queue.to_device(packed.words), queue.empty((n_cells,), total_type)
    launch_on(queue, LOOPS["clear", "cuda"], n_cells, counts)
    verb, own_weights = ("count rows", ()) if weights is None else ("count", (weights,))
    launch_rows(queue, verb, codes.shape[1], packed.shared_bytes, words, codes, *own_weights, counts)
    found = queue.to_host(counts)
    return found.astype(np.int64) if weights is None else found
