"""Parquet and Arrow IPC files: dictionary columns of labels, floats, fixed-size lists of floats or codes for vectors.

One row group or record batch per chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from ...data.samples import Samples
from ...data.schema import Schema
from . import scored
from .common import SCORE, Scores, check_seekable, checked_batches, require_pyarrow, slices, with_first
from .scored import Scored


def write_parquet(file: BinaryIO, chunks: Iterable[Samples], schema: Schema) -> None:
    """Write samples as Parquet."""
    write_parquet_tables(file, *_sample_tables(chunks, schema))


def write_ipc(file: BinaryIO, chunks: Iterable[Samples], schema: Schema) -> None:
    """Write samples in Arrow's file format."""
    write_ipc_tables(file, *_sample_tables(chunks, schema))


def write_parquet_scores(file: BinaryIO, chunks: Iterable[Scores]) -> None:
    """Write a column of log-probabilities as Parquet."""
    write_parquet_tables(file, *_score_tables(chunks))


def write_ipc_scores(file: BinaryIO, chunks: Iterable[Scores]) -> None:
    """Write a column of log-probabilities in Arrow's file format."""
    write_ipc_tables(file, *_score_tables(chunks))


def write_parquet_scored(file: BinaryIO, chunks: Iterable[Scored], schema: Schema) -> None:
    """Write rows and their log-probabilities as Parquet."""
    write_parquet_tables(file, *_scored_tables(chunks, schema))


def write_ipc_scored(file: BinaryIO, chunks: Iterable[Scored], schema: Schema) -> None:
    """Write rows and their log-probabilities in Arrow's file format."""
    write_ipc_tables(file, *_scored_tables(chunks, schema))


def read_parquet(path: Path, schema: Schema, chunk: int) -> Iterator[Any]:
    """Record batches of a Parquet file; labels are kept as dictionaries."""
    require_pyarrow()
    return checked_batches(path, "Parquet", _parquet_batches(path, schema, chunk))


def read_ipc(path: Path, schema: Schema, chunk: int) -> Iterator[Any]:
    """Record batches of an Arrow file.

    Read and not mapped, because mapped pages pile up in memory; hence a batch of the file is held at a time.
    """
    require_pyarrow()
    return checked_batches(path, "Arrow", _ipc_batches(path, chunk))


def _sample_tables(chunks: Iterable[Samples], schema: Schema) -> tuple[Iterator[Any], Any]:
    require_pyarrow()
    first, chunks = with_first(chunks, schema)
    return (samples.to_arrow() for samples in chunks), first[:0].to_arrow().schema


def _score_tables(chunks: Iterable[Scores]) -> tuple[Iterator[Any], Any]:
    pa = require_pyarrow()
    schema = pa.schema([(SCORE, pa.float64())])
    return (pa.table([scores], schema=schema) for scores in chunks), schema


def _scored_tables(chunks: Iterable[Scored], schema: Schema) -> tuple[Iterator[Any], Any]:
    require_pyarrow()
    tables = (scored.table(chunk, schema) for chunk in chunks)
    first = next(tables)  # there is at least one chunk
    return chain([first], tables), first.schema


def write_parquet_tables(file: BinaryIO, tables: Iterable[Any], schema: Any) -> None:
    """Write pyarrow Tables of one schema, each as a row group."""
    from pyarrow import parquet

    check_seekable(file, "a Parquet file")
    with parquet.ParquetWriter(file, schema, write_statistics=_plain_columns(schema)) as writer:
        for table in tables:
            writer.write_table(table)


def _plain_columns(schema: Any) -> list[str]:
    """The columns to take statistics of: the smallest and largest label of a dictionary column help nobody, and finding
    them takes nearly half of the time that writing takes."""
    import pyarrow as pa

    return [field.name for field in schema if not pa.types.is_dictionary(field.type)]


def write_ipc_tables(file: BinaryIO, tables: Iterable[Any], schema: Any) -> None:
    """Write pyarrow Tables of one schema, each as a record batch."""
    from pyarrow import ipc

    check_seekable(file, "an Arrow file")
    with ipc.new_file(file, schema) as writer:
        for table in tables:
            writer.write_table(table)


def _parquet_batches(path: Path, schema: Schema, chunk: int) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import parquet

    fields = parquet.read_schema(path)
    text = [own.name for own in fields if own.name in schema.states and own.type in (pa.string(), pa.large_string())]
    with parquet.ParquetFile(path, read_dictionary=text) as file:
        yield file.schema_arrow.empty_table()
        yield from file.iter_batches(batch_size=chunk)


def _ipc_batches(path: Path, chunk: int) -> Iterator[Any]:
    import pyarrow as pa

    with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
        yield file.schema.empty_table()
        for number in range(file.num_record_batches):
            yield from slices(file.get_batch(number), chunk)
