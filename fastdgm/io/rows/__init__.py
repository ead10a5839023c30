"""Rows in files, in chunks at constant memory: Parquet, Arrow, CSV and .npy.

Parquet, Arrow and CSV hold labels and numbers, one column per variable; .npy holds codes, reals or, as float64, both,
``(n_rows, n_cells)``. A vector is a column of lists in Parquet and Arrow, and a column for each of its numbers in the
other two.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from ...runtime.files import atomic_file
from . import arrow, csv, npy
from .common import Scores, States, as_schema
from .scored import Scored

if TYPE_CHECKING:
    from ...data.samples import Samples
    from ...data.schema import Schema


class RowFormat(NamedTuple):
    """What a file format does with rows of a network, with one column of log-probabilities, and with both."""

    write: Callable[[BinaryIO, Iterable[Samples], Schema], None]
    read: Callable[[Path, Schema, int], Iterator[Any]]
    write_scores: Callable[[BinaryIO, Iterable[Scores]], None]
    write_scored: Callable[[BinaryIO, Iterable[Scored], Schema], None]


MAX_CHUNK = 1 << 40  # rows, more than any file has; pyarrow takes 64 bits

_PARQUET = RowFormat(arrow.write_parquet, arrow.read_parquet, arrow.write_parquet_scores, arrow.write_parquet_scored)
_ARROW = RowFormat(arrow.write_ipc, arrow.read_ipc, arrow.write_ipc_scores, arrow.write_ipc_scored)

FORMATS = {
    ".parquet": _PARQUET,
    ".arrow": _ARROW,
    ".feather": _ARROW,
    ".csv": RowFormat(csv.write, csv.read, csv.write_scores, csv.write_scored),
    ".csv.gz": RowFormat(csv.write_gz, csv.read, csv.write_gz_scores, csv.write_gz_scored),
    ".npy": RowFormat(npy.write, npy.read, npy.write_scores, npy.write_scored),
}


def row_format(path: str | Path) -> RowFormat:
    """The format that a file's name asks for. Raises ValueError for a name that asks for none."""
    name = Path(path).name.lower()
    for suffix, found in FORMATS.items():
        if name.endswith(suffix):
            return found
    raise ValueError(f"rows are kept in files named *{', *'.join(FORMATS)}, got {str(path)!r}")


def write_rows(path: str | Path, chunks: Iterable[Samples], variables: Schema | States) -> None:
    """Write chunks of samples to one file: whole or not at all, one chunk in memory at a time.

    Parameters
    ----------
    path : its suffix chooses the format: .parquet, .arrow, .feather, .csv, .csv.gz or .npy.
    variables : the states of the network's variables, so that no rows make a valid file too; where some are real, the
        ``Schema`` that samples have.

    Raises
    ------
    ValueError : another suffix. OSError : the file cannot be written. ImportError : Parquet or Arrow without pyarrow.
    """
    write = row_format(path).write
    with atomic_file(path) as file:
        write(file, chunks, as_schema(variables))


def read_rows(path: str | Path, variables: Schema | States, chunk: int = 100_000) -> Iterator[Any]:
    """The rows of a file in chunks of at most ``chunk`` rows, each fit for ``log_prob`` and ``fit``.

    There is at least one chunk: that of a file without rows is empty. An array in .npy may hold the real variables
    alone.

    Raises
    ------
    ValueError : another suffix, a chunk below 1, and (FormatError) a damaged file. OSError : no such file, or a pipe,
    device or folder. ImportError : Parquet, Arrow or CSV without pyarrow.
    """
    read = row_format(path).read
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1 row, got {chunk}")
    if os.path.exists(path) and not os.path.isfile(path):  # opened twice, a pipe would wait for ever
        raise OSError(errno.EINVAL, "rows are read from a file, not from a pipe, device or folder", str(path))
    with open(path, "rb"):  # a missing file is an OSError now, anything that readers find later is damage
        pass
    return read(Path(path), as_schema(variables), min(chunk, MAX_CHUNK))


def write_scores(path: str | Path, chunks: Iterable[Scores]) -> None:
    """Write chunks of log-probabilities as one column named ``log_prob`` (a ``(n_rows,)`` array in .npy).

    Raises as :func:`write_rows`.
    """
    write = row_format(path).write_scores
    with atomic_file(path) as file:
        write(file, chunks)


def write_scored(path: str | Path, chunks: Iterable[Scored], variables: Schema | States) -> None:
    """Write chunks of rows, as :func:`read_rows` gave them, with one more column named ``log_prob``.

    Parquet and Arrow keep columns of numbers as they are; CSV has labels. In .npy it is a float64 array
    ``(n_rows, n_cells + 1)`` of codes and reals and, in the last column, log-probabilities.

    Raises as :func:`write_rows`, and ValueError where a column has that name already.
    """
    write = row_format(path).write_scored
    with atomic_file(path) as file:
        write(file, chunks, as_schema(variables))
