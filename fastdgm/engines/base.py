"""Engines: what a family of conditionals does with rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..data.blocks import Part
from ..data.schema import Schema, Values
from ..data.variables import Discrete, Variable
from ..data.vectors import cells_of_variable
from ..runtime.arrays import read_only

Array = npt.NDArray[Any]


class Members(NamedTuple):
    """Variables of a network that one engine serves; variables are numbered in the order of declaration."""

    conditionals: Mapping[str, Conditional]  # of all variables of the network
    columns: Sequence[int]  # the numbers of the members, in topological order

    @property
    def variables(self) -> list[Variable]:
        """Those of the whole network."""
        return [conditional.variable for conditional in self.conditionals.values()]

    @property
    def parents(self) -> list[tuple[int, ...]]:
        """The numbers of every variable's parents."""
        column = {name: i for i, name in enumerate(self.conditionals)}
        return [tuple(column[parent] for parent in own.parents) for own in self.conditionals.values()]

    @property
    def rows(self) -> list[int]:
        """The first row of every variable in the block of codes or of reals."""
        return list(Schema({name: own.variable for name, own in self.conditionals.items()}).rows.values())

    @property
    def discrete(self) -> Members:
        """The same members, all discrete, in a network of discrete variables alone: numbers are rows of codes."""
        variables, rows = self.variables, self.rows
        if all(isinstance(variable, Discrete) and not variable.event_shape for variable in variables):
            return self
        discrete: dict[str, Conditional] = {}
        for name, own in self.conditionals.items():
            if isinstance(own.variable, Discrete):
                discrete |= dict.fromkeys(cells_of_variable(name, own.variable), own)
        return Members(discrete, [rows[v] for v in self.columns])


class Engine(ABC):
    """Some members of a network, ready to be drawn and scored: their parameters as plans, and loops that read those.

    Plans (named tuples of flat arrays) are made when they are first needed. Loops work on rows ``begin`` to ``end`` of
    what they are given, on one thread; they may be called for no rows, to compile.
    """

    in_place: ClassVar[frozenset[str]] = frozenset()  # layouts of blocks whose codes the scoring loops check themselves
    whole: ClassVar[bool] = False  # called once for all rows, by the caller's thread: it makes batches of its own

    @abstractmethod
    def __init__(self, members: Members, first_word: int = 0) -> None:
        """``first_word`` is the first of the random words of a row that belong to these members."""

    @property
    @abstractmethod
    def n_words(self) -> int:
        """How many 32-bit words the members draw a row from: ``first_word``, ``first_word + 1``, ..."""

    @abstractmethod
    def sample(self, begin: int, end: int, key: int, start: int, values: Values) -> None:
        """Draw the members' rows of the blocks, whose parents' are there; column i of a block is row start + i."""

    @abstractmethod
    def log_prob(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """out[i] (n,) = the sum of the members' log-probabilities in row i of the part, in nats.

        Returns -1, or a row from which on one has a code out of range, where the layout of the part is in ``in_place``.
        """

    @abstractmethod
    def log_prob_per_variable(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """out[v, i] (n_vars, n) = log P(x_v | parents of v) for the members v; the layout is "columns"."""

    def log_prob_of_states(self, begin: int, end: int, part: Part, row: int, out: npt.NDArray[np.float64]) -> None:
        """out[k, i] = ``log_prob`` with state k in row ``row`` of the codes; the layout is "columns" and checked.

        Engines that know a shorter way have their own.
        """
        codes = part.codes.copy()
        for k in range(len(out)):
            codes[row] = k
            self.log_prob(begin, end, part._replace(codes=read_only(codes)), out[k])

    def of_cells(self, cells: Mapping[int, Sequence[int]]) -> Engine:
        """The same engine, which scores of some members, vectors, these cells alone: the others are summed out.

        Engines whose vectors have cells that are independent given the parents have it.
        """
        raise ValueError("cannot be summed out: values of a vector are missing whose cells depend on each other")

    @property
    @abstractmethod
    def n_bytes(self) -> int:
        """Memory of the plans."""
