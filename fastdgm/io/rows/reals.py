"""Rows of real numbers, one column per variable: .npy keeps their type, the other formats each number exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ...runtime.files import atomic_file
from . import arrow, csv, npy
from .common import require_pyarrow

Reals = npt.NDArray[Any]
Write = Callable[[BinaryIO, Iterable[Reals], Sequence[str], np.dtype[Any]], None]


def write_reals(path: str | Path, chunks: Iterable[Reals], names: Sequence[str], dtype: npt.DTypeLike) -> None:
    """Write chunks ``(n, n_columns)`` to one file: whole or not at all, one chunk in memory at a time.

    Raises ValueError for a suffix that is none of ``fastdgm.io.rows.FORMATS``; OSError; ImportError.
    """
    name = Path(path).name.lower()
    write = next(own for suffix, own in _WRITERS.items() if name.endswith(suffix))
    with atomic_file(path) as file:
        write(file, chunks, names, np.dtype(dtype))


def write_csv(file: BinaryIO, chunks: Iterable[Reals], names: Sequence[str], dtype: np.dtype[Any]) -> None:
    """Write a header and the shortest decimals that read back as the same numbers."""
    csv.write_line(file, map(csv.quoted, names))
    for rows in chunks:
        shortest = rows.astype(dtype).astype(str)
        file.write("".join(f"{','.join(row)}\n" for row in shortest.tolist()).encode())


def _write_csv_gz(file: BinaryIO, chunks: Iterable[Reals], names: Sequence[str], dtype: np.dtype[Any]) -> None:
    csv.compressed(file, lambda text: write_csv(text, chunks, names, dtype))


def _write_npy(file: BinaryIO, chunks: Iterable[Reals], names: Sequence[str], dtype: np.dtype[Any]) -> None:
    npy.write_growing(file, chunks, dtype, (len(names),))


def _write_parquet(file: BinaryIO, chunks: Iterable[Reals], names: Sequence[str], dtype: np.dtype[Any]) -> None:
    schema = _schema(names, dtype)
    arrow.write_parquet_tables(file, (_table(rows, schema) for rows in chunks), schema)


def _write_ipc(file: BinaryIO, chunks: Iterable[Reals], names: Sequence[str], dtype: np.dtype[Any]) -> None:
    schema = _schema(names, dtype)
    arrow.write_ipc_tables(file, (_table(rows, schema) for rows in chunks), schema)


def _schema(names: Sequence[str], dtype: np.dtype[Any]) -> Any:
    pa = require_pyarrow()
    return pa.schema([(name, pa.from_numpy_dtype(dtype)) for name in names])


def _table(rows: Reals, schema: Any) -> Any:
    import pyarrow as pa

    columns = (np.ascontiguousarray(column) for column in rows.T)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema)


_WRITERS: dict[str, Write] = {
    ".parquet": _write_parquet,
    ".arrow": _write_ipc,
    ".feather": _write_ipc,
    ".csv": write_csv,
    ".csv.gz": _write_csv_gz,
    ".npy": _write_npy,
}
