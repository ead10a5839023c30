"""Blocks: what the loops read. Codes in the form in which they came, readable where they are or as checked columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..kernels.tiles import columns_from_rows_cpu, narrow_columns_cpu
from ..runtime.arrays import code_type, read_only
from ..runtime.lazy import cached_property
from .labels import Column, bad_code
from .schema import Schema
from .tables import TableReader
from .variables import Discrete

States = Mapping[str, tuple[str, ...]]
Array = npt.NDArray[Any]
NO_REALS = read_only(np.empty((0, 0), np.float32))


class Part(NamedTuple):
    """Codes and reals that hold some rows of a block; row ``first`` of the block is their first."""

    layout: str  # of the codes: "columns": (n_codes, n), "rows": (n, n_codes)
    codes: Array
    first: int
    reals: Array = NO_REALS  # (n_reals, n)


class Block(ABC):
    """Rows of the variables of a network, in the form in which they came; ``states`` are those of discrete ones."""

    cells_per_piece = 1 << 21  # about 0.5 ms: long enough to forget the call, short enough to share out evenly

    def __init__(self, states: States) -> None:
        self.states = states

    @property
    @abstractmethod
    def n(self) -> int:
        """Number of rows."""

    @property
    def schema(self) -> Schema:
        """The variables."""
        return Schema({name: Discrete(own) for name, own in self.states.items()})

    @abstractmethod
    def read(self, begin: int, end: int, in_place: Collection[str] = ()) -> Part:
        """Rows ``begin`` to ``end``: the whole block where its layout is one of ``in_place``, else checked columns.

        Raises what :meth:`explain` makes of a bad value, where it is this that checks them.
        """

    @abstractmethod
    def explain(self, row: int) -> ValueError:
        """The error for the first code out of range from ``row`` on, where a loop met one.

        What a loop reports is always an error, also where the data has changed since and no such code is found.
        """


class CodeBlock(Block):
    """Rows of codes.

    ``layout`` says how a loop that checks codes itself may read them where they are; None: only through ``read``.
    """

    layout: str | None = None

    def __init__(self, array: Array, states: States, signed: bool = False) -> None:
        super().__init__(states)
        self.array = array
        self.signed = signed  # as they came, so that an error can quote them

    @abstractmethod
    def _copy(self, begin: int, end: int, largest: Array) -> tuple[Array, int]:
        """Rows as fresh columns, and -1 or the first row of a tile with a code above ``largest``."""

    @abstractmethod
    def _rows(self, begin: int, end: int) -> Array:
        """Rows (n, n_vars), for an error message."""

    def read(self, begin: int, end: int, in_place: Collection[str] = ()) -> Part:
        """The whole block, whose codes a loop checks, or checked columns."""
        if self.layout is not None and self.layout in in_place:
            return Part(self.layout, self.array, 0)
        columns, bad = self._copy(begin, end, self.largest)
        if bad >= 0:
            raise self.explain(bad)
        return Part("columns", read_only(columns), begin)

    @cached_property
    def largest(self) -> Array:
        """The largest code of every variable, of the type of a network's codes."""
        n_states = [len(own) for own in self.states.values()]
        return np.array([k - 1 for k in n_states], code_type(max(n_states)))

    def explain(self, row: int) -> ValueError:
        """The error for the first code out of range from ``row`` on."""
        names = list(self.states)
        n_states = np.array([len(self.states[name]) for name in names])
        for begin in range(row, self.n, 4096):
            tile = self._rows(begin, begin + 4096)
            wrong = tile >= n_states
            if wrong.any():
                i, v = (int(index) for index in np.argwhere(wrong)[0])
                value = tile[i, v]
                came = value.view(f"i{value.itemsize}") if self.signed else value
                return bad_code(Column(names[v], self.states[names[v]]), begin + i, came)
        return ValueError(
            f"data must not change while it is read: a code out of range came at or after row {row}, and is no "
            "longer there"
        )


class ColumnBlock(CodeBlock):
    """Unsigned codes ``(n_vars, n)`` of the network's own type."""

    layout: str | None = "columns"

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.array.shape[1])

    def _copy(self, begin: int, end: int, largest: Array) -> tuple[Array, int]:
        block = np.empty((len(self.states), end - begin), largest.dtype)
        return block, narrow_columns_cpu(begin, end, largest, self.array, block)

    def _rows(self, begin: int, end: int) -> Array:
        return self.array[:, begin:end].T


class WideColumnBlock(ColumnBlock):
    """Unsigned codes ``(n_vars, n)`` of a wider type than the network's own, in C order: what pandas calls values."""

    layout: str | None = None


class RowBlock(CodeBlock):
    """Unsigned codes ``(n, n_vars)`` of any width, in C order."""

    layout: str | None = "rows"

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.array.shape[0])

    def _copy(self, begin: int, end: int, largest: Array) -> tuple[Array, int]:
        block = np.empty((len(self.states), end - begin), largest.dtype)
        bad = columns_from_rows_cpu(0, end - begin, largest, self.array[begin:end], block)
        return block, bad if bad < 0 else begin + bad

    def _rows(self, begin: int, end: int) -> Array:
        return self.array[begin:end]


class TableBlock(CodeBlock):
    """A table with named columns, encoded piece by piece while the piece is in the cache."""

    cells_per_piece = 1 << 23  # a piece also costs a few microseconds per column

    def __init__(self, data: Any, states: States) -> None:
        self.reader: TableReader = TableReader(data, states, code_type(max(map(len, states.values()))))
        super().__init__(np.empty(0), states)

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.reader.n_rows

    def _copy(self, begin: int, end: int, largest: Array) -> tuple[Array, int]:
        return self.reader.read(begin, end), -1  # the reader names what is wrong

    def _rows(self, begin: int, end: int) -> Array:
        return self.reader.read(begin, min(end, self.n)).T
