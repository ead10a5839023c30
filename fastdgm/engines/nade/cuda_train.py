"""Gradients of a NADE on a GPU, and its training there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.activations import RELU, SIGMOID
from ...kernels.nade import NADEPlan
from ...kernels.nade_gradient_cuda import ROWS
from ...runtime.cuda_queue import CudaQueue
from ..launch import launch_on
from .cuda_plan import check_hidden, cuda_units, team_twin
from .loops_cuda import LOOPS
from .plan import NAMES, flat_size, padded_to, views_of, without_padding

Array = npt.NDArray[Any]
MOST_PARTS = 64  # sums of gradients: of a minibatch of up to 256 rows, those of every few rows


class CudaGradients:
    """Parameters on a card in one flat array, and sums of gradients of weighted log-probabilities in another."""

    def __init__(self, queue: CudaQueue, parameters: dict[str, Array], activation: str, order: Array) -> None:
        n_vars, self._hidden = parameters["W"].shape
        check_hidden(self._hidden)
        self._queue, self._shape = queue, (n_vars, cuda_units(self._hidden))
        own = padded_to(self._shape[1], parameters)
        self.flat = queue.to_device(np.concatenate([own[name].reshape(-1) for name in ("W", "V", "c", "b")]))
        self.total = queue.to_device(np.zeros(flat_size(*self._shape), own["W"].dtype))
        self._padded = views_of(self.flat, *self._shape)
        mode = RELU if activation == "relu" else SIGMOID
        weights, change = [self._padded[name] for name in NAMES], (self._padded["W"], self._padded["c"])
        self._plan = NADEPlan(mode, queue.to_device(order), *weights, *change)

    def run(self, x: Any, row_weights: Any) -> Any:
        """Set the sums to the gradients of sum_i row_weights[i] log p(x_i); log p (n,) of the rows, there."""
        n, queue, dtype = x.shape[0], self._queue, self._plan.c.dtype
        log_prob, slopes = queue.empty((n,), np.float64), queue.empty(x.shape, dtype)
        launch_on(queue, team_twin("slopes", self._plan), n, self._plan, x, row_weights, log_prob, slopes)
        n_parts = max(1, min(MOST_PARTS, -(-n // ROWS)))
        parts = queue.empty((n_parts, self.total.size), dtype)
        jobs = n_parts * (self._shape[0] + self._shape[1])
        launch_on(queue, LOOPS["gradients of slopes", "cuda"], jobs, self._plan, x, slopes, parts)
        launch_on(queue, LOOPS["sum parts", "cuda"], self.total.size, parts, self.total)
        return log_prob

    def to_host(self) -> dict[str, Array]:
        """The sums by parameter, copied from the card."""
        own = without_padding(views_of(self._queue.to_host(self.total), *self._shape), self._hidden)
        return {name: np.ascontiguousarray(array) for name, array in own.items()}
