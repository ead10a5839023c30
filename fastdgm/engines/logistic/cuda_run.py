"""The engine of logistic, softmax and noisy-or conditionals on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...data.cuda_blocks import CudaPart
from ...data.schema import Values
from ...kernels.four_rows_cuda import ROWS
from ...runtime.cuda_launch import launch_on
from ...runtime.cuda_queue import CudaQueue
from ..cuda_engine import CudaEngine
from ..program_loops_cuda import LOOPS as TERMS
from .cuda_plan import packed
from .loops_cuda import LOOPS
from .run import LogisticEngine


class CudaLogistic(CudaEngine[LogisticEngine]):
    """Discrete variables by weighted sums of their parents.

    Where a sum leaves the range of its type, the CPU refuses the row; here it is drawn the last state, and its
    log-probability is NaN.
    """

    def __init__(self, engine: LogisticEngine) -> None:
        super().__init__(engine)
        self._plans: dict[tuple[str, np.dtype[Any]], list[Any]] = {}

    def sample(self, queue: CudaQueue, key: int, start: int, values: Values) -> None:
        """Draw the members in order."""
        words = np.uint64(key), np.uint64(start % 2**64)
        for plan in self._planned(queue, "sample", values.reals.dtype):
            launch_on(queue, LOOPS["sample", "cuda"], values.codes.shape[1], *words, plan, *values)

    def log_prob(self, queue: CudaQueue, part: CudaPart, out: Any) -> None:
        """The sum of the members' terms."""
        n = out.shape[0]
        first, *others = self._planned(queue, "score", part.reals.dtype)
        launch_on(queue, LOOPS["log_prob", "cuda"], _threads(n), first, *part, out)
        for plan in others:  # at most one: sums of another float type
            term = queue.empty((n,), np.float64)
            launch_on(queue, LOOPS["log_prob", "cuda"], _threads(n), plan, *part, term)
            launch_on(queue, TERMS["add", "cuda"], n, term, out)

    def log_prob_per_variable(self, queue: CudaQueue, part: CudaPart, out: Any) -> None:
        """Their terms."""
        for plan in self._planned(queue, "score", part.reals.dtype):
            launch_on(queue, LOOPS["log_prob per variable", "cuda"], _threads(out.shape[1]), plan, *part, out)

    def _planned(self, queue: CudaQueue, verb: str, dtype: Any) -> list[Any]:
        key = verb, np.dtype(dtype)
        if key not in self._plans:
            self._plans[key] = [queue.plan_to_device(packed(plan)) for plan in self.engine.plans(*key)]
        return self._plans[key]


def _threads(n: int) -> int:
    """To score n rows."""
    return -(-n // int(ROWS))
