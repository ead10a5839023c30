"""CSV files of labels and numbers: a header with the variables' names (``x[0]``, ... of a vector), a line per row."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from ...data.missing_codes import missing_in
from ...data.samples import Samples
from ...data.schema import Schema
from ...data.variables import Discrete
from ...data.vectors import cells_in_range, element_names
from ...errors import FormatError
from . import scored
from .common import SCORE, Scores, checked_batches, require_pyarrow, slices
from .scored import Scored

_SAFE = re.compile(r"[^\s,\"'](?:[^,\"'\r\n]*[^\s,\"'])?")
_NO_NUMBER = re.compile(
    r"In CSV column #(?P<column>\d+): .*CSV conversion error to double: invalid value '(?P<value>.*)'", re.DOTALL
)
_CELLS = 1 << 18  # turned into text at a time
_BLOCK_BYTES = 1 << 21  # parsed at a time; also the longest line


def write(file: BinaryIO, chunks: Iterable[Samples], schema: Schema) -> None:
    """Write samples as CSV in UTF-8; a value is quoted only where CSV needs it."""
    write_line(file, map(quoted, schema.cell_names))
    for samples in chunks:
        for part in _parts(samples):
            _write_lines(file, _cells(part))


def write_scores(file: BinaryIO, chunks: Iterable[Scores]) -> None:
    """Write a column of log-probabilities, each so that it reads back as the same double."""
    file.write(f"{SCORE}\n".encode())
    for scores in chunks:
        file.write("".join(f"{score!r}\n" for score in scores.tolist()).encode())


def write_scored(file: BinaryIO, chunks: Iterable[Scored], schema: Schema) -> None:
    """Write labels and log-probabilities."""
    for number, chunk in enumerate(chunks):
        samples = scored.samples_of(chunk.rows, schema)
        if number == 0:
            scored.distinct_columns(chunk.rows, schema)
            write_line(file, map(quoted, [*samples.schema.cell_names, SCORE]))
        first = 0
        for part in _parts(samples):
            scores = chunk.scores[first : first + len(part)].tolist()
            _write_lines(file, [*_cells(part), list(map(repr, scores))])
            first += len(part)


def write_gz(file: BinaryIO, chunks: Iterable[Samples], schema: Schema) -> None:
    """Write samples as compressed CSV."""
    compressed(file, lambda text: write(text, chunks, schema))


def write_gz_scores(file: BinaryIO, chunks: Iterable[Scores]) -> None:
    """Write a column of log-probabilities as compressed CSV."""
    compressed(file, lambda text: write_scores(text, chunks))


def write_gz_scored(file: BinaryIO, chunks: Iterable[Scored], schema: Schema) -> None:
    """Write labels and log-probabilities as compressed CSV."""
    compressed(file, lambda text: write_scored(text, chunks, schema))


def read(path: Path, schema: Schema, chunk: int) -> Iterator[Any]:
    """Record batches of a CSV file, compressed or not; every label stays the string it is: ``<5``, TRUE, 0012."""
    require_pyarrow()
    return checked_batches(path, "CSV", _batches(path, schema, chunk))


def quoted(value: str) -> str:
    """A value as CSV writes it.

    Examples
    --------
    >>> print(quoted("<5"), quoted("a, b"), quoted('a "b" c'))
    <5 "a, b" "a ""b"" c"
    """
    return value if _SAFE.fullmatch(value) else '"' + value.replace('"', '""') + '"'


def _parts(samples: Samples) -> Iterator[Samples]:
    rows = max(1, _CELLS // samples.shape[1])
    return (samples[first : first + rows] for first in range(0, len(samples), rows))


def _cells(samples: Samples) -> list[list[str]]:
    """The labels of every column, and the shortest decimals that read back as the same numbers of its type."""
    columns: list[list[str]] = []
    empty = '""' if samples.shape[1] == 1 else ""  # a missing value; an empty line would be no row
    for name, own in samples.items():
        variable = samples.schema.variables[name]
        cells = own.reshape(len(own), variable.size).T
        if isinstance(variable, Discrete):
            labels = np.array([*map(quoted, variable.states), empty], object)
            columns += [labels[_places(cell, variable)].tolist() for cell in cells_in_range(cells, name, variable)]
        else:
            columns += [cell.astype(str).tolist() for cell in cells]
    return columns


def _places(codes: np.ndarray[Any, Any], variable: Discrete) -> np.ndarray[Any, Any]:
    """Codes, one more than there are where a value is missing.

    ValueError where a state has the name that says so.
    """
    missing = missing_in(codes, variable.n_states)
    if missing is None:
        return codes
    if "" in variable.states:
        raise ValueError("an empty cell of a CSV file is a missing value, and here also a state's name: use Parquet")
    return np.where(missing, variable.n_states, codes)


def write_line(file: BinaryIO, cells: Iterable[str]) -> None:
    """Write cells that are quoted already as one line."""
    file.write((",".join(cells) + "\n").encode())


def _write_lines(file: BinaryIO, columns: list[list[str]]) -> None:
    file.write(("\n".join(map(",".join, zip(*columns, strict=True))) + "\n").encode())


def compressed(file: BinaryIO, write_text: Callable[[BinaryIO], None]) -> None:
    """No name and no time stamp in the header: the same rows give the same bytes."""
    with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:
        write_text(cast("BinaryIO", packed))


def _batches(path: Path, schema: Schema, chunk: int) -> Iterator[Any]:
    from pyarrow import csv

    types = _column_types(schema)
    parse_options = csv.ParseOptions(newlines_in_values=any("\n" in s for own in schema.states.values() for s in own))
    try:
        with _opened(path, parse_options, types) as reader:
            yield reader.schema.empty_table()
            for batch in reader:
                yield from slices(batch, chunk)
    except ValueError as error:
        found = _NO_NUMBER.match(str(error))
        if found is None:
            raise
        with _opened(path, parse_options, {}) as reader:
            name = reader.schema.names[int(found["column"])]
        raise FormatError(
            f"{path}: column {name!r} holds numbers, got the invalid value {found['value']!r:.60}"
        ) from None


def _column_types(schema: Schema) -> dict[str, Any]:
    import pyarrow as pa

    types: dict[str, Any] = {}
    for name, variable in schema.variables.items():
        kind = pa.dictionary(pa.int32(), pa.string()) if isinstance(variable, Discrete) else pa.float64()
        cells = element_names(name, variable.size) if variable.event_shape else ()
        types |= dict.fromkeys((name, *cells), kind)
    return types


@contextmanager
def _opened(path: Path, parse_options: Any, types: dict[str, Any]) -> Iterator[Any]:
    """A reader of batches; columns without a type get that of their first values."""
    import pyarrow as pa
    from pyarrow import csv

    compression = "gzip" if path.suffix.lower() == ".gz" else None  # pyarrow knows lower case only
    convert_options = csv.ConvertOptions(column_types=types, strings_can_be_null=False)
    with (
        pa.input_stream(str(path), compression=compression) as text,
        csv.open_csv(text, csv.ReadOptions(block_size=_BLOCK_BYTES), parse_options, convert_options) as reader,
    ):
        yield reader
