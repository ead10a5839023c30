"""The engine of normal vectors on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...data.cuda_blocks import CudaPart
from ...data.schema import Values
from ...kernels.multivariate import Vector
from ...runtime.cuda_launch import launch_on
from ...runtime.cuda_queue import CudaQueue
from ..cuda_engine import CudaEngine
from ..program_loops_cuda import LOOPS as TERMS
from .loops_cuda import LOOPS
from .run import MultivariateEngine


class CudaVectors(CudaEngine[MultivariateEngine]):
    """Normal vectors, each by a triangular matrix for every configuration of its parents."""

    def __init__(self, engine: MultivariateEngine) -> None:
        super().__init__(engine)
        self._drawing: dict[np.dtype[Any], list[Vector]] = {}
        self._scoring: dict[np.dtype[Any], list[Vector]] = {}

    def sample(self, queue: CudaQueue, key: int, start: int, values: Values) -> None:
        """Draw vector after vector."""
        kind, words = np.dtype(values.reals.dtype), (np.uint64(key), np.uint64(start % 2**64))
        if kind not in self._drawing:
            self._drawing[kind] = _uploaded(queue, self.engine.drawing(kind))
        for vector in self._drawing[kind]:
            launch_on(queue, LOOPS["sample", "cuda"], values.reals.shape[1], *words, vector, *values)

    def log_prob(self, queue: CudaQueue, part: CudaPart, out: Any) -> None:
        """The sum over the vectors."""
        launch_on(queue, TERMS["clear", "cuda"], out.shape[0], out)
        for vector in self._scored(queue, part):
            launch_on(queue, LOOPS["log_prob", "cuda"], out.shape[0], vector, *part, out)

    def log_prob_per_variable(self, queue: CudaQueue, part: CudaPart, out: Any) -> None:
        """Vector after vector."""
        for v, vector in zip(self.engine.numbers, self._scored(queue, part), strict=True):
            launch_on(queue, TERMS["clear", "cuda"], out.shape[1], out[v])
            launch_on(queue, LOOPS["log_prob", "cuda"], out.shape[1], vector, *part, out[v])

    def _scored(self, queue: CudaQueue, part: CudaPart) -> list[Vector]:
        kind = np.dtype(part.reals.dtype)
        if kind not in self._scoring:
            self._scoring[kind] = _uploaded(queue, self.engine.scoring(kind))
        return self._scoring[kind]


def _uploaded(queue: CudaQueue, vectors: Sequence[Vector]) -> list[Vector]:
    return [queue.plan_to_device(vector) for vector in vectors]
