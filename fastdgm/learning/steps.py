"""What EM asks of the rows and the network that it learns: a start, the E-step and the M-step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..conditionals.base import Conditional


class Maximised(NamedTuple):
    """What an M-step led to. ``degenerate`` counts, by group, the steps of the run in which a configuration was so."""

    conditionals: dict[str, Conditional]
    notes: tuple[str, ...]
    degenerate: list[list[Any]]
    is_maximum: bool  # of the objective's bound: nothing saw the background


class Expected(NamedTuple):
    """What an E-step says of some parameters: the objective, and the expected statistics."""

    objective: float
    size: float  # of the terms of the objective: what its rounding is measured by
    statistics: list[Any]
    log_prior: float = 0.0  # the part of the objective that is not the log-likelihood


class Steps(ABC):
    """The rows of a fit as EM sees them.

    The objective is sum_i w_i log p(row i) + log prior, in nats.
    """

    weight: float  # of all rows

    @property
    @abstractmethod
    def is_exact(self) -> bool:
        """Whether each M-step is in closed form, not by an iteration that ends near the maximum."""

    @abstractmethod
    def start(self, kept: Mapping[str, Conditional], seed: int, restart: int) -> Maximised:
        """Where run 0, 1, ... begins, in this order; conditionals of the kinds of ``kept``, where it has any."""

    @abstractmethod
    def expected(self, conditionals: Mapping[str, Conditional]) -> Expected:
        """Objective and expected statistics under these parameters."""

    @abstractmethod
    def maximised(
        self,
        statistics: Sequence[Any],
        conditionals: Mapping[str, Conditional],
        degenerate: Sequence[Sequence[Any]] | None = None,
    ) -> Maximised:
        """The conditionals of most likelihood given the statistics. ``degenerate`` is that of the step before."""
