"""What the values of a column mean: integers are codes, strings are labels, booleans match False / True."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import MissingValuesError, UnknownNameError
from ..runtime.text import did_you_mean, preview
from .missing_codes import missing_code, missing_in

# What pandas, polars or pyarrow read as a number in a CSV file: blanks around it, a hexadecimal one too.
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?\s*", re.ASCII | re.IGNORECASE)
_HEXADECIMAL = re.compile(r"\s*[+-]?0x[0-9a-f]{1,16}\s*", re.ASCII | re.IGNORECASE)
_UNKNOWN = -1
SMALL_TABLE = 16  # labels that are looked up by comparing with each of them
NO_TABLE = np.empty(0, np.uint8)
Array = npt.NDArray[Any]


class Column(NamedTuple):
    """A column's name and the states its values may take; code k is the k-th state."""

    name: str
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """A column in dictionary form: row i holds ``labels[values[i]]``, and index -1 is a missing value.

    ``ordered`` says that the order of the labels belongs to the column's type, and is not just how they came.
    """

    values: Array
    labels: Sequence[object]
    ordered: bool

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """A column of integers, or of floats that must be whole."""

    values: Array

    def __len__(self) -> int:
        return len(self.values)


Piece = Labels | Codes


def codes_are_ambiguous(states: Sequence[str]) -> bool:
    """Whether a number could be meant as a code or as a state's name.

    True where some name reads as a number that is not its own code.

    Examples
    --------
    >>> codes_are_ambiguous(["0", "1.0"]), codes_are_ambiguous(["<5", "5+"]), codes_are_ambiguous(["0.0", "2.0"])
    (False, False, True)
    """
    return _misleading_code(states) is not None


def _misleading_code(states: Sequence[str]) -> int | None:
    """The first code whose state's name reads as another number."""
    numbers = map(_as_number, states)
    return next((k for k, number in enumerate(numbers) if number is not None and number != k), None)


def _as_number(name: str) -> float | None:
    """The finite number that a name reads as; others (``inf``) stand in no column that is accepted."""
    if _HEXADECIMAL.fullmatch(name):
        return int(name, 16)
    if _NUMBER.fullmatch(name):
        return number if math.isfinite(number := float(name)) else None
    return None


def label_code(label: object, position: Mapping[str, int]) -> int:
    """The code of a label: a string by name, a boolean by ``False`` / ``True``; -1 if there is no such state.

    Booleans match these names in any case, where a single one reads so: pyarrow also reads 0 and 1 as booleans.

    Examples
    --------
    >>> label_code("yes", {"no": 0, "yes": 1}), label_code(True, {"false": 0, "true": 1}), label_code(True, {"yes": 0})
    (1, 1, -1)
    """
    if isinstance(label, bool | np.bool_):
        name, digit = ("true", "1") if label else ("false", "0")
        alike = [state for state in position if state.lower() in (name, digit)]
        return position[alike[0]] if len(alike) == 1 and alike[0] != digit else _UNKNOWN
    if label is None:
        return _UNKNOWN
    return position.get(label if isinstance(label, str) else str(label), _UNKNOWN)


class Encoder:
    """A piece of a column, looked into far enough that any of its rows turn into codes by array operations alone.

    Raises MissingValuesError, UnknownNameError for a label that is no state, ValueError for a code out of range;
    each names column, row (``first_row`` rows come before the piece), value and what was allowed. With ``keep_unknown``
    such a label is one more code, the number of states.
    """

    def __init__(self, piece: Piece, variable: Column, first_row: int, keep_unknown: bool = False) -> None:
        self._variable = variable
        self._first_row = first_row
        self._keep_unknown = keep_unknown
        self._labels = piece.labels if isinstance(piece, Labels) else None
        self._n_values = len(variable.states if self._labels is None else self._labels)
        self._values = piece.values if isinstance(piece, Labels) else _checked_codes(piece.values, variable, first_row)
        self._unsigned = as_unsigned(self._values, self._n_values)
        self._table: Array | None = None  # None: the values are the codes
        if self._labels is not None:
            self._set_table(self._labels)

    def __len__(self) -> int:
        return len(self._values)

    def encode(self, begin: int, end: int, out: Array) -> None:
        """Write the codes of rows ``begin`` to ``end`` of the piece into ``out``."""
        part = self._unsigned[begin:end]
        table = NO_TABLE if self._table is None else self._table
        if part.dtype == out.dtype == np.uint8 and len(table) <= SMALL_TABLE:
            from ..kernels.tiles import relabel_cpu

            part.flags.writeable = False
            self._check(relabel_cpu(part, table.astype(np.uint8), out))
        else:
            self._check(part.max())
            out[:] = part if self._table is None else np.take(table, part.astype(np.intp, copy=False))

    def _check(self, largest: int) -> None:
        """Name the first value out of range if there is one."""
        if largest < self._n_values:
            return
        row = int((self._unsigned >= self._n_values).argmax())
        value = self._values[row]
        if self._labels is None:
            raise bad_code(self._variable, self._first_row + row, value)
        if value == -1 or (value.dtype.kind == "u" and value == missing_code(value.dtype)):
            raise missing_value(self._variable.name, self._first_row + row)
        raise ValueError(
            f"column {self._variable.name!r} is damaged: row {self._first_row + row} refers to label {value} "
            f"of {self._n_values}"
        )

    def _set_table(self, labels: Sequence[object]) -> None:
        """Find the code of every label; a label that is no state is an error only if a row uses it."""
        check_distinct(self._variable.name, labels)
        position = {state: k for k, state in enumerate(self._variable.states)}
        table = np.array([label_code(label, position) for label in labels], np.int64)
        unknown = table == _UNKNOWN
        if unknown.any() and len(self):
            self._check(self._unsigned.max())
            used = unknown[self._unsigned.astype(np.intp, copy=False)]
            if used.any():
                row = int(used.argmax())
                label = labels[int(self._values[row])]
                if _is_missing(label) or not self._keep_unknown:
                    raise unknown_label(label, self._variable, self._first_row + row)
        same = np.arange(len(table))
        table[unknown] = len(self._variable.states) if self._keep_unknown else same[unknown]
        if np.array_equal(table, same):
            return
        self._table = table


def check_distinct(name: str, labels: Sequence[object]) -> None:
    """ValueError where labels of different types, 1 and "1", read alike: they would be one state."""
    if len(set(map(type, labels))) < 2:
        return
    kinds: dict[str, type] = {}
    for label in labels:
        if label is not None and kinds.setdefault(str(label), type(label)) is not type(label):
            raise ValueError(
                f"state names must be distinct, column {name!r} has two categories that read {str(label)!r}"
            )


def missing_value(name: str, row: int) -> MissingValuesError:
    """The error for an empty cell."""
    return MissingValuesError(
        f"missing values are not supported yet by this operation: column {name!r}, row {row} is missing; "
        "drop or fill such rows first"
    )


def bad_code(variable: Column, row: int, value: np.integer[Any]) -> ValueError:
    """The error for an integer that is no code: missing where it is -1, or the largest unsigned number."""
    limits = np.iinfo(value.dtype)
    minus_one = value == -1 and "-1" not in variable.states
    if minus_one or (limits.min == 0 and value == limits.max):
        return missing_value(variable.name, row)
    return ValueError(
        f"codes of {variable.name!r} run from 0 to {len(variable.states) - 1} ({preview(variable.states)}): "
        f"row {row} is {value}"
    )


def codes_in_range(codes: Array, variable: Column) -> Array:
    """Unsigned codes as they are; ValueError that names the first that is neither a state's nor missing."""
    bad = codes >= len(variable.states)
    missing = missing_in(codes, len(variable.states))
    if missing is not None:
        bad &= ~missing
    if bad.any():
        row = int(bad.argmax())
        raise bad_code(variable, row, codes[row])
    return codes


def whole_numbers(values: Array, name: str, first_row: int) -> Array:
    """Floats as integers, where every one is whole."""
    if values.dtype.kind != "f":
        return values
    nan = np.isnan(values)
    if nan.any():
        raise missing_value(name, first_row + int(nan.argmax()))
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.int64)
    broken = whole != values
    if broken.any():
        row = int(broken.argmax())
        raise ValueError(f"floats are codes and must be whole: column {name!r}, row {first_row + row} is {values[row]}")
    return whole


def as_unsigned(values: Array, n_values: int) -> Array:
    """The same integers with negative ones above ``n_values``, so that one maximum checks both bounds."""
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    if native.dtype.kind == "i" and n_values > np.iinfo(native.dtype).max + 1:
        native = native.astype(np.int32)  # of 200 states, -1 in int8 would be state 255, and -100 be state 156
    return native.view(f"u{native.dtype.itemsize}")


def refuse_ambiguous(variable: Column) -> None:
    """ValueError where numbers in a named column could be codes or the names of states."""
    name, states = variable
    if (k := _misleading_code(states)) is not None:
        raise ValueError(
            f"numbers in column {name!r} could be codes or the state names {preview(states)} (code {k} is "
            f"{states[k]!r:.80}): pass labels as strings, for example column.astype(str), or codes as an array, "
            "for example np.asarray(frame)"
        )


def _checked_codes(values: Array, variable: Column, first_row: int) -> Array:
    if len(values):
        refuse_ambiguous(variable)
    return whole_numbers(values, variable.name, first_row)


def _is_missing(label: object) -> bool:
    return label is None or label == ""  # an empty cell of a CSV file


def unknown_label(label: object, variable: Column, row: int) -> Exception:
    """The error for a label that is no state, or for none."""
    if _is_missing(label):
        return missing_value(variable.name, row)
    if isinstance(label, bool):
        return UnknownNameError(
            f"booleans match the states False and True, but {variable.name!r} has {preview(variable.states)}: "
            f"row {row} is {label}; pass labels as strings or codes as integers"
        )
    return UnknownNameError(
        f"column {variable.name!r}, row {row}: {str(label)!r} is no state, "
        f"the {len(variable.states)} states are {preview(variable.states)}"
        f"{did_you_mean(str(label), variable.states)}"
    )
