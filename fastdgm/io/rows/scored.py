"""Rows of a file together with their log-probabilities, as the formats write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...data.boundary import as_network_block
from ...data.columns import table_columns
from ...data.evidence_rows import evidence_type, missing_code
from ...data.missing_codes import missing_in
from ...data.partial import as_partial_rows, holds_reals_alone
from ...data.samples import Samples
from ...data.schema import Schema, Values
from ...data.variables import Discrete
from ...data.vectors import element_names
from ...errors import MissingValuesError, UnknownNameError
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
        return _read(rows, _held(rows, schema))
    own = Schema({name: schema.variables[name] for name in _in_file_order(distinct_columns(rows, schema), schema)})
    return _read(table_columns(rows, own.names), own)


def _read(rows: Any, schema: Schema) -> Samples:
    """Rows of all variables of a schema, of which values may be missing."""
    try:
        block = as_network_block(rows, schema)
        part = block.read(0, block.n)
        return Samples.of(Values(part.codes, part.reals), schema)
    except (MissingValuesError, UnknownNameError):  # or a column that is absent; what is wrong is refused again
        found = as_partial_rows(rows, schema)
    codes = found.values.codes.astype(evidence_type(schema) if schema.n_codes else schema.code_dtype)
    for row, missing in found.missing.items():
        if row < schema.n_codes:
            codes[row, slice(None) if missing is None else missing] = missing_code(codes.dtype)
    return Samples.of(Values(codes, found.values.reals), schema)


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
    """Codes, reals and log-probabilities as one float64 array ``(n_rows, n_cells + 1)``, in the network's order; NaN
    for what is missing."""
    rows = chunk.rows
    if isinstance(rows, np.ndarray):
        samples = _read(rows, _held(rows, schema))
    else:
        samples = _read(table_columns(rows, schema.names), schema)
    cells = np.array(samples, np.float64)
    for name, states in ({} if samples.schema.n_reals else samples.states).items():
        row = samples.schema.rows[name]
        own = samples.blocks.codes[row : row + samples.schema.variables[name].size]
        if (missing := missing_in(own, len(states))) is not None:
            cells[:, row : row + len(own)][missing.T] = np.nan
    return np.column_stack([cells, chunk.scores])


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
    columns = dict(zip(states, rows.select(list(states)).columns, strict=True))
    table = _read(columns, Schema({name: Discrete(own) for name, own in states.items()})).to_arrow()
    return dict(zip(states, table.columns, strict=True))


def _is_label(rows: Any, name: str) -> bool:
    import pyarrow as pa

    kind = rows.schema.field(name).type
    return pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _plain(column: Any) -> Any:
    """The values of a dictionary column, whose dictionary may be another one in every chunk; others as they are."""
    import pyarrow as pa

    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
