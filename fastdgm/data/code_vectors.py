"""Columns of discrete vectors, looked into once, whose rows become rows of a block of codes when they are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import MissingValuesError
from ..kernels.tiles import columns_from_rows_cpu, narrow_columns_cpu
from ..runtime.arrays import read_only
from .column_pieces import column_pieces
from .empty_cells import filled
from .labels import (
    Column,
    Encoder,
    Labels,
    Piece,
    as_unsigned,
    bad_code,
    missing_value,
    refuse_ambiguous,
    whole_numbers,
)
from .variables import Discrete
from .vector_pieces import Event, Vectors, vector_pieces
from .vectors import element_names

Array = npt.NDArray[Any]
States = Mapping[str, tuple[str, ...]]

TILE_CELLS = 1 << 15


class CodeVectors(ABC):
    """Some vectors of a column; reading is safe from several threads."""

    def __init__(self, variable: Discrete, cells: tuple[str, ...], n: int, first_row: int) -> None:
        self.n = n
        self._states = variable.states
        self._cells = cells  # their names
        self._first_row = first_row  # of the column

    @abstractmethod
    def read(self, begin: int, end: int, out: Array) -> None:
        """Write vectors ``begin`` to ``end`` into ``out`` (size, end - begin), which is in C order.

        Raises ValueError or KeyError that names cell, row and value.
        """


class CodesInArray(CodeVectors):
    """Codes ``(n, size)`` as integers or whole floats: checked, narrowed and turned into columns in one pass."""

    def __init__(self, array: Array, variable: Discrete, cells: tuple[str, ...], first_row: int) -> None:
        super().__init__(variable, cells, len(array), first_row)
        self._array = array
        self._is_float = array.dtype.kind == "f"
        self._unsigned = array if self._is_float else as_unsigned(array, variable.n_states)
        flags = self._unsigned.flags
        self._has_columns = flags.f_contiguous and not (flags.c_contiguous or self._is_float)  # as those of Samples

    def read(self, begin: int, end: int, out: Array) -> None:
        """From where they are, or from a copy of these rows in C order."""
        largest = np.full(len(out), len(self._states) - 1, out.dtype)
        if self._has_columns:
            bad = narrow_columns_cpu(begin, end, largest, read_only(self._unsigned.T), out)
        else:
            rows = self._unsigned[begin:end]
            rows, bad = whole_codes(rows, out.dtype) if self._is_float else (rows, -1)
            if bad < 0:
                bad = columns_from_rows_cpu(0, end - begin, largest, read_only(np.ascontiguousarray(rows)), out)
            bad += begin * (bad >= 0)
        if bad >= 0:
            raise explained(self._array, dict.fromkeys(self._cells, self._states), bad, self._first_row)


class LabelsOfCells(CodeVectors):
    """The labels of vectors, one vector after another."""

    def __init__(
        self, piece: Labels, variable: Discrete, cells: tuple[str, ...], first_row: int, keep_unknown: bool
    ) -> None:
        super().__init__(variable, cells, len(piece) // len(cells), first_row)
        self._piece = piece
        self._keep_unknown = keep_unknown
        try:
            self._encoder = Encoder(piece, Column(cells[0], variable.states), first_row, keep_unknown)
        except (ValueError, KeyError):
            self._check_cells()
            raise

    def read(self, begin: int, end: int, out: Array) -> None:
        """Encoded as they lie, then turned into columns."""
        size = len(self._cells)
        rows = np.empty((end - begin, size), out.dtype)
        try:
            self._encoder.encode(begin * size, end * size, rows.reshape(-1))
        except (ValueError, KeyError):
            self._check_cells()
            raise
        largest = np.full(size, len(self._states) - 1 + self._keep_unknown, out.dtype)
        columns_from_rows_cpu(0, end - begin, largest, read_only(rows), out)

    def _check_cells(self) -> None:
        """Raise the error for the first cell that has a label which is no state."""
        codes = np.empty(self.n, np.uint16)
        for i, cell in enumerate(self._cells):
            labels = Labels(self._piece.values[i :: len(self._cells)], self._piece.labels, self._piece.ordered)
            own = Encoder(labels, Column(cell, self._states), self._first_row, self._keep_unknown)
            own.encode(0, self.n, codes)


def code_vectors(name: str, column: Any, variable: Discrete, keep_unknown: bool = False) -> Iterator[CodeVectors]:
    """A column of vectors of codes or labels, in as many parts as it is stored in.

    With ``keep_unknown`` a label that is no state is one more code, the number of states.

    Raises as ``vector_pieces``; MissingValuesError; ValueError for numbers that could be codes or names of states;
    KeyError for labels that are no states.
    """
    cells = element_names(name, variable.size)
    row = 0
    for vectors in vector_pieces(name, column, Event(variable.event_shape, "codes")):
        if vectors.n:
            piece = _piece(name, vectors, cells, row)
            if isinstance(piece, Labels):
                yield LabelsOfCells(piece, variable, cells, row, keep_unknown)
            else:
                refuse_ambiguous(Column(name, variable.states))
                yield CodesInArray(piece, variable, cells, row)
        row += vectors.n


def _piece(name: str, vectors: Vectors, cells: tuple[str, ...], row: int) -> Array | Labels:
    """Numbers as an array (n, size), or labels one after another."""
    values = vectors.values
    if isinstance(values, np.ndarray) and values.ndim == 2:
        if np.ma.is_masked(values):
            at, cell = (int(index) for index in np.argwhere(np.ma.getmaskarray(values))[0])
            raise missing_value(cells[cell], row + at)
        if values.dtype.kind != "b":
            return np.asarray(values)
        values = np.asarray(values).reshape(-1)
    piece = _flat_piece(name, values, cells, row)
    return piece if isinstance(piece, Labels) else piece.values.reshape(-1, len(cells))


def _flat_piece(name: str, values: Any, cells: tuple[str, ...], row: int) -> Piece:
    try:
        (piece,) = column_pieces(name, values)
    except MissingValuesError:
        at = int(np.argmax(filled(values)[1]))
        raise missing_value(cells[at % len(cells)], row + at // len(cells)) from None
    return piece


def whole_codes(rows: Array, dtype: np.dtype[Any]) -> tuple[Array, int]:
    """Floats as codes, and -1 or the first row of a tile that has one which is not whole, or out of range."""
    codes = np.empty(rows.shape, dtype)
    step = max(1, TILE_CELLS // max(1, rows.shape[1]))  # a tile is still in the cache when it is compared
    with np.errstate(invalid="ignore"):
        for first in range(0, len(rows), step):
            tile, own = rows[first : first + step], codes[first : first + step]
            np.copyto(own, tile, casting="unsafe")
            if not np.array_equal(own, tile):
                return codes, first
    return codes, -1


def explained(array: Array, states: States, row: int, first_row: int = 0) -> ValueError:
    """The error for the first number (n, n_cells) that is no code, from ``row`` on."""
    n_states = np.array([len(own) for own in states.values()])
    for begin in range(row, len(array), 4096):
        tile = array[begin : begin + 4096]
        fine = (tile >= 0) & (tile < n_states) & (np.trunc(tile) == tile)
        if not fine.all():
            at, i = divmod(int(np.argmin(fine)), len(n_states))
            cell, own = list(states.items())[i]
            return _bad_number(tile[at, i : i + 1], Column(cell, own), first_row + begin + at)
    return ValueError(f"data must not change while it is read: a code out of range came at or after row {row}")


def _bad_number(value: Array, variable: Column, row: int) -> ValueError:
    try:
        (number,) = whole_numbers(value, variable.name, row)
    except ValueError as error:
        return error
    return bad_code(variable, row, number)
