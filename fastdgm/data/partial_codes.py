"""Columns of discrete variables in which values are missing: their codes, and where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import MissingValuesError
from ..kernels.tiles import columns_from_rows_cpu
from ..runtime.arrays import read_only
from .columns import column_pieces
from .empty_cells import filled
from .labels import Codes, Column, Encoder, Labels, Piece
from .variables import Discrete
from .vector_pieces import Event, vector_pieces
from .vector_tables import VectorColumn
from .vectors import Elements, element_names

Array = npt.NDArray[Any]


def read_codes(variable: Column, column: Any, out: Array, first_row: int = 0) -> Array:
    """Fill in the codes of a column, 0 where a value is missing; returns where that is."""
    column, found = filled(column)
    row = 0
    for piece in column_pieces(variable.name, column):
        own = slice(row, row + len(piece))
        found[own] |= _missing_in(piece, variable)
        if not found[own].all():
            complete = _filled(piece, variable, found[own]) if found[own].any() else piece
            Encoder(complete, variable, first_row + row).encode(0, len(piece), out[own])
        row += len(piece)
    out[found] = 0
    return found


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


def _missing_in(piece: Piece, variable: Column) -> Array:
    """Where a piece of a column has no value."""
    values = piece.values
    if isinstance(piece, Labels):
        empty = [k for k, label in enumerate(piece.labels) if label is None or (label == "" and not piece.ordered)]
        return np.asarray((values < 0) | np.isin(values, empty))
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind == "i":
        return np.asarray(values == -1) if "-1" not in variable.states else np.zeros(len(values), bool)
    marker = np.iinfo(values.dtype).max
    return np.asarray(values == marker) if marker >= len(variable.states) else np.zeros(len(values), bool)


def _filled(piece: Piece, variable: Column, missing: Array) -> Piece:
    """The same piece with one of its own values where there was none."""
    known = piece.values[int(np.argmin(missing))]
    values = np.where(missing, known, piece.values)
    return Labels(values, piece.labels, piece.ordered) if isinstance(piece, Labels) else Codes(values)
