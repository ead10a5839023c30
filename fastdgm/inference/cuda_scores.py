"""How likely rows on a GPU are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..data.cuda_blocks import CudaBlock
from ..data.cuda_memory import CudaMemory
from ..data.cuda_reader import CudaReader
from ..data.placement import Placement
from ..engines.cuda_program import CudaProgram
from ..engines.program_loops_cuda import LOOPS
from ..runtime.cuda_launch import launch_on
from ..runtime.memory import SMALL


def log_prob(program: CudaProgram, placement: Placement, data: Any, log_evidence: Callable[[CudaBlock], Any]) -> Any:
    """log p of rows (n,), nats, by ``log_evidence`` where values are missing.

    Rows that have to be copied into columns are, some at a time where not all fit.
    """
    reader = CudaReader(data, program.program.schema, placement.cuda, placement.empty)
    placement.check_room(8 * reader.n, f"log_prob of {reader.n} rows")
    out = placement.empty((reader.n,), np.float64)
    for begin, end in pieces(placement, reader.n, reader.bytes_per_row + 8 * (len(program.scoring) > 1)):
        block = reader.read(begin, end)
        is_whole = (begin, end) == (0, reader.n)
        own = out if is_whole else CudaMemory.of(out).rows(begin, end).array()
        if not block.has_missing:
            program.log_prob(placement.cuda, block, own, placement.empty)
        elif is_whole:
            return placement.give_back(log_evidence(block))
        else:
            launch_on(placement.cuda, LOOPS["clear", "cuda"], end - begin, own)
            launch_on(placement.cuda, LOOPS["add", "cuda"], end - begin, log_evidence(block), own)
    return placement.give_back(out)


def log_prob_per_variable(program: CudaProgram, placement: Placement, data: Any) -> Any:
    """Its terms (n, n_vars), a view of columns; of complete rows, as on the CPU."""
    schema = program.program.schema
    reader = CudaReader(data, schema, placement.cuda, placement.empty)
    reader.refuse_absent()
    n_bytes = (8 * len(schema.names) + reader.bytes_per_row) * reader.n
    placement.check_room(n_bytes, f"log_prob of {reader.n} rows per variable")
    block = reader.read(0, reader.n)
    block.refuse_missing("per_variable=True")
    out = program.log_prob_per_variable(placement.cuda, block, placement.empty)
    return placement.give_back(CudaMemory.of(out).transposed.array())


def pieces(placement: Placement, n: int, bytes_per_row: int) -> Iterator[tuple[int, int]]:
    """Ranges of ``n`` rows that take so much memory each: one where all fit, else of half of what is free.

    ValueError where a single row does not fit.
    """
    size = n
    if n * bytes_per_row > SMALL:
        free = placement.free_bytes()
        if free is not None and n * bytes_per_row > free:
            placement.check_room(2 * bytes_per_row + SMALL, "a piece of the rows")
            size = free // 2 // bytes_per_row
    return ((begin, min(begin + size, n)) for begin in range(0, n, max(size, 1)))
