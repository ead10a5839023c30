"""Rows of discrete and real variables -> one block of both."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import MissingValuesError
from ..runtime.arrays import read_only
from .blocks import Block, Part
from .schema import Schema

Array = npt.NDArray[Any]


class MixedBlock(Block):
    """A block of codes, as those of networks of tables are, beside reals ``(n_reals, n)``."""

    def __init__(self, codes: Block | None, reals: Array, schema: Schema) -> None:
        super().__init__(reals, schema.states)
        self.codes = codes
        self.schema = schema
        self.layout = None if codes is None else codes.layout

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.array.shape[1])

    def _copy(self, begin: int, end: int, largest: Array) -> tuple[Array, int]:
        raise NotImplementedError("codes are read by their own block")

    def _rows(self, begin: int, end: int) -> Array:
        raise NotImplementedError("codes are explained by their own block")

    def read(self, begin: int, end: int, in_place: Collection[str] = ()) -> Part:
        """Checked columns of codes, and the same rows of the reals, which are finite."""
        reals = self.array[:, begin:end]
        finite = np.isfinite(reals)
        if not finite.all():
            raise self._explain_real(begin, finite)
        if self.codes is None:
            codes = np.empty((0, end - begin), self.schema.code_dtype)
        else:
            codes = self.codes.read(begin, end).codes
        return Part("columns", read_only(codes), begin, read_only(np.ascontiguousarray(reals)))

    def explain(self, row: int) -> ValueError:
        """The error for the first code out of range from ``row`` on."""
        return super().explain(row) if self.codes is None else self.codes.explain(row)

    def _explain_real(self, begin: int, finite: Array) -> ValueError:
        i, row = (int(index) for index in np.argwhere(~finite)[0])
        name = next(name for name, size in self.schema.sizes.items() if i < self.schema.rows[name] + size)
        value = self.array[i, begin + row]
        if np.isnan(value):
            return MissingValuesError(f"column {name!r}, row {begin + row} is missing (NaN)")
        return ValueError(f"real values are finite, column {name!r}, row {begin + row} is {value}")


def real_columns(columns: Mapping[str, Any], schema: Schema, n: int) -> Array:
    """The reals of named columns as one block."""
    arrays = [np.asarray(columns[name]) for name in schema.real_names]
    kind = np.float32 if all(array.dtype == np.float32 for array in arrays) else np.float64
    block = np.empty((schema.n_reals, n), kind)
    for name, array in zip(schema.real_names, arrays, strict=True):
        row, size = schema.rows[name], schema.sizes[name]
        block[row : row + size] = array.reshape(n, size).T
    return block
