"""The columns of one real variable in a table, looked into once, whose rows become floats when they are read."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from .labels import missing_value
from .reals import float_type, real_pieces
from .vectors import Elements, element_names

Array = npt.NDArray[Any]


def real_column(
    name: str, column: Any, shape: tuple[int, ...] | None = None, missing: bool = False
) -> RealColumn | RealColumns:
    """The column of a variable, or the columns of the numbers of a vector; ``shape`` is that of vectors."""
    if isinstance(column, Elements):
        return RealColumns(name, column.columns, missing)
    return RealColumn(name, column, shape, missing)


class RealColumn:
    """Numbers ``(n,)`` or vectors ``(n, size)`` of one column; reading is safe from several threads.

    Raises as :func:`fastdgm.data.reals.real_pieces`; when read, ValueError for an infinite number and, unless missing
    values are allowed, MissingValuesError for NaN, both with column and row.
    """

    def __init__(self, name: str, column: Any, shape: tuple[int, ...] | None = None, missing: bool = False) -> None:
        self._name = name
        self._missing = missing
        self._pieces = [piece for piece in real_pieces(name, column, shape) if len(piece)]
        self.dtype: np.dtype[Any] = float_type(piece for piece in self._pieces if not missing or _has_values(piece))
        self.size: int = 1 if shape is None else prod(shape)

    @property
    def whole(self) -> Array | None:
        """Vectors of floats ``(n, size)`` that lie in one array in C order, of a type that loops read."""
        if len(self._pieces) != 1:
            return None
        piece = self._pieces[0]
        is_plain = piece.ndim == 2 and piece.flags.c_contiguous and piece.dtype in (np.float32, np.float64)
        return piece if is_plain and piece.dtype.isnative else None

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
        self.dtype: np.dtype[Any] = np.result_type(*present) if present else np.dtype(np.float32)
        self.size: int = len(columns)
        self.whole: Array | None = None  # no array has them all

    def read(self, begin: int, end: int, out: Array) -> None:
        """Write rows ``begin`` to ``end`` into ``out`` (size, end - begin)."""
        for column, own in zip(self._columns, np.split(out, self.size), strict=True):
            if column is None:
                own[:] = np.nan
            else:
                column.read(begin, end, own)


def _has_values(piece: Array) -> bool:
    """A column in which all values are missing does not decide the type of the others."""
    return piece.dtype.kind != "f" or not bool(np.isnan(piece).all())


def bad_real(name: str, row: int, numbers: Array, missing: bool) -> ValueError:
    """The error for the first number of a row of one variable that is infinite, or missing where it must not be."""
    wrong = np.isinf(numbers) if missing else ~np.isfinite(numbers)
    i = int(wrong.argmax())
    own = name if len(numbers) == 1 else element_names(name, len(numbers))[i]
    if np.isnan(numbers[i]):
        return missing_value(own, row)
    return ValueError(f"real numbers are finite: column {own!r}, row {row} is {numbers[i]}")
