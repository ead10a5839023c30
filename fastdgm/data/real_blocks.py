"""Reals of a network in the form in which they came: columns, rows of an array, or columns of a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..kernels.real_tiles import check_reals_cpu, reals_from_rows_cpu
from ..runtime.arrays import read_only
from .real_columns import RealColumn, RealColumns, bad_real
from .schema import Schema

Array = npt.NDArray[Any]


class RealBlock(ABC):
    """The reals of ``schema``; NaN is a missing value, refused unless ``missing``."""

    def __init__(self, schema: Schema, missing: bool = False) -> None:
        self.schema = schema
        self.missing = missing

    @abstractmethod
    def read(self, begin: int, end: int) -> Array:
        """Rows ``begin`` to ``end`` as checked columns (n_reals, end - begin) in C order."""

    def checked_in_place(self, begin: int, end: int) -> Array | None:
        """The whole block (n_reals, n), of which these rows are checked, where loops can read it as it is."""
        return None

    def explain(self, columns: Array, begin: int) -> ValueError:
        """The error for the first row of checked columns with a number that is not allowed; ``begin`` is the first."""
        wrong = np.isinf(columns) if self.missing else ~np.isfinite(columns)
        if not wrong.any():
            return ValueError("data must not change while it is read: a number that is not finite is no longer there")
        row = int(wrong.any(axis=0).argmax())
        for name, size in self.schema.sizes.items():
            first = self.schema.rows[name]
            if wrong[first : first + size, row].any():
                return bad_real(name, begin + row, columns[first : first + size, row], self.missing)
        raise AssertionError("every row of the block belongs to a variable")


class RealColumnBlock(RealBlock):
    """Floats ``(n_reals, n)``, of the native byte order."""

    def __init__(self, array: Array, schema: Schema, missing: bool = False) -> None:
        super().__init__(schema, missing)
        self.array: Array = read_only(array)

    def read(self, begin: int, end: int) -> Array:
        """A copy, which is then checked."""
        columns = np.array(self.array[:, begin:end], order="C")
        self._check(columns, begin, 0, end - begin)
        return columns

    def checked_in_place(self, begin: int, end: int) -> Array | None:
        """Where the block is in C order."""
        if not self.array.flags.c_contiguous:
            return None
        self._check(self.array, begin, begin, end)
        return self.array

    def _check(self, columns: Array, first: int, begin: int, end: int) -> None:
        if check_reals_cpu(begin, end, self.missing, read_only(columns)) >= 0:
            raise self.explain(columns[:, begin:end], first)


class RealRowBlock(RealBlock):
    """Cells of floats ``(n, n_cells)`` in C order: the reals, in their order."""

    def __init__(self, array: Array, cells: Array, schema: Schema, missing: bool = False) -> None:
        super().__init__(schema, missing)
        self.array: Array = read_only(array)
        self._cells = read_only(cells)

    def read(self, begin: int, end: int) -> Array:
        """Turned into columns and checked in one pass."""
        columns = np.empty((len(self._cells), end - begin), self.array.dtype)
        if reals_from_rows_cpu(begin, end, self.missing, self.array, self._cells, columns) >= 0:
            raise self.explain(self.array[begin:end, self._cells].T, begin)
        return columns


class RealTableBlock(RealBlock):
    """Columns of a table by name; those of absent variables are missing."""

    def __init__(self, columns: Mapping[str, RealColumn | RealColumns], schema: Schema, missing: bool = False) -> None:
        super().__init__(schema, missing)
        self._columns = columns
        self.dtype: np.dtype[Any] = np.result_type(np.float32, *(column.dtype for column in columns.values()))

    def read(self, begin: int, end: int) -> Array:
        """Converted and checked, column by column."""
        block = np.empty((self.schema.n_reals, end - begin), self.dtype)
        for name, size in self.schema.sizes.items():
            first = self.schema.rows[name]
            if name in self._columns:
                self._columns[name].read(begin, end, block[first : first + size])
            else:
                block[first : first + size] = np.nan
        return block
