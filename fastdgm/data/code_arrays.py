"""Arrays of rows of codes, and what becomes one (lists of rows, tensors): blocks that loops read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..runtime.arrays import code_type, read_only
from ..runtime.text import preview
from .blocks import CodeBlock, ColumnBlock, RowBlock, States, TableBlock, WideColumnBlock
from .column_pieces import kinds_of
from .cuda_arrays import refuse_on_cpu
from .labels import Column, bad_code, missing_value, whole_numbers
from .placement import as_array

Array = npt.NDArray[Any]


def rows_array(data: Any) -> Array:
    """Data without column names as an array; a list of rows keeps what its cells are."""
    data = as_array(data)
    if isinstance(data, np.ma.MaskedArray):
        return data
    if isinstance(data, np.ndarray):
        return np.asarray(data)  # a matrix has no columns of one dimension
    if isinstance(data, list | tuple) and data:
        refuse_on_cpu(data[0], "a row in a list (one array (n_rows, n_vars) may be there, or a mapping of columns)")
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


def code_array_block(array: Array, states: States) -> CodeBlock:
    """Codes ``(n, n_vars)`` of any type, checked as to their shape; what has no numbers is read by its columns."""
    check_shape(array, states)
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


def check_shape(array: Array, states: States) -> None:
    """ValueError unless an array of rows has a column for each variable."""
    if array.ndim != 2 or array.shape[1] != len(states):
        raise ValueError(
            f"an array of codes has shape (n_rows, {len(states)}), one column per variable in the order "
            f"{preview(states)}, got shape {array.shape}"
        )


def _code_type(states: States) -> np.dtype[Any]:
    return code_type(max(map(len, states.values())))


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
