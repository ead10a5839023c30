"""The engine of conditional probability tables on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...data.cuda_blocks import CudaPart
from ...data.schema import Values
from ...kernels.junction_cuda import CudaAnswers
from ...runtime.cuda_launch import launch_on
from ...runtime.cuda_queue import CudaQueue
from ..cuda_engine import CudaEngine
from .cuda_plan import PackedTables, packed_sampling, packed_scoring
from .loops_cuda import LOOPS, launch_rows
from .run import TableEngine


class CudaTables(CudaEngine[TableEngine]):
    """Conditional probability tables, fused into the clusters of the CPU: the same rows and numbers, bit for bit."""

    def __init__(self, engine: TableEngine) -> None:
        super().__init__(engine)
        self._sampling: PackedTables | None = None
        self._scoring: PackedTables | None = None
        self._scoring_per_variable: PackedTables | None = None
        self._scoring_of_states: dict[int, PackedTables] = {}

    def sample(self, queue: CudaQueue, key: int, start: int, values: Values) -> None:
        """Draw the clusters in order."""
        if self._sampling is None:
            self._sampling = queue.plan_to_device(packed_sampling(self.engine.plans.sampling))
        plan, codes = self._sampling, values.codes
        numbers = np.uint64(key), np.uint64(start % 2**64)
        launch_rows(queue, "sample", codes.shape[1], plan.shared_bytes, *numbers, plan.words, plan.cells, codes)

    def log_prob(self, queue: CudaQueue, part: CudaPart, out: Any) -> None:
        """By fused tables."""
        if self._scoring is None:
            plans = self.engine.plans
            self._scoring = queue.plan_to_device(packed_scoring(plans.scoring, plans.largest))
        _score(queue, "log_prob columns", self._scoring, part, out)

    def log_prob_per_variable(self, queue: CudaQueue, part: CudaPart, out: Any) -> None:
        """By one table for each member."""
        if self._scoring_per_variable is None:
            plans = self.engine.plans
            packed = packed_scoring(plans.scoring_per_variable, plans.largest, rows=self.engine.numbers)
            self._scoring_per_variable = queue.plan_to_device(packed)
        _score(queue, "log_prob per variable", self._scoring_per_variable, part, out)

    def log_prob_of_states(self, queue: CudaQueue, part: CudaPart, row: int, out: Any) -> None:
        """out[k, i] (n_states, n) = log p of the members in row i with the variable of a row of codes in state k, nats.

        What the block holds of that variable is not read.
        """
        plan = self._scoring_of_states.get(row)
        if plan is None:
            plans = self.engine.plans
            own = plans.scoring_of_states(row)
            packed = packed_scoring(own, plans.largest, n_tables=plans.n_states[row])
            plan = self._scoring_of_states[row] = queue.plan_to_device(packed)
        _score(queue, "log_prob of states", plan, part, out)

    def posterior(self, queue: CudaQueue, part: CudaPart, row: int, terms: Any, answers: CudaAnswers) -> None:
        """P(variable of a row of codes = k | the others) as ``CudaDense.posterior``, but ``answers.log_p``.

        ``terms`` (n_states, n) is room for log p under every state.
        """
        self.log_prob_of_states(queue, part, row, terms)
        twin = LOOPS["posterior of states", "cuda"]
        launch_on(queue, twin, part.codes.shape[1], terms, answers.cells, answers.status)


def _score(queue: CudaQueue, verb: str, plan: PackedTables, part: CudaPart, out: Any) -> None:
    launch_rows(queue, verb, part.codes.shape[1], plan.shared_bytes, plan.words, plan.cells, part.codes, out)
