"""Data on a GPU in any accepted form as pieces: which cells of a row lie where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..runtime.text import preview
from .code_arrays import check_shape
from .columns import matched_columns, refuse_no_columns
from .cuda_arrays import is_cuda_array, memory_of, queue_of
from .cuda_memory import CudaMemory
from .cuda_samples import CudaSamples
from .labels import Column, label_code, refuse_ambiguous
from .mixed import cells_of, wrong_shape
from .reals import float_type, real_pieces
from .schema import Schema
from .variables import Discrete
from .vector_pieces import Event, vector_rows
from .vectors import Elements

Array = npt.NDArray[Any]
BOOLEANS = ("False", "True")


class CudaPiece(NamedTuple):
    """Some cells of all rows: codes, or reals."""

    rows: CudaMemory  # (n, any)
    columns: Array  # which of them, int32
    first: int  # the number of the first cell among those of a row: codes, then reals
    labels: tuple[str, ...] | None = None  # what the numbers mean, where they are not the codes of the network

    @property
    def is_boolean(self) -> bool:
        """Whether these are booleans."""
        return self.labels is BOOLEANS


class CudaPieces(NamedTuple):
    """All that there is of rows; cells that no piece has are missing."""

    n: int
    codes: list[CudaPiece]
    reals: list[CudaPiece]
    absent: list[str]  # variables
    is_known: bool = False  # whether all are known to be allowed, and none to be missing


def cuda_pieces(data: Any, schema: Schema) -> CudaPieces:
    """Rows of an array, or columns by name. Raises as the readers of data on the CPU do, in the same words.

    TypeError where columns on the CPU and on a GPU are mixed, or hold what is neither code nor number; ValueError where
    they are on several cards.
    """
    if isinstance(data, CudaSamples):
        return _columns_of_samples(data, schema)
    if isinstance(data, Mapping):
        _check_places(data)
        return _columns({name: memory_of(column) for name, column in data.items()}, schema, {})
    return _rows(memory_of(data), schema)


def _check_places(columns: Mapping[str, Any]) -> None:
    """One card for all of them."""
    here = [name for name, column in columns.items() if not is_cuda_array(column)]
    if here:
        raise TypeError(
            f"columns of one table are in one place: {preview(here)} on the CPU, the others on a GPU; copy the ones or "
            "the others"
        )
    devices = {name: queue_of(column).device for name, column in columns.items()}
    first, device = next(iter(devices.items()))
    for name, own in devices.items():
        if own != device:
            raise ValueError(f"columns of one table are on one GPU: {first!r} on {device}, {name!r} on {own}")


def _rows(memory: CudaMemory, schema: Schema) -> CudaPieces:
    """Rows ``(n, n_cells)``, or ``(n, n_reals)`` of the real variables alone."""
    if schema.is_discrete and not schema.has_discrete_vectors:
        check_shape(np.broadcast_to(np.int8(0), memory.shape), schema.states)
    n_cells = schema.n_codes + schema.n_reals
    is_of_reals = memory.ndim == 2 and memory.shape[1] == schema.n_reals > 0 and schema.n_codes > 0
    if memory.ndim != 2 or (memory.shape[1] != n_cells and not is_of_reals):
        raise wrong_shape(memory.shape, schema)
    code_cells, real_cells = cells_of(schema)
    if is_of_reals:
        code_cells, real_cells = code_cells[:0], np.arange(schema.n_reals)
    names = schema.names
    codes = [_code_piece(names[0], memory, code_cells, 0)] if len(code_cells) else []
    reals = [_real_piece(names[0], memory, real_cells, schema.n_codes)] if len(real_cells) else []
    return CudaPieces(len(memory), codes, reals, list(schema.code_names) if is_of_reals else [])


def _columns_of_samples(samples: CudaSamples, schema: Schema) -> CudaPieces:
    """Rows of the same variables, or those that have the same names."""
    if samples.schema == schema:
        codes, reals = (memory_of(own).transposed for own in samples.blocks)
        return CudaPieces(
            len(samples),
            [CudaPiece(codes, np.arange(schema.n_codes, dtype=np.int32), 0)] if schema.n_codes else [],
            [CudaPiece(reals, np.arange(schema.n_reals, dtype=np.int32), schema.n_codes)] if schema.n_reals else [],
            [],
            samples.is_known,
        )
    labels = {name: own for name, own in samples.schema.states.items() if own != schema.states.get(name)}
    return _columns(samples.memory_by_name(), schema, labels)


def _columns(columns: Mapping[str, CudaMemory], schema: Schema, labels: Mapping[str, tuple[str, ...]]) -> CudaPieces:
    """Columns by name; ``labels`` are those of columns whose codes are not the network's."""
    found, n = matched_columns(columns, schema.names, schema.event_shapes, partial=True)
    refuse_no_columns(found, schema.names)
    codes: list[CudaPiece] = []
    reals: list[CudaPiece] = []
    for name, column in found.items():
        variable, first = schema.variables[name], schema.rows[name]
        for own, cell in _parts(name, column, schema):
            if isinstance(variable, Discrete):
                if n and name not in labels and own.dtype.kind != "b":
                    refuse_ambiguous(Column(name, variable.states))
                codes.append(_code_piece(name, own, range(own.shape[1]), first + cell, labels.get(name)))
            else:
                reals.append(_real_piece(name, own, range(own.shape[1]), schema.n_codes + first + cell))
    return CudaPieces(n, codes, reals, [name for name in schema.names if name not in found])


def _parts(name: str, column: CudaMemory | Elements, schema: Schema) -> list[tuple[CudaMemory, int]]:
    """A column as rows ``(n, cells)`` and the number of the first cell in its variable."""
    if isinstance(column, Elements):
        return [(own.vectors()[0], k) for k, own in enumerate(column.columns) if own is not None]
    shape = schema.event_shapes.get(name)
    if shape is not None and column.shape[1:] not in (shape, (schema.variables[name].size,)):
        what = "codes" if name in schema.states else "numbers"
        vector_rows(name, np.broadcast_to(np.int8(0), column.shape), Event(shape, what))  # raises
    found, cell = [], 0
    for own in column.vectors():
        found.append((own, cell))
        cell += own.shape[1]
    return found


def _code_piece(
    name: str, rows: CudaMemory, columns: Collection[int] | Array, first: int, labels: tuple[str, ...] | None = None
) -> CudaPiece:
    """Cells of codes: integers, whole floats, or booleans, which match the states False and True."""
    if rows.dtype.kind == "b":
        rows, labels = rows.seen_as(np.uint8), BOOLEANS
    elif rows.dtype.kind not in "iuf" or rows.dtype.itemsize > 8:
        raise TypeError(f"codes are integers, whole floats or booleans: {name!r} has values of type {rows.dtype}")
    return CudaPiece(rows, np.asarray(columns, np.int32), first, labels)


def _real_piece(name: str, rows: CudaMemory, columns: Collection[int] | Array, first: int) -> CudaPiece:
    """Cells of numbers; those on the CPU have the same types."""
    for _ in real_pieces(name, np.empty(0, rows.dtype)):
        pass
    return CudaPiece(rows, np.asarray(columns, np.int32), first)


def reals_type(pieces: list[CudaPiece]) -> np.dtype[Any]:
    """float32 where all have floats of at most 32 bits, else float64."""
    return float_type(np.empty(0, piece.rows.dtype) for piece in pieces)


def code_table(labels: tuple[str, ...], states: tuple[str, ...]) -> list[int]:
    """The code of every label, negative where it is no state."""
    position = {state: k for k, state in enumerate(states)}
    return [label_code(label, position) for label in labels]
