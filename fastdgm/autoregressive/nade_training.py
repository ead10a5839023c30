"""NADE's parameters as its kernels read them, and its training by its own gradient kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..kernels.adam import adam_cpu
from ..kernels.nade import RELU, SIGMOID, SIGMOID_BY_EXP, NADEPlan, nade_factor_cpu, nade_log_prob_cpu
from ..kernels.nade_gradient import NADEGradient, nade_gradient_cpu, nade_sum_cpu
from ..kernels.nade_units import PAD
from ..memory import check_memory
from ..threads import run_pieces
from .nade import NAMES, frozen, work_per_row
from .runs import run_rows

if TYPE_CHECKING:
    from ..learning.gradient import Step
    from .nade import NADE

Array = npt.NDArray[Any]
LARGEST_EXPONENT = {4: 80.0, 8: 690.0}  # by item size: exp(-a) stays comfortable
GROUP_ROWS = 24  # of a minibatch, at least, that share a sum of gradients
MAX_GROUPS = 8
CHUNK_ROWS = 1024  # gradients at a time: short enough for Ctrl-C
ENTRIES = 1 << 16  # of flat arrays in a piece


def padded(hidden: int) -> int:
    """Hidden units with padding."""
    return -(-hidden // PAD) * PAD


def plan_of(parameters: dict[str, Array], activation: str, order: Array) -> NADEPlan:
    """Padded copies of the parameters for the kernels."""
    n_vars, hidden = parameters["W"].shape
    units = padded(hidden)
    check_memory(2 * _size(n_vars, units) * parameters["W"].itemsize, "the parameters of the network")
    own = _views(np.zeros(_size(n_vars, units), parameters["W"].dtype), n_vars, units)
    for name, array in parameters.items():
        own[name][..., : array.shape[-1]] = array
    return _plan(own, np.empty_like(own["W"]), activation, order)


def _plan(own: dict[str, Array], factor: Array, activation: str, order: Array) -> NADEPlan:
    """The plan of padded parameters; fills ``factor``, which it may keep."""
    mode = RELU if activation == "relu" else SIGMOID_BY_EXP
    if mode == SIGMOID_BY_EXP and float(np.abs(own["c"]).max()) > LARGEST_EXPONENT[own["c"].itemsize]:
        mode = SIGMOID
    first = own["c"]
    if mode == SIGMOID_BY_EXP:
        first = np.exp(-own["c"])
        _fill_factor(own["W"], factor)
    else:
        factor = own["W"]
    arrays = (order, own["W"], own["V"], own["b"], own["c"], factor, first)
    return NADEPlan(mode, *(frozen(array) for array in arrays))


def _fill_factor(weight: Array, factor: Array) -> None:
    source, target = frozen(weight.reshape(-1)), factor.reshape(-1)
    _run_entries(lambda begin, end: nade_factor_cpu(begin, end, source, target), source.size)


def _run_entries(work: Any, size: int) -> None:
    """work(begin, end) for all entries of flat arrays."""
    work(0, 0)  # compile here, not in several threads at once
    run_pieces(work, [(begin, min(begin + ENTRIES, size)) for begin in range(0, size, ENTRIES)])


def _size(n_vars: int, units: int) -> int:
    return 2 * n_vars * units + units + n_vars


def _views(flat: Array, n_vars: int, units: int) -> dict[str, Array]:
    """W, V (n_vars, units), c (units,), b (n_vars,) of one flat array of ``_size`` numbers."""
    cells = n_vars * units
    W, V, c, b = np.split(flat, [cells, 2 * cells, 2 * cells + units])
    return {"W": W.reshape(n_vars, units), "V": V.reshape(n_vars, units), "b": b, "c": c}


def log_prob(plan: NADEPlan, x: Array, per_variable: bool) -> Array:
    """log p of codes (n, n_vars): (n,), or the terms (n, n_vars); float64."""
    total = np.empty(len(x))
    terms = np.empty((len(x) if per_variable else 0, x.shape[1]))
    rows = frozen(x)
    run_rows(lambda begin, end: nade_log_prob_cpu(begin, end, plan, rows, total, terms), len(x), work_per_row(plan))
    return terms if per_variable else total


class Gradients:
    """Sums of gradients of weighted log-probabilities, by padded parameter, in ``flat`` and its views ``total``.

    Rows go to groups that depend on their number alone, each with sums of its own, which are added in order: the
    result does not depend on the number of threads.
    """

    def __init__(self, n_vars: int, units: int, dtype: npt.DTypeLike) -> None:
        self._shape = n_vars, units
        self.flat = np.empty(_size(n_vars, units), dtype)
        self.total = _views(self.flat, n_vars, units)
        self._parts = np.empty((0, self.flat.size), dtype)

    def run(self, plan: NADEPlan, x: Array, row_weights: Array) -> Array:
        """Set the sums to the gradients of sum_i row_weights[i] log p(x_i); returns log p (n,) of the rows."""
        n_groups = min(MAX_GROUPS, max(1, len(x) // GROUP_ROWS))
        if len(self._parts) < n_groups:
            self._parts = np.empty((n_groups, self.flat.size), self.flat.dtype)
        parts = self._parts[:n_groups]
        parts[...] = 0
        groups = [NADEGradient(**_views(part, *self._shape)) for part in parts]
        rows, weights = frozen(x), frozen(np.ascontiguousarray(row_weights, self.flat.dtype))
        result = np.empty(len(x))
        nade_gradient_cpu(0, 0, plan, rows, weights, result, groups[0])  # compile here, not in several threads at once
        for first in range(0, len(x), CHUNK_ROWS):
            bounds = np.linspace(first, min(first + CHUNK_ROWS, len(x)), n_groups + 1).astype(int).tolist()

            def work(group: int, _: int, bounds: list[int] = bounds) -> None:
                nade_gradient_cpu(bounds[group], bounds[group + 1], plan, rows, weights, result, groups[group])

            run_pieces(work, [(group, group + 1) for group in range(n_groups)])
        source = frozen(parts)
        _run_entries(lambda begin, end: nade_sum_cpu(begin, end, source, self.flat), self.flat.size)
        return result


class NADEStepper:
    """Adam on minibatches; parameters and moments are views of padded flat arrays."""

    def __init__(self, model: NADE) -> None:
        n_vars, units = model.n_vars, padded(model.hidden)
        self._activation, self._order, self._hidden = model.activation, model.order, model.hidden
        size = _size(n_vars, units)
        self._flat, self._first, self._second = np.zeros((3, size), model.dtype)
        self._padded = _views(self._flat, n_vars, units)
        self._factor = np.empty((n_vars, units), model.dtype)
        self._gradients = Gradients(n_vars, units, model.dtype)
        self.parameters = self._without_padding(self._padded)
        for name, array in model._parameters_to_read().items():
            self.parameters[name][...] = array
        moments = {"first": self._first, "second": self._second}
        self.moments = {
            f"{kind}.{name}": array
            for kind, flat in moments.items()
            for name, array in self._without_padding(_views(flat, n_vars, units)).items()
        }

    def _without_padding(self, views: dict[str, Array]) -> dict[str, Array]:
        return {name: views[name] if name == "b" else views[name][..., : self._hidden] for name in NAMES}

    def step(self, rows: Array, step: Step) -> float:
        """One Adam step that ascends the mean log_prob of the rows; returns its sum before the step."""
        result = self._gradients.run(self._plan(), rows, np.full(len(rows), -1.0 / len(rows)))
        self._gradients.total["V"][:, self._hidden :] = 0
        gradient, scalars = frozen(self._gradients.flat), step.scalars()
        _run_entries(
            lambda begin, end: adam_cpu(begin, end, self._flat, gradient, self._first, self._second, *scalars),
            self._flat.size,
        )
        return float(result.sum())

    def log_prob(self, rows: Array) -> Array:
        """(n,) float64 under the live parameters."""
        return log_prob(self._plan(), rows, False)

    def _plan(self) -> NADEPlan:
        return _plan(self._padded, self._factor, self._activation, self._order)
