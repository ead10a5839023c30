"""Gradients of a NADE on a GPU, and its training there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.activations import RELU, SIGMOID
from ...kernels.adam import AdamSettings
from ...kernels.nade import NADEPlan
from ...kernels.nade_gradient_cuda import ROWS
from ...kernels.outputs import Scores
from ...runtime.cuda_launch import launch_on
from ...runtime.cuda_queue import CudaQueue
from ..cuda_matrices import mean_of
from ..cuda_rows import Empty
from ..cuda_training import CudaStepper, TrainingRows
from ..training import Step
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
        self.flat: Any = queue.to_device(np.concatenate([own[name].reshape(-1) for name in ("W", "V", "c", "b")]))
        self.total: Any = queue.to_device(np.zeros(flat_size(*self._shape), own["W"].dtype))
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
        launch_on(queue, LOOPS["gradients of slopes", "cuda"], jobs, self._plan, self._hidden, x, slopes, parts)
        launch_on(queue, LOOPS["sum parts", "cuda"], self.total.size, parts, self.total)
        return log_prob

    def log_prob(self, x: Any) -> Any:
        """log p (n,) of rows, there."""
        out, dtype = self._queue.empty((x.shape[0],), np.float64), self._plan.c.dtype
        scores = Scores(out, self._queue.empty((0, x.shape[1]), np.float64), self._queue.empty((0, 0), dtype))
        launch_on(self._queue, team_twin("log_prob", self._plan), x.shape[0], self._plan, x, scores)
        return out

    def to_host(self, flat: Any) -> dict[str, Array]:
        """A flat array of the card by parameter, copied from there."""
        own = without_padding(views_of(self._queue.to_host(flat), *self._shape), self._hidden)
        return {name: np.ascontiguousarray(array) for name, array in own.items()}


class CudaNADEStepper(CudaStepper):
    """Adam on minibatches of rows of a card, where parameters and moments are. A step waits for its loss alone."""

    def __init__(
        self, queue: CudaQueue, parameters: dict[str, Array], activation: str, order: Array, empty: Empty
    ) -> None:
        self._queue, self._empty = queue, empty
        self._sums = CudaGradients(queue, parameters, activation, order)
        zeros = np.zeros(self._sums.flat.size, self._sums.flat.dtype)
        self._first, self._second = queue.to_device(zeros), queue.to_device(zeros)
        self._order: Any = None
        self._best: Any = None

    def shuffle(self, order: Array) -> None:
        """The rows of the steps that follow are numbers of ``order``, int64."""
        self._order = self._queue.to_device(order)

    def step(self, rows: TrainingRows, first: int, size: int, step: Step) -> float:
        """One Adam step that ascends the mean log_prob of rows ``first`` .. of the order; its sum before the step."""
        queue, flat = self._queue, self._sums.flat
        batch = self._empty((size, rows.x.shape[1]), np.uint8)
        launch_on(queue, LOOPS["rows", "cuda"], batch.size, rows.x, self._order, first, batch)
        weights = queue.to_device(np.full(size, -1.0 / size, flat.dtype))
        log_prob, settings = self._sums.run(batch, weights), AdamSettings(*step.scalars())
        adam = LOOPS["adam", "cuda"]
        launch_on(queue, adam, flat.size, settings, self._sums.total, flat, self._first, self._second)
        return self._sum(log_prob)

    def log_prob(self, rows: TrainingRows) -> float:
        """The sum over rows under the parameters as they are now."""
        return self._sum(self._sums.log_prob(rows.x))

    def is_finite(self) -> bool:
        """Whether all parameters are."""
        return bool(np.isfinite(self._sum(self._sums.flat)))

    def keep(self) -> None:
        """Remember the parameters as they are now."""
        if self._best is None:
            self._best = self._empty((1, self._sums.flat.size), self._sums.flat.dtype).reshape(-1)
        parts = self._sums.flat.reshape(1, self._sums.flat.size)
        launch_on(self._queue, LOOPS["sum parts", "cuda"], self._best.size, parts, self._best)  # a sum of one part

    def result(self) -> dict[str, Array]:
        """Copies here of those that were kept last, or of the last ones where none were."""
        return self._sums.to_host(self._sums.flat if self._best is None else self._best)

    def _sum(self, values: Any) -> float:
        return mean_of(self._queue, values, self._empty) * values.shape[0] if values.shape[0] else 0.0
