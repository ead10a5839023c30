"""Rows of data on a GPU, read some at a time as checked columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import UnknownNameError
from ..kernels.tiles_cuda import NOTHING_FOUND, CellPlan
from ..runtime.arrays import code_type
from ..runtime.cuda_queue import CudaQueue
from ..runtime.text import preview
from . import cuda_loading
from .cuda_blocks import CudaBlock, CudaPart, cell_owners
from .cuda_memory import CudaMemory
from .cuda_pieces import CudaPiece, code_table, cuda_pieces, reals_type
from .labels import Column, bad_code, unknown_label
from .missing_codes import missing_code
from .partial_columns import bad_float
from .real_columns import bad_real
from .schema import Schema

Array = npt.NDArray[Any]
Empty = Callable[[tuple[int, ...], Any], Any]  # memory of a shape and a dtype


class Half(NamedTuple):
    """The codes of rows, or the reals."""

    pieces: Sequence[CudaPiece]
    first: int  # number of the first cell of a row
    n_cells: int
    dtype: np.dtype[Any]  # of the block

    @property
    def missing(self) -> Any:
        """What stands for a missing value in the block."""
        return self.dtype.type(np.nan if self.dtype.kind == "f" else missing_code(self.dtype))


class CudaReader:
    """Data on a GPU, whose shapes and names are checked; ``read`` makes a block of some of its rows."""

    def __init__(self, data: Any, schema: Schema, queue: CudaQueue, empty: Empty | None = None) -> None:
        self._schema, self._queue, self._empty = schema, queue, empty or queue.empty
        self._data = cuda_pieces(data, schema)
        states = schema.cell_states.values()
        self._n_states = np.array([*map(len, states), *[0] * schema.n_reals], np.int32)
        self._has_minus_one = np.array(["-1" in own for own in states] + [False] * schema.n_reals)
        self._partial_type = code_type(max(map(len, states), default=1) + 1)  # has a code for missing values
        dtype = self._partial_type if self._data.absent else schema.code_dtype
        self._codes = Half(self._data.codes, 0, schema.n_codes, dtype)
        self._reals = Half(self._data.reals, schema.n_codes, schema.n_reals, reals_type(self._data.reals))

    @property
    def n(self) -> int:
        """Number of rows."""
        return self._data.n

    @property
    def bytes_per_row(self) -> int:
        """Memory that a row takes in a block, 0 where it is read where it is."""
        halves = (own for own in (self._codes, self._reals) if self.n and _in_place(own, 0, self.n) is None)
        return sum(own.n_cells * own.dtype.itemsize for own in halves)

    def refuse_absent(self) -> None:
        """UnknownNameError where columns are absent."""
        if self._data.absent:
            raise UnknownNameError(f"columns are matched by name: the data has no column {preview(self._data.absent)}")

    def read(self, begin: int, end: int) -> CudaBlock:
        """Rows ``begin`` to ``end``. Raises for the first value that is neither allowed nor missing."""
        with self._queue.on_card():
            return self._read(begin, end)

    def _read(self, begin: int, end: int) -> CudaBlock:
        flags = None if self._data.is_known or begin == end else cuda_loading.new_flags(self._queue)
        part = CudaPart(*(self._block(own, begin, end, flags) for own in (self._codes, self._reals)))
        first_missing = self._first_missing(begin, end, flags)
        if first_missing is not None and part.codes.dtype != self._partial_type:
            codes = self._block(self._codes._replace(dtype=self._partial_type), begin, end, flags)
            part = part._replace(codes=codes)
        return CudaBlock(end - begin, self._schema, part, first_missing)

    def _first_missing(self, begin: int, end: int, flags: Any) -> tuple[int, int] | None:
        """Row and cell of the first missing value of rows that were read. Raises for one that is not allowed."""
        cells, width = [], self._codes.n_cells + self._reals.n_cells
        if self._data.absent and begin < end:
            cells.append(min(map(self._cell, self._data.absent)))
        if flags is not None:
            bad, missing = (int(flag) for flag in self._queue.read_flags(flags))
            if bad != NOTHING_FOUND:
                raise self._problem(begin + bad // width, bad % width)
            if missing != NOTHING_FOUND:
                cells.append(missing)
        return (begin + min(cells) // width, min(cells) % width) if cells else None

    def _cell(self, name: str) -> int:
        """The number of the first cell of a variable."""
        return self._schema.rows[name] + (self._schema.n_codes if name in self._schema.sizes else 0)

    def _block(self, half: Half, begin: int, end: int, flags: Any) -> Any:
        """Columns ``(n_cells, end - begin)`` in C order, where they are if they can be read there."""
        whole = None if begin == end else _in_place(half, begin, end)
        if whole is not None:
            if flags is not None:
                cuda_loading.check(self._queue, self._plan(half.pieces[0]), half.pieces[0].rows.rows(begin, end), flags)
            return whole.array()
        columns = self._empty((half.n_cells, end - begin), half.dtype)
        if begin == end:
            return columns
        flags = cuda_loading.new_flags(self._queue) if flags is None else flags
        if sum(len(own.columns) for own in half.pieces) < half.n_cells:
            cuda_loading.fill(self._queue, half.missing, columns)
        for piece in half.pieces:
            first, n_cells = piece.first - half.first, len(piece.columns)
            own = columns if n_cells == half.n_cells else columns[first : first + n_cells]
            self._load(piece, half.missing, own, begin, end, flags)
        return columns

    def _load(self, piece: CudaPiece, missing: Any, columns: Any, begin: int, end: int, flags: Any) -> None:
        plan = self._plan(piece)
        cuda_loading.load(self._queue, plan, missing, piece.rows.rows(begin, end), columns, flags)
        if piece.labels is not None:
            owners = list(self._schema.cell_states.values())[piece.first : piece.first + len(piece.columns)]
            for k, states in enumerate(owners):
                table = code_table(piece.labels, states)
                if table != list(range(len(table))):
                    own = plan._replace(first=plan.first + k)
                    cuda_loading.relabel(self._queue, own, table, columns[k : k + 1], flags)

    def _plan(self, piece: CudaPiece) -> CellPlan:
        own = slice(piece.first, piece.first + len(piece.columns))
        n_states = self._n_states[own] if piece.labels is None else np.full(len(piece.columns), len(piece.labels))
        width = self._codes.n_cells + self._reals.n_cells
        return cuda_loading.cell_plan(
            self._queue, piece.first, width, piece.columns, n_states, self._has_minus_one[own]
        )

    def _problem(self, row: int, cell: int) -> Exception:
        """The error for a value that is not allowed; it is copied here."""
        pieces = (*self._data.codes, *self._data.reals)
        piece = next(own for own in pieces if own.first <= cell < own.first + len(own.columns))
        where = piece.rows.cell(row, int(piece.columns[cell - piece.first]))
        (value,) = self._queue.to_host(where.array())
        name = cell_owners(self._schema)[cell]
        if cell >= self._schema.n_codes:
            return bad_real(name, row, np.array([value], np.float64), missing=True)
        variable = Column(name, self._schema.cell_states[name])
        if piece.labels is not None and value < len(piece.labels):
            label = bool(value) if piece.is_boolean else piece.labels[value]
            return unknown_label(label, variable, row)
        return bad_float(variable, row, value) if value.dtype.kind == "f" else bad_code(variable, row, value)


def _in_place(half: Half, begin: int, end: int) -> CudaMemory | None:
    """Columns that twins can read where they are: of the type of the block, those of each cell side by side."""
    if len(half.pieces) != 1 or half.pieces[0].labels is not None or len(half.pieces[0].columns) != half.n_cells:
        return None
    rows, dtype = half.pieces[0].rows, half.dtype
    columns = rows.rows(begin, end).transposed
    is_whole = columns.shape[0] == half.n_cells and columns.is_c_contiguous
    if not is_whole or rows.dtype.itemsize != dtype.itemsize or (rows.dtype.kind == "f") != (dtype.kind == "f"):
        return None
    return columns.seen_as(dtype)
