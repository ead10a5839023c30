"""A network on a GPU: its engines there in topological order, and rows through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..data.cuda_blocks import CudaBlock
from ..data.schema import Values
from ..runtime.cuda_launch import launch_on
from ..runtime.cuda_queue import CudaQueue
from ..runtime.lazy import cached_property
from .base import Engine
from .cuda_engine import CudaEngine
from .hybrid import PACKAGE, Program, engine_of

# Which engine has which on a GPU; imported when a network first has one there.
CUDA_HOMES = {
    "FunctionEngine": ("functions.cuda_run", "CudaFunctions"),
    "GaussianEngine": ("gaussian.cuda_run", "CudaGaussians"),
    "LogisticEngine": ("logistic.cuda_run", "CudaLogistic"),
    "MultivariateEngine": ("multivariate.cuda_run", "CudaVectors"),
    "NeuralEngine": ("torch.cuda_neural", "CudaNeural"),
    "RootEngine": ("roots.cuda_run", "CudaRoots"),
    "TableEngine": ("tables.cuda_run", "CudaTables"),
}


def cuda_engine(engine: Engine, conditionals: Mapping[str, Conditional]) -> CudaEngine[Any]:
    """An engine's twin. TypeError, which names one of its variables, where there is none."""
    name = type(engine).__name__
    if name not in CUDA_HOMES:
        own = next(variable for variable, own in conditionals.items() if engine_of(own) is type(engine))
        kind = type(conditionals[own]).__name__
        raise TypeError(
            f"{own!r} has no loops for GPUs, as any {kind}: use the CPU, with device='cpu' or copies of the arrays"
        )
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
        return tuple(cuda_engine(engine, self.program.conditionals) for engine in self.program.scoring)

    @cached_property
    def segments(self) -> tuple[CudaEngine[Any], ...]:
        """Engines in an order in which each finds the parents of its members drawn."""
        if len(self.scoring) == 1:
            return self.scoring
        return tuple(cuda_engine(segment.engine, self.program.conditionals) for segment in self.program.segments)

    def sample(
        self, queue: CudaQueue, n: int, key: int, start: int, dtype: npt.DTypeLike, empty: Callable[..., Any]
    ) -> Values:
        """Rows ``start`` to ``start + n`` of the stream of a key, in memory that ``empty(shape, dtype)`` gives."""
        schema = self.program.schema
        values = Values(empty((schema.n_codes, n), schema.code_dtype), empty((schema.n_reals, n), np.dtype(dtype)))
        self.draw(queue, key, start, values)
        return values

    def draw(self, queue: CudaQueue, key: int, start: int, values: Values) -> None:
        """The same rows into blocks, in which the columns of what is known are filled."""
        for engine in self.segments:
            engine.sample(queue, key, start, values)

    def log_prob(self, queue: CudaQueue, block: CudaBlock, out: Any, empty: Callable[..., Any]) -> None:
        """out (n,) = log p of every row, in nats."""
        first, *others = self.scoring
        first.log_prob(queue, block.part, out)
        if others:
            self._add(others, queue, block, empty((block.n,), np.float64), out)

    def _add(self, engines: Sequence[CudaEngine[Any]], queue: CudaQueue, block: CudaBlock, term: Any, out: Any) -> None:
        """out += the terms of engines, which ``term`` (n,) takes one by one."""
        from .program_loops_cuda import LOOPS

        for engine in engines:
            engine.log_prob(queue, block.part, term)
            launch_on(queue, LOOPS["add", "cuda"], block.n, term, out)

    def log_prob_per_variable(self, queue: CudaQueue, block: CudaBlock, empty: Callable[..., Any]) -> Any:
        """Its terms (n_vars, n)."""
        out = empty((len(self.program.schema.names), block.n), np.float64)
        for engine in self.scoring:
            engine.log_prob_per_variable(queue, block.part, out)
        return out
