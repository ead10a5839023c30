"""A network on a GPU: its engines there in topological order, and rows through them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.cuda_blocks import CudaBlock
from ..data.schema import Values
from ..runtime.cuda_queue import CudaQueue
from ..runtime.lazy import cached_property
from .base import Engine
from .cuda_engine import CudaEngine
from .hybrid import PACKAGE, Program

# Which engine has which on a GPU; imported when a network first has one there.
CUDA_HOMES = {
    "TableEngine": ("tables.cuda_run", "CudaTables"),
}


def cuda_engine(engine: Engine) -> CudaEngine[Any]:
    """An engine's twin. TypeError where there is none."""
    name = type(engine).__name__
    if name not in CUDA_HOMES:
        raise TypeError(f"{name} has no loops for GPUs: use the CPU, with device='cpu'")
    module, twin = CUDA_HOMES[name]
    found: CudaEngine[Any] = getattr(import_module(f"{PACKAGE}.engines.{module}"), twin)(engine)
    return found


class CudaProgram:
    """The program of a network on one card."""

    def __init__(self, program: Program) -> None:
        self.program = program

    @cached_property
    def scoring(self) -> tuple[CudaEngine[Any], ...]:
        """One engine for each kind."""
        return tuple(map(cuda_engine, self.program.scoring))

    @cached_property
    def segments(self) -> tuple[CudaEngine[Any], ...]:
        """Engines in an order in which each finds the parents of its members drawn."""
        if len(self.scoring) == 1:
            return self.scoring
        return tuple(cuda_engine(segment.engine) for segment in self.program.segments)

    def sample(
        self, queue: CudaQueue, n: int, key: int, start: int, dtype: npt.DTypeLike, empty: Callable[..., Any]
    ) -> Values:
        """Rows ``start`` to ``start + n`` of the stream of a key, in memory that ``empty(shape, dtype)`` gives."""
        schema = self.program.schema
        values = Values(empty((schema.n_codes, n), schema.code_dtype), empty((schema.n_reals, n), np.dtype(dtype)))
        for engine in self.segments:
            engine.sample(queue, key, start, values)
        return values

    def log_prob(self, queue: CudaQueue, block: CudaBlock, empty: Callable[..., Any]) -> Any:
        """log p of every row (n,), in nats."""
        first, *others = self.scoring
        out = empty((block.n,), np.float64)
        first.log_prob(queue, block.part, out)
        if others:
            raise NotImplementedError
        return out
