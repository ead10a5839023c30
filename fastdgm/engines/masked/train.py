"""Training state of a masked network: minibatches through the backward kernels, on all threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels import made as kernels
from ...kernels.adam import AdamSettings
from ...kernels.made import MaskedNet
from ...kernels.made_gradient import Batch, Moments, Workspace
from ...kernels.products import ROWS
from ...runtime.memory import check_memory
from ...runtime.pieces import run_ranges, split
from ...runtime.threads import get_num_threads
from ..training import Gradients, Step, parted
from . import plan as masked
from .loops import LOOPS
from .plan import count_states
from .run import read_only, score

Array = npt.NDArray[Any]
ROWS_AT_ONCE = 1024  # of a gradient over many rows: bounds the workspace
PIECES_PER_THREAD = 8


def make_workspace(net: MaskedNet, n: int) -> Workspace:
    """Scratch for minibatches of up to n rows."""
    padded, rows = -(-n // 16) * 16, net.biases.size
    read = {int(layer[kernels.SOURCE]) for layer in net.layers[1:] if layer[kernels.STRIDE]}
    units = net.layers[:, kernels.UNITS]
    width = np.array([-(-int(units[i]) // 16) * 16 if i in read else 0 for i in range(len(units))], np.int64)
    source_at = np.concatenate([[0], np.cumsum(width * padded)[:-1]]).astype(np.int64)
    cells = 3 * padded * rows + int(width.sum()) * padded
    check_memory(cells * net.weights.itemsize, f"a minibatch of {n} rows")
    groups = [(i, unit) for i in range(1, len(units)) for unit in range(0, int(units[i]), ROWS)]
    state, slopes, derivatives = (np.zeros(padded * rows, net.weights.dtype) for _ in range(3))
    sources = np.zeros(int(width.sum()) * padded, net.weights.dtype)
    return Workspace(state, slopes, derivatives, sources, source_at, width, np.array(groups, np.int64))


def backward(net: MaskedNet, work: Workspace, x: Array, context: Array, row_weights: Array, by_inputs: bool) -> Array:
    """log_prob (n,) of a minibatch, and its slopes in the workspace."""
    n = len(x)
    log_prob = np.empty(n)
    batch = Batch(read_only(x), read_only(context), row_weights)

    def run(begin: int, end: int) -> None:
        LOOPS["backward", "cpu"](begin, end, net, batch, work, by_inputs, log_prob)

    tiles = -(-n // kernels.MADE_TILE)
    run_ranges(run, split(tiles, 1) if get_num_threads() > 1 else [(0, tiles)])
    return log_prob


def group_ranges(work: Workspace) -> list[tuple[int, int]]:
    """Runs of groups of units, several per thread because their sizes differ."""
    n = len(work.groups)
    size = -(-n // (PIECES_PER_THREAD * get_num_threads())) if get_num_threads() > 1 else n
    return split(n, size)


class MaskedStepper:
    """Copies of a network's parameters and their Adam moments; an ``engines.training.Stepper``."""

    def __init__(self, net: MaskedNet) -> None:
        self.net: MaskedNet = masked.with_parameters(net, net.weights.copy(), net.biases.copy())
        self.parameters: dict[str, Array] = {"weights": self.net.weights, "biases": self.net.biases}
        self.moments: dict[str, Array] = {
            f"{order}.{name}": np.zeros_like(array)
            for order in ("first", "second")
            for name, array in self.parameters.items()
        }
        self._work: Workspace | None = None
        self._work_rows = 0

    def step(self, rows: Array, step: Step) -> float:
        """One Adam step; the sum of log_prob of the rows before it."""
        x, context = parted(rows, self.net.weights.dtype)
        n = len(x)
        if self._work is None or self._work_rows != n:
            self._work, self._work_rows = make_workspace(self.net, n), n
        work = self._work
        weights = np.full(n, -1.0 / n, self.net.weights.dtype)  # of the loss: the mean negative log_prob
        log_prob = backward(self.net, work, x, context, weights, False)
        moments = Moments(*(self.moments[f"{o}.{p}"] for p in ("weights", "biases") for o in ("first", "second")))
        settings = AdamSettings(*step.scalars())

        def run(begin: int, end: int) -> None:
            LOOPS["update", "cpu"](begin, end, self.net, work, n, moments, settings)

        run_ranges(run, group_ranges(work))
        return float(log_prob.sum())

    def log_prob(self, rows: Array) -> Array:
        """(n,) under the parameters as they are now."""
        return score(self.net, *parted(rows, self.net.weights.dtype), False)


def gradients(net: MaskedNet, x: Array, context: Array, row_weights: Array) -> Gradients:
    """log_prob (n,), and gradients of sum_i row_weights[i] log_prob[i] by weights, biases, (real) x and context."""
    by_weights, by_biases = np.zeros_like(net.weights), np.zeros_like(net.biases)
    is_real, by_inputs = count_states(net) is None, count_states(net) is None or net.n_context > 0
    by_x = np.empty((len(x), len(net.order)), net.weights.dtype) if is_real else None
    by_context = np.empty((len(x), net.n_context), net.weights.dtype)
    log_prob = np.empty(len(x))
    weights = np.ascontiguousarray(row_weights, net.weights.dtype)
    for begin in range(0, len(x), ROWS_AT_ONCE):
        rows = slice(begin, min(begin + ROWS_AT_ONCE, len(x)))
        n = rows.stop - begin
        work = make_workspace(net, n)
        log_prob[rows] = backward(net, work, x[rows], context[rows], weights[rows], by_inputs)

        def run(first: int, last: int, work: Workspace = work, n: int = n) -> None:
            LOOPS["add gradients", "cpu"](first, last, net, work, n, by_weights, by_biases)

        run_ranges(run, group_ranges(work))
        if by_inputs:
            _copy_input_slopes(net, work, n, None if by_x is None else by_x[rows], by_context[rows])
    return Gradients(log_prob, {"weights": by_weights, "biases": by_biases}, by_x, by_context)


def _copy_input_slopes(net: MaskedNet, work: Workspace, n: int, by_x: Array | None, by_context: Array) -> None:
    """Slopes of the inputs, tile by tile, those of x in the user's order of variables."""
    rows, first = net.biases.size, net.n_context
    for row in range(0, n, kernels.MADE_TILE):
        lanes = -(-min(kernels.MADE_TILE, n - row) // 16) * 16
        block = work.slopes[row * rows : row * rows + rows * lanes].reshape(rows, lanes)
        end = min(row + kernels.MADE_TILE, n)
        by_context[row:end] = block[:first, : end - row].T
        if by_x is not None:
            by_x[row:end, net.order] = block[first : first + len(net.order), : end - row].T
