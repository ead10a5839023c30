"""Rows of a file together with their log-probabilities, as the formats write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...data.boundary import as_block, as_network_block
from ...data.columns import table_columns
from ...data.partial import holds_reals_alone
from ...data.samples import Samples, rows_of
from ...data.schema import Schema, Values
from ...data.vectors import element_names
from .common import SCORE, Scores, States


class Scored(NamedTuple):
    """A chunk that ``read_rows`` gave, and its log-probabilities, which say that its values are valid."""

    rows: Any
    scores: Scores


def distinct_columns(rows: Any, schema: Schema) -> list[str]:
    """Columns of a chunk in their order, to which one of log-probabilities can be added."""
    names = list(_held(rows, schema).names) if isinstance(rows, np.ndarray) else list(rows.schema.names)
    if SCORE in names:
        raise ValueError(f"the rows have a column {SCORE!r} already: its name is taken for the log-probabilities")
    return names


def samples_of(rows: Any, schema: Schema) -> Samples:
    """A chunk as codes and reals, its variables in the order of the file's columns."""
    if isinstance(rows, np.ndarray):
        own = _held(rows, schema)
    else:
        own = Schema({name: schema.variables[name] for name in _in_file_order(distinct_columns(rows, schema), schema)})
        rows = table_columns(rows, own.names)
    block = as_network_block(rows, own)
    part = block.read(0, block.n)
    return Samples.of(Values(part.codes, part.reals), own)


def _held(rows: np.ndarray[Any, Any], schema: Schema) -> Schema:
    """The variables that an array of rows holds: all of them, or the real ones alone."""
    alone = holds_reals_alone(rows, schema)
    return Schema({name: schema.variables[name] for name in schema.real_names}) if alone else schema


def _in_file_order(columns: Sequence[str], schema: Schema) -> list[str]:
    """Variables in the order of a file's columns, of which a vector may have several."""
    of_cell = {name: name for name in schema.names}
    for name, size in schema.vectors.items():
        of_cell = dict.fromkeys(element_names(name, size), name) | of_cell
    return list(dict.fromkeys(of_cell[column] for column in columns if column in of_cell))


def numbers(chunk: Scored, schema: Schema) -> Any:
    """Codes, reals and log-probabilities as one float64 array ``(n_rows, n_cells + 1)``, in the network's order."""
    rows = chunk.rows
    if not isinstance(rows, np.ndarray):
        part = as_network_block(table_columns(rows, schema.names), schema).read(0, rows.num_rows)
        rows = rows_of(Values(part.codes, part.reals), schema)
    return np.column_stack([rows.astype(np.float64), chunk.scores])


def table(chunk: Scored, schema: Schema) -> Any:
    """A pyarrow Table: label columns by the network's states, so that all chunks are alike, others as they are.

    Others are numbers, and the index of a DataFrame, which pandas finds by the metadata.
    """
    import pyarrow as pa

    rows, scores = chunk
    names = distinct_columns(rows, schema)
    if isinstance(rows, np.ndarray):
        samples = samples_of(rows, schema).to_arrow()
        return pa.table([*samples.columns, pa.array(scores)], names=[*names, SCORE])
    own = {name: schema.states[name] for name in names if name in schema.states and name not in schema.vectors}
    labels = _labels(rows, own)
    columns = [labels[name] if name in own and _is_label(rows, name) else _plain(rows[name]) for name in names]
    return pa.table([*columns, pa.array(scores)], names=[*names, SCORE], metadata=rows.schema.metadata)


def _labels(rows: Any, states: States) -> dict[str, Any]:
    """Columns of discrete variables as dictionaries of all their states."""
    if not states:
        return {}
    block = as_block(dict(zip(states, rows.select(list(states)).columns, strict=True)), states)
    table = Samples(block.read(0, rows.num_rows).codes, states).to_arrow()
    return dict(zip(states, table.columns, strict=True))


def _is_label(rows: Any, name: str) -> bool:
    import pyarrow as pa

    kind = rows.schema.field(name).type
    return pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _plain(column: Any) -> Any:
    """The values of a dictionary column, whose dictionary may be another one in every chunk; others as they are."""
    import pyarrow as pa

    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
