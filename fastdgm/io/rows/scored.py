"""Rows of a file together with their log-probabilities, as the formats write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...data.boundary import as_network_block
from ...data.columns import table_columns
from ...data.partial import as_partial_rows, holds_reals_alone
from ...data.samples import Samples
from ...data.schema import Schema, Values
from ...data.variables import Discrete
from ...data.vectors import element_names
from ...errors import MissingValuesError, UnknownNameError
from .common import SCORE, Scores, States

Array = npt.NDArray[np.bool_]


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


class Held(NamedTuple):
    """A chunk as codes and reals, and which of its cells are missing; there codes are 0 and reals NaN."""

    samples: Samples
    missing: Mapping[int, Array]  # by row of the blocks, codes before reals: in which rows of the chunk


def held_rows(rows: Any, schema: Schema) -> Held:
    """A chunk, its variables in the order of the file's columns."""
    if isinstance(rows, np.ndarray):
        own = _held(rows, schema)
    else:
        own = Schema({name: schema.variables[name] for name in _in_file_order(distinct_columns(rows, schema), schema)})
        rows = table_columns(rows, own.names)
    return _read(rows, own)


def _read(rows: Any, schema: Schema) -> Held:
    """Rows of all variables of a schema."""
    try:
        block = as_network_block(rows, schema)
        part = block.read(0, block.n)
        return Held(Samples.of(Values(part.codes, part.reals), schema), {})
    except (MissingValuesError, UnknownNameError):  # or a column that is absent; what is wrong is refused again
        found = as_partial_rows(rows, schema)
    everywhere = np.ones(found.n, np.bool_)
    missing = {row: everywhere if own is None else own for row, own in found.missing.items()}
    return Held(Samples.of(found.values, schema), missing)


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
        held = _read(rows, _held(rows, schema))
    else:
        held = _read(table_columns(rows, schema.names), schema)
    cells = np.array(held.samples, np.float64)
    for column, empty in missing_cells(held):
        cells[empty, column] = np.nan
    return np.column_stack([cells, chunk.scores])


def missing_cells(held: Held) -> Iterator[tuple[int, Array]]:
    """The columns, one for each cell, in which anything is missing, and in which rows."""
    schema, column = held.samples.schema, 0
    for name, variable in schema.variables.items():
        first = schema.rows[name] + (0 if name in schema.states else schema.n_codes)
        for row in range(first, first + variable.size):
            if row in held.missing:
                yield column, held.missing[row]
            column += 1


def table(chunk: Scored, schema: Schema) -> Any:
    """A pyarrow Table: label columns by the network's states, so that all chunks are alike, others as they are.

    Others are numbers, and the index of a DataFrame, which pandas finds by the metadata.
    """
    import pyarrow as pa

    rows, scores = chunk
    names = distinct_columns(rows, schema)
    if isinstance(rows, np.ndarray):
        held = held_rows(rows, schema)
        return pa.table([*_arrow_columns(held).values(), pa.array(scores)], names=[*names, SCORE])
    own = {name: schema.states[name] for name in names if name in schema.states and name not in schema.vectors}
    labels = _labels(rows, own)
    columns = [labels[name] if name in own and _is_label(rows, name) else _plain(rows[name]) for name in names]
    return pa.table([*columns, pa.array(scores)], names=[*names, SCORE], metadata=rows.schema.metadata)


def _labels(rows: Any, states: States) -> dict[str, Any]:
    """Columns of discrete variables as dictionaries of all their states."""
    if not states:
        return {}
    columns = dict(zip(states, rows.select(list(states)).columns, strict=True))
    return _arrow_columns(_read(columns, Schema({name: Discrete(own) for name, own in states.items()})))


def _arrow_columns(held: Held) -> dict[str, Any]:
    """Columns by name, null where a label is missing; numbers are NaN there, and codes of vectors never missing."""
    import pyarrow as pa

    schema = held.samples.schema
    table = held.samples.to_arrow()
    columns = dict(zip(schema.names, table.columns, strict=True))
    for name in schema.states:
        if (empty := held.missing.get(schema.rows[name])) is not None and name not in schema.vectors:
            codes = columns[name].combine_chunks()
            indices = pa.array(codes.indices.to_numpy(), codes.indices.type, mask=empty)
            columns[name] = pa.DictionaryArray.from_arrays(indices, codes.dictionary, ordered=True)
    return columns


def _is_label(rows: Any, name: str) -> bool:
    import pyarrow as pa

    kind = rows.schema.field(name).type
    return pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _plain(column: Any) -> Any:
    """The values of a dictionary column, whose dictionary may be another one in every chunk; others as they are."""
    import pyarrow as pa

    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
