"""Training state of a NADE: minibatches through its gradient kernels, on all threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...kernels.adam import AdamSettings
from ...kernels.nade import NADEPlan
from ...kernels.nade_gradient import NADEGradient
from ...runtime.arrays import read_only
from ...runtime.threads import run_pieces
from .loops import LOOPS
from .plan import NAMES, flat_size, padded, plan_of_padded, run_entries, views_of
from .run import log_prob

if TYPE_CHECKING:
    from ...autoregressive.nade import NADE
    from ...learning.gradient import Step

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
        self.flat = np.empty(flat_size(n_vars, units), dtype)
        self.total = views_of(self.flat, n_vars, units)
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
        loop(0, 0, plan, rows, weights, result, groups[0])  # compile here, not in several threads at once
        for first in range(0, len(x), CHUNK_ROWS):
            bounds = np.linspace(first, min(first + CHUNK_ROWS, len(x)), n_groups + 1).astype(int).tolist()

            def work(group: int, _: int, bounds: list[int] = bounds) -> None:
                loop(bounds[group], bounds[group + 1], plan, rows, weights, result, groups[group])

            run_pieces(work, [(group, group + 1) for group in range(n_groups)])
        source = read_only(parts)
        run_entries(lambda begin, end: LOOPS["sum parts", "cpu"](begin, end, source, self.flat), self.flat.size)
        return result


class NADEStepper:
    """Adam on minibatches; parameters and moments are views of padded flat arrays."""

    def __init__(self, model: NADE) -> None:
        n_vars, units = model.n_vars, padded(model.hidden)
        self._activation, self._order, self._hidden = model.activation, model.order, model.hidden
        size = flat_size(n_vars, units)
        self._flat, self._first, self._second = np.zeros((3, size), model.dtype)
        self._padded = views_of(self._flat, n_vars, units)
        self._factor = np.empty((n_vars, units), model.dtype)
        self._gradients = Gradients(n_vars, units, model.dtype)
        self.parameters = self._without_padding(self._padded)
        for name, array in model._parameters_to_read().items():
            self.parameters[name][...] = array
        moments = {"first": self._first, "second": self._second}
        self.moments = {
            f"{kind}.{name}": array
            for kind, flat in moments.items()
            for name, array in self._without_padding(views_of(flat, n_vars, units)).items()
        }

    def _without_padding(self, views: dict[str, Array]) -> dict[str, Array]:
        return {name: views[name] if name == "b" else views[name][..., : self._hidden] for name in NAMES}

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
