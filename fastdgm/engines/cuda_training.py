"""What a gradient fit and a family's training twins say to each other, for rows on a GPU."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy.typing as npt

from .training import Step

Array = npt.NDArray[Any]


class TrainingRows(NamedTuple):
    """Checked rows on a card, device arrays of numba's."""

    x: Any  # (n, n_vars)
    context: Any  # (n, n_context)

    def __len__(self) -> int:
        return int(self.x.shape[0])


class CudaStepper(ABC):
    """A family's training state on one card; it owns copies of the model's parameters, which it changes in place."""

    @abstractmethod
    def shuffle(self, order: Array) -> None:
        """The rows of the steps that follow are numbers of ``order``, int64."""

    @abstractmethod
    def step(self, rows: TrainingRows, first: int, size: int, step: Step) -> float:
        """One Adam step that ascends the mean log_prob of rows ``first`` .. of the order; its sum before the step.
        Waits for that one number."""

    @abstractmethod
    def log_prob(self, rows: TrainingRows) -> float:
        """The sum over rows under the parameters as they are now."""

    @abstractmethod
    def is_finite(self) -> bool:
        """Whether all parameters are."""

    @abstractmethod
    def keep(self) -> None:
        """Remember the parameters as they are now."""

    @abstractmethod
    def result(self) -> dict[str, Array]:
        """Copies here of those that were kept last, or of the last ones where none were."""
