"""Rows of both kinds of variables on a GPU as one array of floats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..runtime.cuda_queue import CudaQueue
from . import cuda_loading
from .cuda_memory import CudaMemory
from .mixed import cells_of
from .schema import Schema, Values

ONE = np.zeros(1, np.int32)


def rows_of_floats(blocks: Values, schema: Schema, queue: CudaQueue, empty: Callable[..., Any]) -> Any:
    """``(n_rows, n_cells)`` of float64, in the order of the variables, by column; what is no state is NaN."""
    n = int(blocks.codes.shape[1])
    memory, flags = (
        CudaMemory.of(empty((schema.n_codes + schema.n_reals, n), np.float64)),
        cuda_loading.new_flags(queue),
    )
    code_cells, real_cells = cells_of(schema)
    n_states = map(len, schema.cell_states.values())
    cells = [(blocks.codes, k, *own) for k, own in enumerate(zip(code_cells, n_states, strict=True))]
    cells += [(blocks.reals, k, cell, 0) for k, cell in enumerate(real_cells)]
    for block, k, cell, states in cells:
        source = CudaMemory.of(block).transposed.columns(k, k + 1)
        plan = cuda_loading.cell_plan(queue, 0, 1, ONE, np.array([states]), ONE)
        own = memory.rows(int(cell), int(cell) + 1).array()
        cuda_loading.load(queue, plan, np.float64(np.nan), source, own, flags)
    return memory.transposed.array()
