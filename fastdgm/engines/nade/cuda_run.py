"""Rows through the twins of a NADE on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.nade import NADEPlan
from ...kernels.outputs import Draws, Scores
from ...runtime.cuda_launch import launch_on
from ...runtime.cuda_queue import CudaQueue
from ..cuda_rows import CudaDrawn, CudaRows, Empty
from ..draw import Draw
from .cuda_plan import cuda_plan_of, team_twin
from .run import request_of

Array = npt.NDArray[Any]


class CudaNADERows(CudaRows):
    """A NADE on one card."""

    def __init__(self, parameters: dict[str, Array], activation: str, order: Array) -> None:
        self._plan = cuda_plan_of(parameters, activation, order)
        self._there: NADEPlan | None = None

    def log_prob(self, queue: CudaQueue, x: Any, context: Any, per_variable: bool, empty: Empty) -> Any:
        """A team for every few rows."""
        n, n_vars, dtype = x.shape[0], self._plan.order.size, self._plan.c.dtype
        terms = empty((n if per_variable else 0, n_vars), np.float64)
        scores = Scores(empty((n,), np.float64), terms, empty((0, 0), dtype))
        self._launch(queue, "log_prob", n, x, scores)
        return scores.terms if per_variable else scores.log_prob

    def sample(self, queue: CudaQueue, draw: Draw, empty: Empty) -> CudaDrawn:
        """The same."""
        n, n_vars, dtype = draw.n, self._plan.order.size, self._plan.c.dtype
        scored = n if draw.return_log_prob else 0
        draws = Draws(
            empty((n, n_vars), np.uint8),
            empty((scored,), np.float64),
            empty((scored,), np.float64),
            empty((n,), np.bool_),
            empty((0, 0), dtype),
        )
        prefix = empty((1, 0), np.uint8) if draw.prefix is None else draw.prefix
        uniforms = empty((0, n_vars), np.float64) if draw.uniforms is None else draw.uniforms
        self._launch(queue, "sample", n, request_of(draw, dtype, prefix, uniforms), draws)
        if not draw.return_log_prob:
            return CudaDrawn(draws.values, undefined=draws.undefined)
        sampling = draws.sampling_log_prob if draw.truncated else None
        return CudaDrawn(draws.values, draws.log_prob, sampling, draws.undefined)

    def _launch(self, queue: CudaQueue, verb: str, n: int, *arguments: Any) -> None:
        if self._there is None:
            self._there = queue.plan_to_device(self._plan)
        launch_on(queue, team_twin(verb, self._plan), n, self._there, *arguments)
