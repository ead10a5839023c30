"""Training state of a masked network on a GPU: minibatches through kernels that take a layer each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.adam import AdamSettings
from ...kernels.made import SOURCE, STRIDE, UNITS, MaskedNet
from ...kernels.made_tiles_cuda import GROUP, TILE, tile_of
from ...kernels.made_training_cuda import Minibatch
from ...runtime.cuda_launch import SIMULATED_THREADS, launch_on
from ...runtime.cuda_queue import CudaQueue
from ...runtime.cuda_simulator import is_simulated
from ..cuda_matrices import mean_of
from ..cuda_rows import Empty
from ..cuda_training import CudaStepper, TrainingRows
from ..training import Step
from . import plan as masked
from .cuda_run import CudaMaskedRows
from .loops_cuda import LOOPS

Array = npt.NDArray[Any]
THREADS = 1 << 20  # at most of a launch; they walk the rest in strides


class CudaMaskedStepper(CudaStepper):
    """Copies of a network's parameters on a card, and their Adam moments."""

    def __init__(self, net: MaskedNet, queue: CudaQueue, empty: Empty) -> None:
        self._net, self._queue, self._empty = net, queue, empty
        self._there = queue.plan_to_device(masked.with_parameters(net, net.weights.copy(), net.biases.copy()))
        zeros = np.zeros_like(net.weights), np.zeros_like(net.biases)
        self._first, self._second = (tuple(map(queue.to_device, zeros)) for _ in range(2))
        self._rows = CudaMaskedRows(net, self._there)
        self._best: tuple[Any, Any] | None = None
        self._scratch: tuple[Any, ...] | None = None
        self._order: Any = None
        self._tile = tile_of(SIMULATED_THREADS) if is_simulated() else TILE

    def shuffle(self, order: Array) -> None:
        """Uploaded once for an epoch."""
        self._order = self._queue.to_device(order)

    def step(self, rows: TrainingRows, first: int, size: int, step: Step) -> float:
        """Forward, back and Adam; the sum of log_prob before."""
        batch = self._minibatch(rows, first, size)
        output, columns = len(self._net.layers) - 1, batch.state.shape[1]
        self._launch("load minibatch", batch.state.size, batch)
        for number in range(1, output + 1):
            self._launch("forward layer", self._tasks(self._units(number), columns), number, batch)
        self._launch("head slopes", self._net.order.size * columns, batch)
        self._backward(batch)
        settings = AdamSettings(*step.scalars())
        for number in range(1, output + 1):
            if stride := int(self._net.layers[number, STRIDE]):
                moments = self._first[0], self._second[0], settings
                self._launch("update weights", self._units(number) * stride, number, batch, *moments)
        self._launch("update biases", self._net.biases.size, batch, self._first[1], self._second[1], settings)
        return self._sum(batch.terms)

    def _backward(self, batch: Minibatch) -> None:
        """From the slopes of the heads to those of all hidden units."""
        layers, columns = self._net.layers, batch.state.shape[1]
        for number in range(len(layers) - 1, 0, -1):
            if number < len(layers) - 1:
                self._launch("activation slopes", self._units(number) * columns, number, batch)
            if layers[number, STRIDE] and layers[number, SOURCE] > 0:
                tasks = self._tasks(self._units(int(layers[number, SOURCE])), columns)
                self._launch("backward layer", tasks, number, batch)

    def log_prob(self, rows: TrainingRows) -> float:
        """By the scoring twin."""
        scores = self._rows.log_prob(self._queue, rows.x, rows.context, False, self._empty)
        return self._sum(scores)

    def is_finite(self) -> bool:
        """By their sums."""
        return all(math.isfinite(self._sum(array)) for array in (self._there.weights, self._there.biases))

    def keep(self) -> None:
        """Copied on the card."""
        own = self._there.weights, self._there.biases
        if self._best is None:
            self._best = self._empty(own[0].shape, own[0].dtype), self._empty(own[1].shape, own[1].dtype)
        for array, best in zip(own, self._best, strict=True):
            launch_on(self._queue, LOOPS["copy", "cuda"], min(array.size, THREADS), array, best)

    def result(self) -> dict[str, Array]:
        """Weights and biases."""
        best = self._best or (self._there.weights, self._there.biases)
        return {"weights": self._queue.to_host(best[0]), "biases": self._queue.to_host(best[1])}

    # Launches -----------------------------------------------------------------------------------------------------

    def _launch(self, verb: str, n: int, *arguments: Any) -> None:
        launch_on(self._queue, LOOPS[verb, "cuda"], min(n, THREADS), self._there, *arguments)

    def _units(self, number: int) -> int:
        return int(self._net.layers[number, UNITS])

    def _tasks(self, units: int, columns: int) -> int:
        """Threads of a block for each group of units of each tile."""
        return -(-units // GROUP) * (columns // self._tile) * LOOPS["forward layer", "cuda"].threads_per_block

    def _sum(self, values: Any) -> float:
        return mean_of(self._queue, values, self._empty) * values.shape[0] if values.shape[0] else 0.0

    def _minibatch(self, rows: TrainingRows, first: int, size: int) -> Minibatch:
        """Scratch of one size is used again."""
        columns = -(-size // self._tile) * self._tile
        if self._scratch is None or self._scratch[0].shape[1] != columns:
            shape, dtype = (self._net.biases.size, columns), self._net.weights.dtype
            blocks = [self._empty(shape, dtype) for _ in range(3)]
            self._scratch = *blocks, self._empty((self._net.order.size * columns,), np.float64)
        return Minibatch(rows.x, rows.context, self._order, first, size, *self._scratch)
