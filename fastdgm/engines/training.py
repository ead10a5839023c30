"""What a gradient fit and a family's training loops say to each other: rows, one step of Adam, and who takes it."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ..runtime.memory import check_memory

Array = npt.NDArray[Any]


class Gradients(NamedTuple):
    """log_prob of rows, and the gradients of a weighted sum of it."""

    log_prob: Array  # (n,) float64
    parameters: dict[str, Array]
    x: Array | None  # (n, n_vars) in the user's order; None where x is discrete
    context: Array  # (n, n_context)


class Step(NamedTuple):
    """One step of Adam: its number from 1 on, its settings, and the seed of what it draws."""

    number: int
    rate: float
    beta1: float
    beta2: float
    epsilon: float
    weight_decay: float
    seed: int = 0  # of the run

    def scalars(self) -> tuple[float, float, float, float, float, float, float]:
        """The fields of ``kernels.adam.AdamSettings``.

        >>> Step(1, 0.001, 0.9, 0.999, 1e-8, 0.0).scalars()[-2:]
        (10.000000000000002, 999.9999999999991)
        """
        correction1 = 1.0 / (1.0 - self.beta1**self.number)
        correction2 = 1.0 / (1.0 - self.beta2**self.number)
        return self.rate, self.beta1, self.beta2, self.epsilon, self.weight_decay, correction1, correction2


def joined(x: Array, context: Array) -> Array:
    """Rows and their context as one array that minibatches are taken of: ``x`` itself, or (n,) records of both.

    >>> joined(np.zeros((2, 3), np.uint8), np.ones((2, 1), np.float32))["x"].shape
    (2, 3)
    """
    if not context.shape[1]:
        return x
    fields = [("x", x.dtype, x.shape[1:]), ("context", context.dtype, context.shape[1:])]
    kind = np.dtype(fields, align=True)
    check_memory(len(x) * kind.itemsize, "rows and their context")
    records = np.zeros(len(x), kind)  # zeros between the fields too: checkpoints compare all bytes
    records["x"], records["context"] = x, context
    return records


def parted(rows: Array, dtype: npt.DTypeLike) -> tuple[Array, Array]:
    """The x (n, n_vars) and context (n, n_context) of what ``joined`` made; without context that is (n, 0)."""
    if rows.dtype.names is None:
        return rows, np.empty((len(rows), 0), dtype)
    return np.ascontiguousarray(rows["x"]), np.ascontiguousarray(rows["context"])


class Stepper(Protocol):
    """A family's training state; it owns copies of the model's parameters, which it changes in place.

    Rows are what the model has checked, as ``joined`` makes them: C-contiguous (n, n_vars), or (n,) records of a row
    and its context; read-only, at least one.
    """

    @property
    def parameters(self) -> dict[str, Array]:
        """Live: what is written into these arrays holds from the next call on."""

    @property
    def moments(self) -> dict[str, Array]:
        """Live: "first.<name>" and "second.<name>" for every parameter, zero at first."""

    def step(self, rows: Array, step: Step) -> float:
        """One Adam step that ascends the mean log_prob of the rows; returns its sum before the step."""

    def log_prob(self, rows: Array) -> Array:
        """(n,) float64 under the live parameters."""
