"""The rows that a command reads: files, patterns, folders and standard input as one data set, chunk by chunk."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from glob import glob, has_magic
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import numpy as np

from ..data.columns import table_columns
from ..data.schema import Schema
from ..data.variables import Real
from ..errors import UnknownNameError
from ..io.rows import FORMATS, read_rows
from ..runtime.text import did_you_mean, preview

STANDARD_INPUT = "-"
_MAGIC = {b"PAR1": ".parquet", b"ARROW1": ".arrow", b"\x93NUMPY": ".npy", b"\x1f\x8b": ".csv.gz"}  # else CSV
_COPY_BYTES = 1 << 20
ROW_SUFFIXES = tuple(FORMATS)


class Inputs:
    """Row files in the order of the arguments, and which of them a row of the whole data set is in.

    Of folders, files whose names end in one of ``suffixes`` are read.

    What cannot be read twice, standard input and pipes, is copied to a temporary file first, which is removed at the
    end of the ``with`` block.
    """

    def __init__(self, arguments: Sequence[str], suffixes: tuple[str, ...] = ROW_SUFFIXES) -> None:
        self._temporary: TemporaryDirectory[str] | None = None
        self._copies: dict[str, Path] = {}  # of what cannot be read twice
        self.paths: list[str] = [path for argument in arguments for path in expanded(argument, suffixes)]
        self._starts: list[int] = []  # rows before each file that was begun

    def __enter__(self) -> Inputs:
        return self

    def __exit__(self, *_: object) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    def _opened(self) -> Iterator[tuple[str, Path]]:
        """Each input's name for messages, and the file to read."""
        for path in self.paths:
            yield shown(path), self._regular(path)

    def read(
        self, names: Collection[str], known: Schema, chunk: int, *, ignore_extra: bool = False
    ) -> Iterator[tuple[int, Any]]:
        """The first row of each chunk in the whole data set, and its rows, by :func:`fastdgm.io.rows.read_rows`.

        Some of the variables ``names`` may not be known: their values are what the file calls them.

        Raises ValueError for columns that are no variables, unless they are to be ignored, and for files whose columns
        differ.
        """
        row = 0
        cells = [*names, *known.cell_names]
        complete = Schema({name: known.variables.get(name, Real()) for name in names})  # what is asked of arrays
        first_columns: tuple[str, list[str]] | None = None
        first_array: tuple[str, int] | None = None
        self._starts = []
        for name, file in self._opened():
            self._starts.append(row)
            with _naming(file, name):
                asked = complete if file.suffix.lower() == ".npy" else known
                for rows in read_rows(file, asked, chunk):
                    rows = _own_columns(rows, cells, len(names), name, ignore_extra)
                    if isinstance(rows, np.ndarray):
                        first_array = first_array or (name, rows.shape[1])
                        _check_width(rows, name, *first_array)
                    else:
                        if len(self.paths) > 1:  # the indices of several frames are no index
                            rows = rows.select(list(table_columns(rows, names)))
                        first_columns = first_columns or (name, rows.schema.names)
                        rows = _in_order(rows, name, *first_columns)
                    yield row, rows
                    row += len(rows)

    def read_lines(self, chunk: int) -> Iterator[tuple[int, list[str]]]:
        """The first line of each chunk in the whole data set, and its lines, in UTF-8 and without their ends."""
        row = 0
        self._starts = []
        for name, file in self._opened():
            self._starts.append(row)
            with file.open("rb") as text:
                while lines := list(islice(text, chunk)):
                    try:
                        yield row, [line.decode().rstrip("\r\n") for line in lines]
                    except UnicodeDecodeError as error:
                        raise ValueError(f"{name}: text is in UTF-8: {error}") from None
                    row += len(lines)

    def place(self, row: int) -> tuple[str, int]:
        """The input that a row of the whole data set is in, and its number there."""
        number = max(0, bisect_right(self._starts, row) - 1)
        return shown(self.paths[number]), row - self._starts[number]

    @contextmanager
    def located(self, first_row: int) -> Iterator[None]:
        """Errors in a chunk say which input it is of, and where the chunk's row 0 stands there."""
        try:
            yield
        except (ValueError, TypeError, UnknownNameError) as error:
            name, row = self.place(first_row)
            counted = f", rows counted from {row}" if row else ""
            raise ValueError(f"{name}{counted}: {error}") from error

    def _regular(self, path: str) -> Path:
        if path in self._copies:
            return self._copies[path]
        if path == STANDARD_INPUT:
            if sys.stdin is None:
                raise ValueError("standard input must be open to read rows from it")
            self._copies[path] = self._copied(sys.stdin.buffer)
        elif os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode):
            with open(path, "rb") as pipe:
                self._copies[path] = self._copied(pipe)
        return self._copies.get(path, Path(path))

    def _copied(self, source: BinaryIO) -> Path:
        """A file with what comes from a pipe; its first bytes say the format, and CSV has none of its own."""
        if self._temporary is None:
            self._temporary = TemporaryDirectory(prefix="fastdgm-")
        head = source.read(_COPY_BYTES)
        suffix = next((own for magic, own in _MAGIC.items() if head.startswith(magic)), ".csv")
        copy = Path(self._temporary.name, f"{len(os.listdir(self._temporary.name))}{suffix}")
        with copy.open("wb") as file:
            file.write(head)
            shutil.copyfileobj(source, file, _COPY_BYTES)
        return copy


def shown(path: str) -> str:
    """The name of an input in messages."""
    return "standard input" if path == STANDARD_INPUT else path


def expanded(argument: str, suffixes: tuple[str, ...]) -> list[str]:
    """The files that an argument names: itself, those in a folder, or those of a pattern that the shell left alone.

    Folders that match a pattern stand for the files in them; folders in folders are not looked into.

    Raises ValueError for a folder without such files and a pattern without matches.
    """
    if os.path.isdir(argument):
        found = _in_folder(argument, suffixes)
        if not found:
            raise ValueError(f"{argument}: no row file in this folder; they are named *{', *'.join(suffixes)}")
        return found
    if has_magic(argument) and not os.path.lexists(argument):
        matches = sorted(glob(argument, recursive=True))
        files = (_in_folder(match, suffixes) if os.path.isdir(match) else [match] for match in matches)
        found = list(dict.fromkeys(path for own in files for path in own))  # ** matches a folder and its files
        if not found:
            raise ValueError(f"{argument}: no file of such a name")
        return found
    return [argument]


def _in_folder(folder: str, suffixes: tuple[str, ...]) -> list[str]:
    names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    paths = [os.path.join(folder, name) for name in names if name.lower().endswith(suffixes)]
    return [path for path in paths if not os.path.isdir(path)]


def _own_columns(rows: Any, names: Collection[str], n_vars: int, name: str, ignore_extra: bool) -> Any:
    """A chunk without columns that are no variables, where these are to be ignored; arrays have no names."""
    if isinstance(rows, np.ndarray):
        return rows
    try:
        columns = table_columns(rows, names)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    extra = [column for column in columns if column not in names]
    if extra and ignore_extra:
        _refuse_mistyped([own for own in list(names)[:n_vars] if own not in columns], extra, name)
        return rows.select([column for column in rows.schema.names if column not in extra])
    if extra and len(columns) - len(extra) >= n_vars:
        raise ValueError(
            f"{name}: columns are matched by name: the model has no variable {preview(extra)}; "
            "--ignore-extra leaves such columns out"
        )
    return rows


def _refuse_mistyped(absent: Collection[str], extra: Collection[str], name: str) -> None:
    """ValueError for a further column that reads like a variable without one: it would be missing in every row."""
    for own in absent:
        if hint := did_you_mean(own, extra):
            raise ValueError(f"{name}: columns are matched by name: there is no column {[own]}{hint}")


def _check_width(rows: np.ndarray[Any, Any], name: str, first: str, width: int) -> None:
    """ValueError for an array that does not hold the variables that the first one does."""
    if rows.shape[1] != width:
        raise ValueError(f"several inputs have the same columns: {first} has {width}, {name} has {rows.shape[1]}")


def _in_order(rows: Any, name: str, first: str, columns: list[str]) -> Any:
    """A chunk with its columns in the order of the first input, whose columns they are."""
    own = rows.schema.names
    if own == columns:
        return rows
    if odd := sorted(set(own) ^ set(columns)):
        raise ValueError(f"several inputs have the same columns: {first} and {name} differ in {preview(odd)}")
    return rows.select(columns)


@contextmanager
def _naming(file: Path, name: str) -> Iterator[None]:
    """Errors about a temporary copy name what was copied."""
    try:
        yield
    except ValueError as error:
        if str(file) == name:
            raise
        raise ValueError(str(error).replace(str(file), name)) from None
