"""What a gradient fit and a family's training loops say to each other: one step of Adam, and who takes it."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy.typing as npt

Array = npt.NDArray[Any]


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


class Stepper(Protocol):
    """A family's training state; it owns copies of the model's parameters, which it changes in place.

    Rows are as the model has checked them: C-contiguous (n, n_vars), read-only, at least one.
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
