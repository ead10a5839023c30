"""The columns of one real variable in a table, looked into once, whose rows become floats when they are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .labels import missing_value
from .reals import float_type, real_pieces

Array = npt.NDArray[Any]


def element_names(name: str, size: int) -> tuple[str, ...]:
    """The columns of a vector variable where a format has a column for every number.

    Examples
    --------
    >>> element_names("x", 3)
    ('x[0]', 'x[1]', 'x[2]')
    """
    return tuple(f"{name}[{i}]" for i in range(size))


class RealColumn:
    """Numbers ``(n,)`` or vectors ``(n, size)`` of one column; reading is safe from several threads.

    Raises as :func:`fastdgm.data.reals.real_pieces`; when read, ValueError for an infinite number and, unless missing
    values are allowed, MissingValuesError for NaN, both with column and row.
    """

    def __init__(self, name: str, column: Any, size: int | None = None, missing: bool = False) -> None:
        self._name = name
        self._missing = missing
        self._pieces = [piece for piece in real_pieces(name, column, size) if len(piece)]
        self.dtype = float_type(self._pieces)
        self.size = 1 if size is None else size

    def read(self, begin: int, end: int, out: Array) -> None:
        """Write rows ``begin`` to ``end`` into ``out`` (size, end - begin)."""
        row = -begin  # where the next piece starts in the block
        for piece in self._pieces:
            first, last = max(row, 0), min(row + len(piece), end - begin)
            if first < last:
                with np.errstate(over="ignore"):  # of a longdouble; it is infinite, and refused
                    out[:, first:last] = piece[first - row : last - row].reshape(last - first, self.size).T
            row += len(piece)
        self._check(begin, out)

    def _check(self, begin: int, out: Array) -> None:
        fine = ~np.isinf(out) if self._missing else np.isfinite(out)
        if not fine.all():
            row = int(fine.all(axis=0).argmin())
            raise bad_real(self._name, begin + row, out[:, row], self._missing)


class RealColumns:
    """A vector variable with one column for each of its numbers; None for those that are absent, hence missing."""

    def __init__(self, name: str, columns: Sequence[Any], missing: bool = False) -> None:
        names = element_names(name, len(columns))
        self._columns = [
            None if column is None else RealColumn(own, column, missing=missing)
            for own, column in zip(names, columns, strict=True)
        ]
        present = [column.dtype for column in self._columns if column is not None]
        self.dtype = np.result_type(*present) if present else np.dtype(np.float32)
        self.size = len(columns)

    def read(self, begin: int, end: int, out: Array) -> None:
        """Write rows ``begin`` to ``end`` into ``out`` (size, end - begin)."""
        for column, own in zip(self._columns, np.split(out, self.size), strict=True):
            if column is None:
                own[:] = np.nan
            else:
                column.read(begin, end, own)


def bad_real(name: str, row: int, numbers: Array, missing: bool) -> ValueError:
    """The error for the first number of a row of one variable that is infinite, or missing where it must not be."""
    wrong = np.isinf(numbers) if missing else ~np.isfinite(numbers)
    i = int(wrong.argmax())
    own = name if len(numbers) == 1 else element_names(name, len(numbers))[i]
    if np.isnan(numbers[i]):
        return missing_value(own, row)
    return ValueError(f"real numbers are finite: column {own!r}, row {row} is {numbers[i]}")
