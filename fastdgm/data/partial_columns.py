"""Columns of a discrete variable in which values are missing, looked into once, whose rows become codes or missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..kernels.evidence_tiles import codes_of_floats_cpu, relabel_or_missing_cpu
from ..runtime.arrays import read_only
from ..runtime.text import preview
from .column_pieces import column_pieces, is_missing
from .labels import (
    Column,
    Labels,
    Piece,
    as_unsigned,
    bad_code,
    check_distinct,
    codes_are_ambiguous,
    label_code,
    refuse_ambiguous,
    unknown_label,
)
from .missing_codes import missing_code

Array = npt.NDArray[Any]


class PartialColumn:
    """Integers and whole floats as codes, labels by name, what is missing as the code with all bits set.

    Missing are None, NaN, null, empty labels, -1 in signed integers and the largest number in unsigned ones, where it
    is no state.

    Reading is safe from several threads.

    Parameters
    ----------
    variable : name and states.
    column : a column of any make.
    dtype : of the codes, wide enough for one more than there are states.
    first_row : how many rows come before the column, for messages.

    Raises
    ------
    UnknownNameError : a label that is no state. ValueError : codes out of range, when read; numbers where they could be
        codes or names. TypeError : values of another kind.
    """

    def __init__(self, variable: Column, column: Any, dtype: np.dtype[Any], first_row: int = 0) -> None:
        self._pieces: list[PartialPiece] = []
        row = first_row
        for piece in column_pieces(variable.name, column, partial=True):
            self._pieces.append(PartialPiece(piece, variable, dtype, row))
            row += len(piece)

    def read(self, begin: int, end: int, out: Array) -> None:
        """Write the codes of rows ``begin`` to ``end`` into ``out``."""
        row = -begin  # where the next piece starts in ``out``
        for piece in self._pieces:
            first, last = max(row, 0), min(row + len(piece), end - begin)
            if first < last:
                piece.read(first - row, last - row, out[first:last])
            row += len(piece)


class PartialPiece:
    """One piece of such a column."""

    def __init__(self, piece: Piece, variable: Column, dtype: np.dtype[Any], first_row: int) -> None:
        self._variable = variable
        self._first_row = first_row
        self._values = piece.values
        self._labels = piece.labels if isinstance(piece, Labels) else None
        if self._labels is None:
            codes = np.arange(len(variable.states))
            if codes_are_ambiguous(variable.states) and not _all_missing(piece.values, variable.states):
                refuse_ambiguous(variable)
        else:
            codes = self._codes_of_labels(self._labels)
        missing = missing_code(dtype)
        self._table = read_only(np.concatenate([[missing], np.where(codes < 0, missing, codes)]).astype(dtype))

    def __len__(self) -> int:
        return len(self._values)

    def read(self, begin: int, end: int, out: Array) -> None:
        """Write the codes of rows ``begin`` to ``end`` of the piece into ``out``."""
        values = np.ascontiguousarray(self._values[begin:end])
        places = floats_as_codes(values) if values.dtype.kind == "f" else self._unsigned(values)
        if relabel_or_missing_cpu(read_only(places), self._table, out) >= len(self._table):
            raise self._problem(values, places, begin)

    def _unsigned(self, values: Array) -> Array:
        """As unsigned integers that leave the one with all bits to what is missing."""
        n_values = len(self._table) - 1
        if values.dtype.kind == "u" and n_values > np.iinfo(values.dtype).max:
            values = values.astype(f"u{2 * values.itemsize}")
        return as_unsigned(values, n_values)

    def _codes_of_labels(self, labels: Any) -> Array:
        """The code of every label, -1 of one that says that nothing is known."""
        check_distinct(self._variable.name, [label for label in labels if not _is_empty(label)])
        position = {state: k for k, state in enumerate(self._variable.states)}
        codes = np.array([label_code(label, position) for label in labels], np.int64)
        unknown = [i for i, label in enumerate(labels) if codes[i] < 0 and not _is_empty(label)]
        if unknown:
            used = np.isin(self._values, unknown)
            if used.any():
                row = int(used.argmax())
                raise unknown_label(labels[int(self._values[row])], self._variable, self._first_row + row)
        return codes

    def _problem(self, values: Array, places: Array, begin: int) -> Exception:
        """The error for the first value that is none of the variable's."""
        following = places + places.dtype.type(1)
        row = int((following >= len(self._table)).argmax())
        value, place = values[row], self._first_row + begin + row
        if self._labels is not None:
            return ValueError(
                f"column {self._variable.name!r} is damaged: row {place} refers to label {value} of {len(self._labels)}"
            )
        if value.dtype.kind != "f":
            return bad_code(self._variable, place, value)
        return bad_float(self._variable, place, value)


def bad_float(variable: Column, row: int, value: np.floating[Any]) -> ValueError:
    """The error for a float that is no code."""
    if not float(value).is_integer():
        return ValueError(f"floats are codes and must be whole: column {variable.name!r}, row {row} is {value}")
    return ValueError(
        f"codes of {variable.name!r} run from 0 to {len(variable.states) - 1} ({preview(variable.states)}), and among "
        f"floats NaN is a missing value: row {row} is {value}"
    )


def floats_as_codes(values: Array) -> Array:
    """Floats, in C order, as uint32: whole numbers, all bits for NaN, a number beyond all codes for anything else."""
    codes = np.empty(values.shape, np.uint32)
    native = values if values.dtype.char in "fd" and values.dtype.isnative else values.astype(np.float64)
    codes_of_floats_cpu(read_only(native.reshape(-1)), codes.reshape(-1))
    return codes


def _all_missing(values: Array, states: Sequence[str]) -> bool:
    """Whether nothing is known in any row, also where a state has the name, or the code, of a missing value."""
    if values.dtype.kind == "f":
        return bool(np.isnan(values).all())
    if values.dtype.kind == "i":
        return not len(values) or ("-1" not in states and bool((values == -1).all()))
    marker = missing_code(values.dtype)
    return not len(values) or (marker >= len(states) and bool((values == marker).all()))


def _is_empty(label: object) -> bool:
    return is_missing(label) or label == ""  # an empty cell of a CSV file
