"""CSV files of labels: a header with the variables' names, then one line per row."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from ...data.labels import Column, codes_in_range
from ...data.samples import Samples
from . import scored
from .common import SCORE, Scores, States, checked_batches, require_pyarrow, slices
from .scored import Scored

_SAFE = re.compile(r"[^\s,\"'](?:[^,\"'\r\n]*[^\s,\"'])?")
_CELLS = 1 << 18  # turned into text at a time
_BLOCK_BYTES = 1 << 21  # parsed at a time; also the longest line


def write(file: BinaryIO, chunks: Iterable[Samples], states: States) -> None:
    """Write samples as CSV in UTF-8; a value is quoted only where CSV needs it."""
    write_line(file, map(quoted, states))
    for samples in chunks:
        for part in _parts(samples):
            _write_lines(file, _cells(part))


def write_scores(file: BinaryIO, chunks: Iterable[Scores]) -> None:
    """Write a column of log-probabilities, each so that it reads back as the same double."""
    file.write(f"{SCORE}\n".encode())
    for scores in chunks:
        file.write("".join(f"{score!r}\n" for score in scores.tolist()).encode())


def write_scored(file: BinaryIO, chunks: Iterable[Scored], states: States) -> None:
    """Write labels and log-probabilities."""
    for number, chunk in enumerate(chunks):
        samples = scored.labelled(chunk.rows, states)
        if number == 0:
            write_line(file, map(quoted, [*samples.names, SCORE]))
        first = 0
        for part in _parts(samples):
            scores = chunk.scores[first : first + len(part)].tolist()
            _write_lines(file, [*_cells(part), list(map(repr, scores))])
            first += len(part)


def write_gz(file: BinaryIO, chunks: Iterable[Samples], states: States) -> None:
    """Write samples as compressed CSV."""
    compressed(file, lambda text: write(text, chunks, states))


def write_gz_scores(file: BinaryIO, chunks: Iterable[Scores]) -> None:
    """Write a column of log-probabilities as compressed CSV."""
    compressed(file, lambda text: write_scores(text, chunks))


def write_gz_scored(file: BinaryIO, chunks: Iterable[Scored], states: States) -> None:
    """Write labels and log-probabilities as compressed CSV."""
    compressed(file, lambda text: write_scored(text, chunks, states))


def read(path: Path, states: States, chunk: int) -> Iterator[Any]:
    """Record batches of a CSV file, compressed or not; every value stays the string it is: ``<5``, TRUE, 0012."""
    require_pyarrow()
    return checked_batches(path, "CSV", _batches(path, states, chunk))


def quoted(value: str) -> str:
    """A value as CSV writes it.

    Examples
    --------
    >>> print(quoted("<5"), quoted("a, b"), quoted('a "b" c'))
    <5 "a, b" "a ""b"" c"
    """
    return value if _SAFE.fullmatch(value) else '"' + value.replace('"', '""') + '"'


def _parts(samples: Samples) -> Iterator[Samples]:
    rows = max(1, _CELLS // len(samples.names))
    return (samples[first : first + rows] for first in range(0, len(samples), rows))


def _cells(samples: Samples) -> list[list[str]]:
    """The labels of every column."""
    columns = [(Column(name, samples.states[name]), codes) for name, codes in samples.items()]
    return [
        np.array(list(map(quoted, variable.states)), object)[codes_in_range(codes, variable)].tolist()
        for variable, codes in columns
    ]


def write_line(file: BinaryIO, cells: Iterable[str]) -> None:
    """Write cells that are quoted already as one line."""
    file.write((",".join(cells) + "\n").encode())


def _write_lines(file: BinaryIO, columns: list[list[str]]) -> None:
    file.write(("\n".join(map(",".join, zip(*columns, strict=True))) + "\n").encode())


def compressed(file: BinaryIO, write_text: Callable[[BinaryIO], None]) -> None:
    """No name and no time stamp in the header: the same rows give the same bytes."""
    with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:
        write_text(cast("BinaryIO", packed))


def _batches(path: Path, states: States, chunk: int) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import csv

    read_options = csv.ReadOptions(block_size=_BLOCK_BYTES)
    parse_options = csv.ParseOptions(newlines_in_values=any("\n" in s for own in states.values() for s in own))
    convert_options = csv.ConvertOptions(
        column_types=dict.fromkeys(states, pa.dictionary(pa.int32(), pa.string())), strings_can_be_null=False
    )
    compression = "gzip" if path.suffix.lower() == ".gz" else None  # pyarrow knows lower case only
    with (
        pa.input_stream(str(path), compression=compression) as text,
        csv.open_csv(text, read_options, parse_options, convert_options) as reader,
    ):
        yield reader.schema.empty_table()
        for batch in reader:
            yield from slices(batch, chunk)
