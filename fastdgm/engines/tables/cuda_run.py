"""The engine of conditional probability tables on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...data.cuda_blocks import CudaPart
from ...data.schema import Values
from ...kernels.cpt import SamplingPlan, ScoringPlan
from ...runtime.cuda_queue import CudaQueue
from ..cuda_engine import CudaEngine
from ..launch import launch_on
from .loops_cuda import LOOPS
from .run import TableEngine


class CudaTables(CudaEngine[TableEngine]):
    """Conditional probability tables, fused into the clusters of the CPU: the same rows, bit for bit."""

    _sampling: SamplingPlan | None = None
    _scoring: tuple[ScoringPlan, Any] | None = None

    def sample(self, queue: CudaQueue, key: int, start: int, values: Values) -> None:
        """Draw the clusters in order."""
        if self._sampling is None:
            self._sampling = queue.plan_to_device(self.engine.plans.sampling)
        words = np.uint64(key), np.uint64(start % 2**64)
        launch_on(queue, LOOPS["sample", "cuda"], values.codes.shape[1], *words, self._sampling, values.codes)

    def log_prob(self, queue: CudaQueue, part: CudaPart, out: Any) -> None:
        """By fused tables."""
        if self._scoring is None:
            plans = self.engine.plans
            self._scoring = queue.plan_to_device(plans.scoring), queue.to_device(plans.largest)
        launch_on(queue, LOOPS["log_prob columns", "cuda"], out.shape[0], *self._scoring, part.codes, out)

    def log_prob_per_variable(self, queue: CudaQueue, part: CudaPart, out: Any) -> None:
        """By one table for each member."""
        raise NotImplementedError
