"""Training state of a NADE: minibatches through its gradient kernels, on all threads."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.adam import AdamSettings
from ...kernels.nade import NADEPlan
from ...kernels.nade_gradient import NADEGradient
from ...runtime.arrays import read_only
from ...runtime.pieces import run_ranges
from ..training import Step
from .loops import LOOPS
from .plan import flat_size, padded, plan_of_padded, run_entries, views_of, without_padding
from .run import log_prob

Array = npt.NDArray[Any]
GROUP_ROWS = 24  # of a minibatch, at least, that share a sum of gradients
MAX_GROUPS = 8
CHUNK_ROWS = 1024  # gradients at a time: short enough for Ctrl-C


class Gradients:
    """Sums of gradients of weighted log-probabilities, by padded parameter, in ``flat`` and its views ``total``.

    Rows go to groups that depend on their number alone, each with sums of its own, which are added in order: the
    result does not depend on the number of threads.
    """

    def __init__(self, n_vars: int, units: int, dtype: npt.DTypeLike) -> None:
        self._shape = n_vars, units
        self.flat: Array = np.empty(flat_size(n_vars, units), dtype)
        self.total: dict[str, Array] = views_of(self.flat, n_vars, units)
        self._parts = np.empty((0, self.flat.size), dtype)

    def run(self, plan: NADEPlan, x: Array, row_weights: Array) -> Array:
        """Set the sums to the gradients of sum_i row_weights[i] log p(x_i); returns log p (n,) of the rows."""
        n_groups = min(MAX_GROUPS, max(1, len(x) // GROUP_ROWS))
        if len(self._parts) < n_groups:
            self._parts = np.empty((n_groups, self.flat.size), self.flat.dtype)
        parts = self._parts[:n_groups]
        parts[...] = 0
        groups = [NADEGradient(**views_of(part, *self._shape)) for part in parts]
        rows, weights = read_only(x), read_only(np.ascontiguousarray(row_weights, self.flat.dtype))
        result = np.empty(len(x))
        loop = LOOPS["add gradients", "cpu"]
        for first in range(0, len(x), CHUNK_ROWS):
            bounds = np.linspace(first, min(first + CHUNK_ROWS, len(x)), n_groups + 1).astype(int).tolist()
            group_of = {rows_of: group for group, rows_of in zip(groups, pairwise(bounds), strict=True)}

            def work(begin: int, end: int, group_of: dict[tuple[int, int], NADEGradient] = group_of) -> None:
                loop(begin, end, plan, rows, weights, result, group_of.get((begin, end), groups[0]))

            run_ranges(work, list(group_of))
        source = read_only(parts)
        run_entries(lambda begin, end: LOOPS["sum parts", "cpu"](begin, end, source, self.flat), self.flat.size)
        return result


def gradients(plan: NADEPlan, x: Array, row_weights: Array, hidden: int) -> tuple[Array, dict[str, Array]]:
    """log_prob (n,), and gradients of sum_i row_weights[i] log_prob[i] by parameter."""
    sums = Gradients(plan.W.shape[0], plan.W.shape[1], plan.W.dtype)
    log_prob = sums.run(plan, x, row_weights)
    own = without_padding(sums.total, hidden)
    return log_prob, {name: np.ascontiguousarray(array) for name, array in own.items()}


class NADEStepper:
    """Adam on minibatches; parameters and moments are views of padded flat arrays."""

    def __init__(self, parameters: dict[str, Array], activation: str, order: Array) -> None:
        n_vars, self._hidden = parameters["W"].shape
        dtype, units = parameters["W"].dtype, padded(self._hidden)
        self._activation, self._order = activation, order
        size = flat_size(n_vars, units)
        self._flat, self._first, self._second = np.zeros((3, size), dtype)
        self._padded = views_of(self._flat, n_vars, units)
        self._factor = np.empty((n_vars, units), dtype)
        self._gradients = Gradients(n_vars, units, dtype)
        self.parameters: dict[str, Array] = without_padding(self._padded, self._hidden)
        for name, array in parameters.items():
            self.parameters[name][...] = array
        moments = {"first": self._first, "second": self._second}
        self.moments: dict[str, Array] = {
            f"{kind}.{name}": array
            for kind, flat in moments.items()
            for name, array in without_padding(views_of(flat, n_vars, units), self._hidden).items()
        }

    def step(self, rows: Array, step: Step) -> float:
        """One Adam step that ascends the mean log_prob of the rows; returns its sum before the step."""
        result = self._gradients.run(self._plan(), rows, np.full(len(rows), -1.0 / len(rows)))
        self._gradients.total["V"][:, self._hidden :] = 0
        loop = LOOPS["adam", "cpu"]
        gradient, settings = read_only(self._gradients.flat), AdamSettings(*step.scalars())
        run_entries(
            lambda begin, end: loop(begin, end, settings, gradient, self._flat, self._first, self._second),
            self._flat.size,
        )
        return float(result.sum())

    def log_prob(self, rows: Array) -> Array:
        """(n,) float64 under the live parameters."""
        return log_prob(self._plan(), rows, False)

    def _plan(self) -> NADEPlan:
        return plan_of_padded(self._padded, self._factor, self._activation, self._order)
