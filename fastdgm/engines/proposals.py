"""Proposals: samples of a hidden real variable for each of some rows, and how likely it was to draw them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.blocks import Part
from ..data.schema import Values
from ..runtime.arrays import read_only
from .base import Engine

Array = npt.NDArray[Any]


class Columns(NamedTuple):
    """What the columns of a block are: samples ``first`` to ``first + n_each`` of one row after the other.

    Sample k of row r owns the random words of row r * n_samples + k of a stream, so that it does not depend on what
    else is drawn together with it.
    """

    rows: Array  # numbers of the rows, ascending
    first: int
    n_each: int
    n_samples: int  # of each row, in all blocks together

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.rows) * self.n_each

    def runs(self) -> Iterator[tuple[int, int, int]]:
        """Columns ``begin`` to ``end`` that lie side by side in the stream, and the row of the stream at which a
        block that they are part of begins."""
        if not self.n:
            return
        side_by_side = (np.diff(self.rows) == 1) & (self.n_each == self.n_samples)
        edges = [0, *(np.flatnonzero(~side_by_side) + 1).tolist(), len(self.rows)]
        for i, j in pairwise(edges):
            begin = i * self.n_each
            yield begin, j * self.n_each, int(self.rows[i]) * self.n_samples + self.first - begin


class Proposal(ABC):
    """A distribution of one real variable given others."""

    @abstractmethod
    def draw(self, columns: Columns, key: int, values: Values) -> npt.NDArray[np.float64]:
        """Draw the variable's rows of the block of reals; returns log q (n_columns,) of what was drawn, nats."""


class EngineProposal(Proposal):
    """By the engine of the conditional's kind; ``is_scored`` says whether anybody asks how likely its draws were."""

    def __init__(self, engine: Engine, is_scored: bool) -> None:
        self.engine = engine
        self.is_scored = is_scored

    def draw(self, columns: Columns, key: int, values: Values) -> npt.NDArray[np.float64]:
        """Run by run of what lies side by side in the stream."""
        for begin, end, start in columns.runs():
            self.engine.sample(begin, end, key, start, values)
        log_q = np.zeros(columns.n)
        if self.is_scored:
            part = Part("columns", read_only(values.codes), 0, read_only(values.reals))
            self.engine.log_prob(0, columns.n, part, log_q)
        return log_q
