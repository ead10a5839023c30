"""Rows in which values are missing, for inference: blocks with a note of what is missing where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..runtime.arrays import read_only
from .boundary import as_network_block
from .columns import table_columns
from .samples import Samples
from .schema import Schema, Values

Array = npt.NDArray[Any]


class Pattern(NamedTuple):
    """What is missing in a row: discrete variables by name, real numbers by their row of the block of reals."""

    discrete: frozenset[str]
    reals: frozenset[int]

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return not (self.discrete or self.reals)


class PartialRows(NamedTuple):
    """Rows of a network's variables. Code 0 and NaN stand where a value is missing."""

    values: Values
    schema: Schema
    missing: Mapping[int, Array | None]  # by row of the blocks, codes before reals: in which rows; None: in all of them

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.values.codes.shape[1])

    def patterns(self) -> Iterator[tuple[Pattern, Array | None]]:
        """Every pattern of missing values with the rows that have it; None: all of them."""
        some = {row: own for row, own in self.missing.items() if own is not None}
        absent = [row for row, own in self.missing.items() if own is None]
        if not some:
            yield self._pattern(absent), None
            return
        packed = np.packbits(np.array(list(some.values())), axis=0).T
        found, place = np.unique(packed, axis=0, return_inverse=True)
        order = np.argsort(place.ravel(), kind="stable")
        ends = np.cumsum(np.bincount(place.ravel(), minlength=len(found)))
        for bits, rows in zip(found, np.split(order, ends[:-1]), strict=True):
            own = np.unpackbits(bits, count=len(some))
            yield (
                self._pattern([*absent, *(row for row, is_missing in zip(some, own, strict=True) if is_missing)]),
                rows,
            )

    def _pattern(self, rows: list[int]) -> Pattern:
        n_codes, names = self.schema.n_codes, self.schema.code_names
        return Pattern(
            frozenset(names[row] for row in rows if row < n_codes),
            frozenset(row - n_codes for row in rows if row >= n_codes),
        )


def without(rows: PartialRows, name: str) -> PartialRows:
    """The same rows with a discrete variable missing in all of them."""
    return rows._replace(missing={**rows.missing, rows.schema.rows[name]: None})


def as_partial_rows(data: Any, schema: Schema) -> PartialRows:
    """Columns of a table, some of them absent or with missing values (NaN, None, null, -1 in integers), as blocks.

    Samples and arrays have all columns. Raises as ``as_network_block`` for everything else that is wrong.
    """
    if isinstance(data, Samples) and data.schema == schema:
        return PartialRows(data.blocks, schema, {})
    if not _has_columns(data):
        data = _split(np.asarray(data), schema)
    columns = dict(table_columns(data, schema.names))
    n = len(next(iter(columns.values()))) if columns else 0
    missing: dict[int, Array | None] = {}
    for name in schema.names:
        found = _find_missing(columns[name]) if name in columns else None
        if found is not None and not found.any():
            continue
        row, size = schema.rows[name], schema.sizes.get(name, 1)
        first = row if name in schema.states else schema.n_codes + row
        for cell in range(size):
            missing[first + cell] = None if found is None else (found[:, cell] if found.ndim == 2 else found)
        columns[name] = _filled(name, columns.get(name), found, n, schema)
    block = as_network_block(columns, schema)
    part = block.read(0, n)
    reals = np.array(part.reals) if schema.n_reals else np.empty((0, n), np.float32)
    for row, own in missing.items():
        if row >= schema.n_codes:
            reals[row - schema.n_codes, slice(None) if own is None else own] = np.nan
    return PartialRows(Values(np.ascontiguousarray(part.codes), read_only(reals)), schema, missing)


def _has_columns(data: Any) -> bool:
    return isinstance(data, Mapping) or hasattr(data, "columns") or hasattr(data, "__arrow_c_stream__")


def _split(array: Array, schema: Schema) -> dict[str, Array]:
    columns, at = {}, 0
    for name in schema.names:
        size = schema.sizes.get(name, 0)
        columns[name] = array[:, at : at + size] if size > 1 else array[:, at]
        at += max(size, 1)
    return columns


def _find_missing(column: Any) -> Array:
    """Where a column has no value."""
    if hasattr(column, "isna"):
        return np.asarray(column.isna(), bool)
    values = np.asarray(column)
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind == "i":
        return values == -1
    if values.dtype.kind == "O":
        return np.array([own is None or own != own for own in values.tolist()], bool)
    return np.zeros(len(values), bool)


def _filled(name: str, column: Any, found: Array | None, n: int, schema: Schema) -> Array:
    """A complete column with some value where there was none."""
    if found is None:
        event = (schema.sizes[name],) if name in schema.sizes and schema.real(name).event_shape else ()
        return np.zeros((n, *event), np.uint8 if name in schema.states else np.float32)
    values = np.array(column, object if name in schema.states else None)
    known = values[~found]
    values[found] = (known[0] if len(known) else 0) if name in schema.states else 0.0
    return values
