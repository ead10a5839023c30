"""Rows of discrete and real variables: one block of both."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ..runtime.arrays import read_only
from ..runtime.text import preview
from .blocks import Block, CodeBlock, ColumnBlock, Part, TableBlock
from .code_arrays import code_array_block
from .columns import matched_columns
from .labels import missing_value
from .real_blocks import RealBlock, RealColumnBlock, RealRowBlock, RealTableBlock
from .real_columns import real_column
from .reals import float_type
from .samples import Samples
from .schema import Schema, Values
from .vector_tables import VectorTableBlock, VectorTableReader, WholeRowBlock

Array = npt.NDArray[Any]


class MixedBlock(Block):
    """A block of codes, as those of networks of tables are, beside one of reals.

    Reals are checked where they are, and read there if there are no codes; beside codes both are copied.
    """

    cells_per_piece = 1 << 18  # 1 MiB of float32: still in the cache when the loops come after the check

    def __init__(self, codes: CodeBlock | None, reals: RealBlock, n: int, schema: Schema) -> None:
        super().__init__(schema.cell_states)
        self.codes = codes
        self.reals = reals
        self._schema = schema
        self._n = n
        self._no_codes = read_only(np.empty((0, n), schema.code_dtype))

    @property
    def n(self) -> int:
        """Number of rows."""
        return self._n

    @property
    def schema(self) -> Schema:
        """The variables."""
        return self._schema

    def read(self, begin: int, end: int, in_place: Collection[str] = ()) -> Part:
        """Checked columns."""
        if self.codes is not None:
            part = self.codes.read(begin, end)
            return part._replace(reals=read_only(self.reals.read(begin, end)))
        whole = self.reals.checked_in_place(begin, end)
        if whole is not None:
            return Part("columns", self._no_codes, 0, whole)
        codes = self._no_codes[:, begin:end]
        return Part("columns", codes, begin, read_only(self.reals.read(begin, end)))

    def explain(self, row: int) -> ValueError:
        """The error for the first code out of range from ``row`` on."""
        if self.codes is not None:
            return self.codes.explain(row)
        return ValueError(f"data must not change while it is read: a code out of range came at or after row {row}")


def samples_block(samples: Samples) -> MixedBlock:
    """Samples of the network's own variables."""
    return values_block(samples.blocks, samples.schema)


def values_block(values: Values, schema: Schema) -> MixedBlock:
    """Codes and reals of a network."""
    codes, reals = values
    own = ColumnBlock(read_only(np.ascontiguousarray(codes)), schema.cell_states) if schema.n_codes else None
    return MixedBlock(own, RealColumnBlock(reals, schema), reals.shape[1], schema)


def table_block(data: Any, schema: Schema) -> MixedBlock:
    """A table whose columns are the variables of a network."""
    columns, n = matched_columns(data, schema.names, schema.event_shapes)
    reals = {name: columns[name] for name in schema.real_names}
    return MixedBlock(_codes_of_table(columns, n, schema), real_block(reals, schema), n, schema)


def _codes_of_table(columns: Mapping[str, Any], n: int, schema: Schema) -> CodeBlock | None:
    """The discrete variables of a table."""
    own = {name: columns[name] for name in schema.code_names}
    if schema.has_discrete_vectors:
        return VectorTableBlock(own, n, schema)
    return TableBlock(own, schema.states) if own else None


def real_block(columns: Mapping[str, Any], schema: Schema, missing: bool = False) -> RealBlock:
    """The reals of a table; vectors that lie in an array as they would in one of rows are read as such.

    With ``missing`` NaN is allowed, and columns may be absent.
    """
    shapes = schema.event_shapes
    found = {name: real_column(name, column, shapes.get(name), missing) for name, column in columns.items()}
    if len(found) == 1 and len(schema.sizes) == 1:
        whole = next(iter(found.values())).whole
        if whole is not None:
            return RealRowBlock(whole, np.arange(schema.n_reals), schema, missing)
    return RealTableBlock(found, schema, missing)


def mixed_array_block(array: Array, schema: Schema) -> MixedBlock:
    """Rows ``(n, n_cells)`` of numbers, a cell for each code and each number of a real variable, in order."""
    if array.ndim != 2 or array.shape[1] != schema.n_codes + schema.n_reals:
        raise wrong_shape(array.shape, schema)
    if np.ma.is_masked(array):
        row, cell = (int(i) for i in np.argwhere(np.ma.getmaskarray(array))[0])
        raise missing_value(schema.cell_names[cell], row)
    array = np.asarray(array)
    if array.dtype.kind not in "iuf":
        return table_block(columns_by_name(array, schema.names, schema.vectors), schema)
    codes, reals = cells_of(schema)
    own = _codes_of_array(array if not schema.n_reals else array[:, codes], schema) if schema.n_codes else None
    floats = array.astype(float_type([array]), copy=False) if schema.n_reals else np.empty((len(array), 0), np.float32)
    return MixedBlock(own, real_rows(floats, reals, schema), len(array), schema)


def _codes_of_array(array: Array, schema: Schema) -> CodeBlock:
    """Codes (n, n_codes)."""
    if array.dtype.kind == "f" and schema.has_discrete_vectors:
        return WholeRowBlock(array, schema.cell_states)
    return code_array_block(array, schema.cell_states)


def wrong_shape(shape: tuple[int, ...], schema: Schema) -> ValueError:
    """The error for an array of rows of another shape."""
    alone = (
        f", or (n_rows, {schema.n_reals}) for the real ones alone, {preview(schema.real_names)}, where discrete ones "
        "may be missing"
        if schema.n_codes and schema.n_reals
        else ""
    )
    vector = next((name for name, own in schema.event_shapes.items() if shape[1:] in (own, (prod(own),))), None)
    by_name = f"; a column of vectors {vector!r} is given by name, as in {{{vector!r}: array}}" if vector else ""
    return ValueError(
        f"an array of rows has shape (n_rows, {schema.n_codes + schema.n_reals}), one column per variable (as many as "
        f"it has values for a vector) in the order {preview(schema.names)}{alone}, got shape {shape}{by_name}"
    )


def real_rows(floats: Array, cells: Array, schema: Schema, missing: bool = False) -> RealBlock:
    """The reals of rows of floats, which are the columns ``cells``; with ``missing`` NaN is allowed."""
    if floats.flags.f_contiguous:
        return RealColumnBlock(floats.T[cells] if schema.n_codes else floats.T, schema, missing)
    return RealRowBlock(np.ascontiguousarray(floats), cells, schema, missing)


def cells_of(schema: Schema) -> tuple[Array, Array]:
    """Which columns of an array of rows are the codes, and which the reals."""
    is_real = np.concatenate([np.full(own.size, name in schema.sizes) for name, own in schema.variables.items()])
    return np.flatnonzero(~is_real), np.flatnonzero(is_real)


def columns_by_name(array: Array, names: Sequence[str], vectors: Mapping[str, int]) -> dict[str, Array]:
    """The columns of an array of rows: one for each variable, several for a vector."""
    columns: dict[str, Array] = {}
    first = 0
    for name in names:
        columns[name] = array[:, first : first + vectors[name]] if name in vectors else array[:, first]
        first += vectors.get(name, 1)
    return columns


def columns_but(array: Array, schema: Schema, absent: Collection[str]) -> dict[str, Array] | None:
    """The columns of rows of all variables but some; None where the array has not as many."""
    names = [name for name in schema.names if name not in absent]
    if array.ndim != 2 or array.shape[1] != sum(schema.variables[name].size for name in names):
        return None
    return columns_by_name(array, names, schema.vectors)


def known_rows(data: Any, schema: Schema) -> tuple[Block, Array]:
    """The rows of a table without labels that are no states, and which these are, (n_rows,) booleans."""
    columns, n = matched_columns(data, schema.names, schema.event_shapes)
    own = {name: columns[name] for name in schema.code_names}
    codes = VectorTableReader(own, n, schema, np.uint16, keep_unknown=True).read(0, n)
    kept: Array = np.all(codes < np.array([[len(states)] for states in schema.cell_states.values()]), axis=0)
    block = ColumnBlock(read_only(np.ascontiguousarray(codes[:, kept].astype(schema.code_dtype))), schema.cell_states)
    if schema.is_discrete and not schema.has_discrete_vectors:
        return block, kept
    reals = real_block({name: columns[name] for name in schema.real_names}, schema).read(0, n)[:, kept]
    return MixedBlock(block, RealColumnBlock(reals, schema), int(kept.sum()), schema), kept
