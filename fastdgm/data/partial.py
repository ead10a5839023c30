"""Rows in which values are missing, for inference: blocks with a note of what is missing where."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import MissingValuesError
from ..runtime.arrays import read_only
from ..runtime.text import preview
from .boundary import as_network_block, is_table
from .code_arrays import rows_array
from .collected import collected
from .columns import matched_columns, refuse_no_columns
from .evidence_rows import as_evidence
from .labels import Column
from .missing_codes import missing_code
from .mixed import cells_of, columns_but, columns_by_name, real_block, real_rows, wrong_shape
from .partial_codes import read_codes, read_vectors
from .real_blocks import RealBlock
from .reals import float_type
from .samples import Samples
from .schema import Schema, Values
from .variables import Discrete

Array = npt.NDArray[Any]


class Pattern(NamedTuple):
    """What is missing in a row: discrete variables by name, real numbers by their row of the block of reals.

    Of a discrete vector that is known in part, the missing cells are given by their row of the block of codes.
    """

    discrete: frozenset[str]
    reals: frozenset[int]
    cells: frozenset[int] = frozenset()

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return not (self.discrete or self.reals or self.cells)


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
        n_codes, owners = self.schema.n_codes, self.schema.code_owners
        by_name: dict[str, list[int]] = {}
        for row in rows:
            if row < n_codes:
                by_name.setdefault(owners[row], []).append(row)
        whole = {name for name, cells in by_name.items() if len(cells) == self.schema.variables[name].size}
        return Pattern(
            frozenset(whole),
            frozenset(row - n_codes for row in rows if row >= n_codes),
            frozenset(cell for name, cells in by_name.items() if name not in whole for cell in cells),
        )


def holds_reals_alone(data: Any, schema: Schema) -> bool:
    """Whether data are an array ``(n, n_reals)`` of the real variables, the discrete ones being absent."""
    if not schema.n_codes or isinstance(data, Samples) or is_table(data):
        return False
    array = rows_array(data)
    return array.ndim == 2 and array.shape[1] == schema.n_reals and array.dtype.kind in "iuf"


def without_latent(data: Any, schema: Schema, latent: Collection[str]) -> Any:
    """Data as they are; an array ``(n, all cells but those of latent variables)`` as columns by name.

    ValueError where that is as wide as the real variables alone.
    """
    if not latent or isinstance(data, Samples) or is_table(data):
        return data
    array = rows_array(data)
    columns = columns_but(array, schema, latent)
    if columns is not None and holds_reals_alone(array, schema):
        raise ValueError(
            f"an array of {array.shape[1]} columns may hold the real variables {preview(schema.real_names)} or all but "
            f"the latent {preview(sorted(latent))}: give columns by name, {{name: values}}"
        )
    return data if columns is None else columns


def without(rows: PartialRows, name: str) -> PartialRows:
    """The same rows with a discrete variable missing in all of them."""
    first, size = rows.schema.rows[name], rows.schema.variables[name].size
    return rows._replace(missing={**rows.missing, **dict.fromkeys(range(first, first + size))})


def only(rows: PartialRows, names: Collection[str]) -> PartialRows:
    """The same rows with nothing known of any variables but those named."""
    schema = rows.schema
    hidden: list[int] = []
    for name, variable in schema.variables.items():
        if name not in names:
            first = schema.rows[name] + (schema.n_codes if name in schema.sizes else 0)
            hidden += range(first, first + variable.size)
    return rows._replace(missing={**rows.missing, **dict.fromkeys(hidden)})


def as_partial_rows(data: Any, schema: Schema) -> PartialRows:
    """Rows of a table or of Samples, columns of which may be absent or have missing values, or of an array.

    Missing are NaN, None, null, empty labels, -1 in signed integers and the largest number in unsigned ones, where no
    state has that name or code. An array ``(n, n_reals)`` holds the real variables alone. Raises as
    ``as_network_block`` for everything else that is wrong.
    """
    data = collected(data)
    if schema.is_discrete and not schema.has_discrete_vectors:
        return _rows_of_codes(data, schema)
    if isinstance(data, Samples) and data.schema == schema and not data.n_missing:
        part = as_network_block(data, schema).read(0, len(data))
        return PartialRows(Values(part.codes, part.reals), schema, {})
    if is_table(data):
        columns, n = matched_columns(data, schema.names, schema.event_shapes, partial=True)
        refuse_no_columns(columns, schema.names)
        return _rows_of_table(columns, real_block(_real_columns(columns, schema), schema, missing=True), n, schema)
    array = rows_array(data)
    if schema.is_discrete and not np.ma.is_masked(array):
        with suppress(MissingValuesError):
            return _complete_codes(array, schema)
    names, cells = _cells(array, schema)
    columns = columns_by_name(array, names, schema.vectors)
    if array.dtype.kind not in "iuf" or np.ma.is_masked(array):
        return _rows_of_table(
            columns, real_block(_real_columns(columns, schema), schema, missing=True), len(array), schema
        )
    floats = array.astype(float_type([array]), copy=False)
    return _rows_of_table(columns, real_rows(floats, cells, schema, missing=True), len(array), schema)


def _rows_of_codes(data: Any, schema: Schema) -> PartialRows:
    """Rows of discrete variables, none of them a vector."""
    block = as_evidence(data, schema)
    found, soft, _ = block.read(0, block.n)
    if soft:
        raise ValueError(f"rows hold values here, not likelihoods: {schema.names[soft[0]]!r} has an array of floats")
    missing: dict[int, Array | None] = {}
    for v, own in enumerate(found):
        empty = own == missing_code(own.dtype)
        if empty.any():
            missing[v] = _or_none(empty)
            own[empty] = 0
    codes = read_only(found.astype(schema.code_dtype, copy=False))
    return PartialRows(Values(codes, np.empty((0, block.n), np.float32)), schema, missing)


def _real_columns(columns: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    return {name: columns[name] for name in schema.real_names if name in columns}


def _rows_of_table(columns: Mapping[str, Any], real: RealBlock, n: int, schema: Schema) -> PartialRows:
    """Columns of codes by name, and a block of reals."""
    missing: dict[int, Array | None] = {}
    codes = np.zeros((schema.n_codes, n), schema.code_dtype)
    for name, variable in schema.variables.items():
        if isinstance(variable, Discrete):
            own = range(schema.rows[name], schema.rows[name] + variable.size)
            if name in columns:
                found = _read_variable(name, columns[name], variable, codes[own.start : own.stop])
                if found is not None:
                    missing |= {row: _or_none(empty) for row, empty in zip(own, found, strict=True) if empty.any()}
            else:
                missing |= dict.fromkeys(own)
    reals = real.read(0, n) if schema.n_reals else np.empty((0, n), np.float32)
    for row in range(schema.n_reals):
        empty = np.isnan(reals[row])
        if empty.any():
            missing[schema.n_codes + row] = _or_none(empty)
    return PartialRows(Values(read_only(codes), read_only(reals)), schema, missing)


def _read_variable(name: str, column: Any, variable: Discrete, out: Array) -> Array | None:
    """Fill in the codes (size, n) of a variable; returns where they are missing, None for nowhere."""
    if variable.event_shape:
        return read_vectors(name, column, variable, out)
    return read_codes(Column(name, variable.states), column, out[0])[None]


def _or_none(empty: Array) -> Array | None:
    """Where a value is missing; None: everywhere."""
    return None if empty.all() else empty


def _complete_codes(array: Array, schema: Schema) -> PartialRows:
    """Rows of codes without any that are missing."""
    block = as_network_block(array, schema)
    codes = block.read(0, block.n).codes
    return PartialRows(Values(codes, np.empty((0, block.n), np.float32)), schema, {})


def _cells(array: Array, schema: Schema) -> tuple[Sequence[str], Array]:
    """The variables that an array of rows holds, and which of its columns are the reals."""
    n_cells = schema.n_codes + schema.n_reals
    if array.ndim == 2 and array.shape[1] == n_cells:
        return schema.names, cells_of(schema)[1]
    if holds_reals_alone(array, schema):
        return schema.real_names, np.arange(schema.n_reals)
    raise wrong_shape(array.shape, schema)
