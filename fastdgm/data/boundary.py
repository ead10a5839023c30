"""The boundary for data: any accepted form -> a block of codes that kernels read.

Nothing is copied where dtype and layout allow: columns of the network's own code type, or row-major codes of any
integer type, go to the loops as they are, which check them on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import UnknownNameError
from ..runtime.arrays import code_type, read_only
from ..runtime.text import preview
from .blocks import Block, ColumnBlock, RowBlock, States, TableBlock, WideColumnBlock
from .collected import collected
from .columns import kinds_of, matched_columns, table_columns
from .labels import Column, bad_code, missing_value, whole_numbers
from .mixed import MixedBlock, real_columns
from .placement import as_array
from .samples import Samples
from .schema import Schema
from .tables import TableReader, infer_states
from .variables import Real

Array = npt.NDArray[Any]


def as_block(data: Any, states: States) -> Block:
    """Samples, arrays, sequences of rows, torch CPU tensors, mappings of columns and frames -> a block of codes."""
    data = collected(data)
    if isinstance(data, Samples):
        if data.schema.n_reals or list(data.states.items()) != list(states.items()):
            return TableBlock(data, states)
        if data.dtype == _code_type(states):
            return ColumnBlock(read_only(np.ascontiguousarray(data.block)), states)
        return _array_block(data.block.T, states)
    if _is_table(data):
        return TableBlock(data, states)
    return _array_block(_as_array(data), states)


def as_network_block(data: Any, schema: Schema) -> Block:
    """As ``as_block``, for the variables of any network."""
    if schema.is_discrete:
        return as_block(data, schema.states)
    data = collected(data)
    if isinstance(data, Samples) and data.schema == schema:
        blocks = data.blocks
        codes = ColumnBlock(read_only(np.ascontiguousarray(blocks.codes)), schema.states) if schema.n_codes else None
        return MixedBlock(codes, blocks.reals, schema)
    columns, n = matched_columns(data if _is_table(data) else _split_columns(_as_array(data), schema), schema.names)
    own = {name: columns[name] for name in schema.code_names}
    return MixedBlock(TableBlock(own, schema.states) if own else None, real_columns(columns, schema, n), schema)


def _split_columns(array: Array, schema: Schema) -> dict[str, Array]:
    """The columns of an array ``(n, n_cells)`` by name; a vector takes as many as it has numbers."""
    widths = [schema.sizes.get(name, 1) for name in schema.names]
    if array.ndim != 2 or array.shape[1] != sum(widths):
        raise ValueError(f"an array of rows has shape (n_rows, {sum(widths)}), got shape {array.shape}")
    ends = np.cumsum(widths)
    columns: dict[str, Array] = {}
    for (name, variable), begin, end in zip(schema.variables.items(), ends - widths, ends, strict=True):
        is_vector = isinstance(variable, Real) and variable.event_shape
        columns[name] = array[:, begin:end] if is_vector else array[:, begin]
    return columns


def as_training_block(data: Any, known: States, names: Sequence[str]) -> Block:
    """As ``as_block``; states that ``known`` lacks are learnt: categories, sorted labels, codes up to the largest."""
    data = _read_once(data, names)
    return as_block(data, _learnt_states(data, known, names))


class KnownRows(NamedTuple):
    """The rows of data without labels that are no states."""

    block: Block
    kept: Array  # which rows of the data these are, (n_rows,) booleans
    first_problem: str  # the error for the first label that is no state


def as_known_block(data: Any, known: States, names: Sequence[str]) -> Block | KnownRows:
    """As ``as_training_block``; where rows hold labels that are no states, those without them."""
    data = _read_once(data, names)
    states = _learnt_states(data, known, names)
    try:
        return as_block(data, states)
    except UnknownNameError as error:
        problem = str(error)
    reader = TableReader(_columns(data, names), states, np.uint16, keep_unknown=True)  # raises for unknown columns
    codes = reader.read(0, reader.n_rows)
    kept: Array = np.all(codes < np.array([[len(own)] for own in states.values()]), axis=0)
    block = np.ascontiguousarray(codes[:, kept].astype(_code_type(states)))
    return KnownRows(ColumnBlock(read_only(block), states), kept, problem)


def _read_once(data: Any, names: Sequence[str]) -> Any:
    """A table as its columns, because an Arrow stream can be read only once; anything else as it is."""
    data = collected(data)
    return table_columns(data, names) if _is_table(data) and not isinstance(data, Samples) else data


def _learnt_states(data: Any, known: States, names: Sequence[str]) -> States:
    if all(name in known for name in names):
        return known
    return infer_states(_columns(data, names), known, names)


def _columns(data: Any, names: Sequence[str]) -> Any:
    """Data with named columns."""
    if isinstance(data, Samples) or _is_table(data):
        return data
    array = _as_array(data)
    if array.ndim != 2 or array.shape[1] != len(names):
        raise ValueError(f"an array of codes has shape (n_rows, {len(names)}), got shape {array.shape}")
    return {name: array[:, v] for v, name in enumerate(names)}


def _is_table(data: Any) -> bool:
    """Whether data has named columns."""
    return (
        isinstance(data, Mapping)
        or hasattr(data, "__arrow_c_stream__")
        or hasattr(data, "__dataframe__")
        or hasattr(data, "columns")
        or hasattr(data, "column_names")
    )


def _code_type(states: States) -> np.dtype[Any]:
    return code_type(max(map(len, states.values())))


def _as_array(data: Any) -> Array:
    data = as_array(data)
    if isinstance(data, np.ma.MaskedArray):
        return data
    if isinstance(data, np.ndarray):
        return np.asarray(data)  # a matrix has no columns of one dimension
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"data must be a rectangular array of codes: {error}") from None
    if array.ndim == 0 or isinstance(data, memoryview) or not isinstance(data, Sequence):
        return array
    return array.astype(np.int64) if array.size == 0 else _listed_rows(data, array)  # NumPy makes floats of no rows


def _listed_rows(rows: Sequence[Any], array: Array) -> Array:
    """What NumPy made of a list of rows, unless it turned booleans or codes into numbers or labels, or lost a mask."""
    if any(isinstance(row, np.ma.MaskedArray) for row in rows):
        return np.ma.array(rows)
    cells = np.array(rows, dtype=object)
    kinds = kinds_of(cells.ravel().tolist())
    return array if kinds <= {"integer", "float"} or len(kinds) == 1 else cells


def _array_block(array: Array, states: States) -> Block:
    if array.ndim != 2 or array.shape[1] != len(states):
        raise ValueError(
            f"an array of codes has shape (n_rows, {len(states)}), one column per variable in the order "
            f"{preview(states)}, got shape {array.shape}"
        )
    if isinstance(array, np.ma.MaskedArray) and array.mask.any():
        row, v = (int(i) for i in np.argwhere(array.mask)[0])
        raise missing_value(list(states)[v], row)
    array = np.asarray(array)  # a masked array, matrix or memory map as what it holds
    if array.dtype.kind == "f":
        array = _whole_codes(array, list(states))
    elif array.dtype.kind not in "iu":
        return TableBlock({name: array[:, v] for v, name in enumerate(states)}, states)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "i" and _may_hide_missing(array.dtype, states):
        return ColumnBlock(_narrow_columns(array, states), states)
    signed = array.dtype.kind == "i"
    unsigned = array.view(f"u{array.itemsize}") if signed else array
    dtype = _code_type(states)
    if unsigned.dtype == dtype and unsigned.flags.f_contiguous:
        return ColumnBlock(read_only(unsigned.T), states, signed)
    if unsigned.flags.c_contiguous:
        return RowBlock(read_only(unsigned), states, signed)
    if unsigned.itemsize > dtype.itemsize and unsigned.flags.f_contiguous:
        return WideColumnBlock(read_only(unsigned.T), states, signed)
    return ColumnBlock(_narrow_columns(array, states), states)


def _whole_codes(array: Array, names: list[str]) -> Array:
    """Floats as integers, column by column; NaN is missing, fractions are refused."""
    codes = np.empty(array.shape, np.int64, order="F")
    for v, name in enumerate(names):
        codes[:, v] = whole_numbers(array[:, v], name, 0)
    return codes


def _may_hide_missing(dtype: np.dtype[Any], states: States) -> bool:
    """Whether a negative code, seen as unsigned, could pass for a state: 200 states in int8."""
    return max(len(labels) for labels in states.values()) > np.iinfo(dtype).max + 1


def _narrow_columns(array: Array, states: States) -> Array:
    """Any integer array, column by column into a checked block of the network's code type."""
    block = np.empty((len(states), len(array)), _code_type(states))
    for v, (name, labels) in enumerate(states.items()):
        column = array[:, v]
        if len(column) and not (column.min() >= 0 and column.max() < len(labels)):
            row = int(np.flatnonzero((column < 0) | (column >= len(labels)))[0])
            raise bad_code(Column(name, labels), row, column[row])
        block[v] = column
    return read_only(block)
