"""NumPy files of codes, reals or both, ``(n_rows, n_cells)``; need nothing but NumPy, and never unpickle."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from ...data.samples import Samples
from ...data.schema import Schema
from ...data.variables import Discrete
from ...data.vectors import cells_in_range
from ...errors import FormatError
from ...runtime.memory import check_memory
from . import scored
from .common import Scores, check_seekable, damaged, with_first
from .scored import Scored

if TYPE_CHECKING:
    from io import BufferedReader


def write(file: BinaryIO, chunks: Iterable[Samples], schema: Schema) -> None:
    """Write samples as codes (uint8, or uint16 where a variable has more than 256 states), as reals, or both as
    float64."""
    first, chunks = with_first(chunks, schema)
    write_growing(file, map(_checked_rows, chunks), first.dtype, (first.shape[1],))


def _checked_rows(samples: Samples) -> npt.NDArray[Any]:
    schema = samples.schema
    for name, variable in schema.variables.items():
        if isinstance(variable, Discrete):
            row = schema.rows[name]
            cells_in_range(samples.blocks.codes[row : row + variable.size], name, variable)
    return np.asarray(samples)


def write_scores(file: BinaryIO, chunks: Iterable[Scores]) -> None:
    """Write log-probabilities as a float64 array ``(n_rows,)``."""
    write_growing(file, chunks, np.dtype(np.float64), ())


def write_scored(file: BinaryIO, chunks: Iterable[Scored], schema: Schema) -> None:
    """Write codes, reals and log-probabilities as one float64 array ``(n_rows, n_cells + 1)``; without the codes where
    the rows are an array of the reals alone."""
    rows = (scored.numbers(chunk, schema) for chunk in chunks)
    first = next(rows)  # there is at least one chunk
    write_growing(file, chain([first], rows), np.dtype(np.float64), first.shape[1:])


def write_growing(
    file: BinaryIO, chunks: Iterable[npt.NDArray[Any]], dtype: np.dtype[Any], row_shape: tuple[int, ...]
) -> None:
    """Write chunks of rows of one shape.

    The header is written twice: NumPy leaves room in it for the number of rows, which is known at the end.
    """
    check_seekable(file, "a .npy file")
    n_rows = 0
    _write_header(file, dtype, (n_rows, *row_shape))
    for rows in chunks:
        file.write(np.ascontiguousarray(rows, dtype).data)
        n_rows += len(rows)
    file.seek(0)
    _write_header(file, dtype, (n_rows, *row_shape))


def _write_header(file: BinaryIO, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    descr = np.lib.format.dtype_to_descr(dtype)
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})


class _Layout(NamedTuple):
    """Where the array is in the file, and how it lies there."""

    start: int
    shape: tuple[int, int]
    fortran_order: bool
    dtype: np.dtype[Any]


def read(path: Path, schema: Schema, chunk: int) -> Iterator[npt.NDArray[Any]]:
    """Blocks of rows of an array in either memory order; raises FormatError now, not at first use.

    An array may hold the real variables alone, as ``log_prob`` and EM take it.

    Read and not mapped: a file that becomes shorter meanwhile is an error, not the end of the process.
    """
    return _blocks(path, _layout(path, schema), chunk)


def _layout(path: Path, schema: Schema) -> _Layout:
    n_cells, n_reals = schema.n_codes + schema.n_reals, schema.n_reals
    with path.open("rb") as file:
        try:
            shape, fortran_order, dtype = _header(file)
        except Exception as error:  # a damaged header gets as far as Python's tokenizer
            raise damaged(path, ".npy file of rows", error) from None
        start, end = file.tell(), file.seek(0, os.SEEK_END)
    n_columns = shape[1] if len(shape) == 2 else 0
    if dtype.kind not in "iufb" or n_columns not in {n_cells, n_reals or n_cells} or len(shape) != 2 or shape[0] < 0:
        what = "codes has shape (n_rows, {}) and whole numbers" if schema.is_discrete else "rows has shape (n_rows, {})"
        alone = f", or (n_rows, {n_reals}) for the real variables alone" if 0 < n_reals < n_cells else ""
        raise FormatError(f"{path}: an array of {what.format(n_cells)}{alone}, got shape {shape} and type {dtype}")
    if end - start < shape[0] * n_columns * dtype.itemsize:
        raise damaged(path, ".npy file of rows", ValueError(f"{shape[0]} rows do not fit into {end} bytes"))
    return _Layout(start, (shape[0], n_columns), fortran_order, dtype)


def _header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(file)
    raise ValueError(f"an array of numbers is of version 1.0 or 2.0, got {version}")


def _blocks(path: Path, layout: _Layout, chunk: int) -> Iterator[npt.NDArray[Any]]:
    n_rows = layout.shape[0]
    with path.open("rb") as file:
        for first in range(0, max(n_rows, 1), chunk):
            yield _rows(path, file, layout, first, min(chunk, n_rows - first))


def _rows(path: Path, file: BinaryIO, layout: _Layout, first: int, n: int) -> npt.NDArray[Any]:
    n_rows, n_vars = layout.shape
    size = layout.dtype.itemsize
    check_memory(n * n_vars * size, f"a chunk of {n} rows of {path}")
    block = np.empty((n_vars, n) if layout.fortran_order else (n, n_vars), layout.dtype)
    if not layout.fortran_order:
        _fill(path, file, layout.start + first * n_vars * size, block)
        return block
    for column, out in enumerate(block):
        _fill(path, file, layout.start + (column * n_rows + first) * size, out)
    return block.T


def _fill(path: Path, file: BinaryIO, position: int, out: npt.NDArray[Any]) -> None:
    file.seek(position)
    if cast("BufferedReader", file).readinto(out.reshape(-1).view(np.uint8).data) < out.nbytes:
        raise FormatError(f"{path}: the file ended early: it became shorter while it was read")
