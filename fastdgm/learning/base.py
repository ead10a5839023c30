"""Estimators: how the parameters of one kind of conditional are learnt from rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..data.blocks import Block, Part
from ..data.cuda_blocks import CudaBlock
from ..data.schema import Schema
from ..data.variables import Variable
from ..runtime.cuda_queue import CudaQueue
from .counts import Prior

Array = npt.NDArray[Any]
Weights = npt.NDArray[np.float64] | None  # of the rows; None: 1 each


class Target(NamedTuple):
    """A variable that is to be learnt."""

    name: str
    variable: Variable
    parents: Mapping[str, Variable]
    conditional: Conditional | None = None  # the one it has, whose kind and settings it keeps


class UndeterminedError(ValueError):
    """Rows do not determine a conditional; with more of them they may."""


class Learnt(NamedTuple):
    """What came out: conditionals by variable, and what to tell the user about them."""

    conditionals: dict[str, Conditional]
    notes: tuple[str, ...] = ()


class Guarded(NamedTuple):
    """What came out where the background helped, and which configurations of each variable were degenerate."""

    learnt: Learnt
    degenerate: list[Any]  # booleans, one or an array of them for each variable


class Estimator:
    """Learns all variables of one kind of conditional: a :class:`SumEstimator` or a :class:`RowsEstimator`.

    ``schema`` says at which row of a block of codes or of reals each variable of the network begins.
    """

    def __init__(self, targets: Sequence[Target], schema: Schema, prior: Prior) -> None:
        self.targets: tuple[Target, ...] = tuple(targets)
        self.schema = schema
        self.prior = prior  # of tables


class SumEstimator(Estimator, ABC):
    """One whose parameters follow from statistics that can be added up, piece of rows by piece of rows.

    Statistics are numbers and arrays in tuples and lists. Pieces are merged in order, so that results do not depend on
    the number of threads; ``partial_fit`` merges those of its calls.
    """

    @property
    @abstractmethod
    def n_sums(self) -> int:
        """Numbers in the statistics: pieces of rows are made large beside them."""

    @abstractmethod
    def collect(self, begin: int, end: int, part: Part, weights: Weights) -> Any:
        """The statistics of rows ``begin`` to ``end`` of checked columns and of their weights; none: to compile."""

    def collect_on_card(self, queue: CudaQueue, block: CudaBlock, weights: Any) -> Any:
        """The statistics of all rows of a block on a GPU, with weights (n,) there; None: 1 each. Waits for the card.

        TypeError, naming a variable, where there are no loops for that.
        """
        raise TypeError(f"{self.targets[0].name!r} is learnt on the CPU alone: copy the rows there")

    @abstractmethod
    def merged(self, earlier: Any, later: Any) -> Any:
        """Those of the rows of both."""

    @abstractmethod
    def estimate(self, statistics: Any) -> Learnt:
        """The conditionals. Raises ValueError, naming the variable, where the rows do not determine them: an
        UndeterminedError if more rows may."""

    def guarded(self, statistics: Any, background: Any, held: Sequence[Any]) -> Guarded:
        """The same, with the statistics of the ``background`` added in configurations that are degenerate or ``held``
        (as ``Guarded.degenerate``); ``learning/background.py`` says why. This one has parameters whatever the rows are.
        """
        return Guarded(self.estimate(statistics), [False] * len(self.targets))


class RowsEstimator(Estimator, ABC):
    """One that needs all rows at once, and so cannot learn in chunks."""

    @abstractmethod
    def fit(self, block: Block, weights: Weights) -> Learnt:
        """The conditionals. Raises ValueError, naming the variable, where the rows do not determine them."""
