"""Columns of discrete variables in which values are missing: their codes, and where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import MissingValuesError
from ..kernels.tiles import columns_from_rows_cpu
from ..runtime.arrays import code_type, read_only
from .labels import Column
from .partial_columns import PartialColumn
from .variables import Discrete
from .vector_pieces import Event, vector_pieces
from .vector_tables import VectorColumn
from .vectors import Elements, element_names

Array = npt.NDArray[Any]


def read_codes(variable: Column, column: Any, out: Array, first_row: int = 0) -> Array:
    """Fill in the codes of a column, 0 where a value is missing; returns where that is."""
    codes = np.empty(len(out), code_type(len(variable.states) + 1))
    PartialColumn(variable, column, codes.dtype, first_row).read(0, len(codes), codes)
    missing: Array = codes == np.iinfo(codes.dtype).max
    codes[missing] = 0
    out[:] = codes
    return missing


def read_vectors(name: str, column: Any, variable: Discrete, out: Array) -> Array | None:
    """As ``read_codes`` for a discrete vector, of whose cells any may be missing; both ``(size, n)``; None: none is."""
    cells = element_names(name, variable.size)
    if isinstance(column, Elements):
        found = np.zeros(out.shape, bool)
        for i, own in enumerate(column.columns):
            found[i] = own is None or read_codes(Column(cells[i], variable.states), own, out[i])
        return found
    try:
        VectorColumn(name, column, variable).read(0, out.shape[1], out)
        return None
    except MissingValuesError:
        found = np.zeros(out.shape, bool)
        row = 0
        for vectors in vector_pieces(name, column, Event(variable.event_shape, "codes")):
            own = slice(row, row + vectors.n)
            flat = vectors.values.reshape(-1) if getattr(vectors.values, "ndim", 1) == 2 else vectors.values
            codes, empty = _read_flat(flat, cells, variable.states, out.dtype, row)
            out[:, own], found[:, own] = _columns(codes, len(cells)), _columns(empty.view(np.uint8), len(cells))
            row += vectors.n
    return found


def _columns(flat: Array, size: int) -> Array:
    """Vectors one after another as columns (size, n)."""
    rows = flat.reshape(-1, size)
    columns = np.empty((size, len(rows)), flat.dtype)
    columns_from_rows_cpu(0, len(rows), np.full(size, np.iinfo(flat.dtype).max, flat.dtype), read_only(rows), columns)
    return columns


def _read_flat(
    flat: Any, cells: tuple[str, ...], states: tuple[str, ...], dtype: npt.DTypeLike, first_row: int
) -> tuple[Array, Array]:
    """Codes of vectors one after another, and which are missing. Errors name the cell and the row of the column."""
    codes = np.zeros(len(flat), dtype)
    try:
        return codes, read_codes(Column(cells[0], states), flat, codes)
    except (ValueError, KeyError):
        for i, cell in enumerate(cells):
            own = flat[i :: len(cells)]
            read_codes(Column(cell, states), own, np.zeros(len(own), dtype), first_row)
        raise
