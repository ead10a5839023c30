"""Rows of a file together with their log-probabilities, as the formats write them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...data.samples import Samples
from .common import SCORE, Scores, States, no_rows


class Scored(NamedTuple):
    """A chunk that ``read_rows`` gave, and its log-probabilities, which say that its values are valid."""

    rows: Any
    scores: Scores


def distinct_columns(rows: Any, states: States) -> list[str]:
    """Columns of a chunk in their order, to which one of log-probabilities can be added."""
    names = list(states) if isinstance(rows, np.ndarray) else list(rows.schema.names)
    if SCORE in names:
        raise ValueError(f"the rows have a column {SCORE!r} already: its name is taken for the log-probabilities")
    return names


def labelled(rows: Any, states: States) -> Samples:
    """A chunk as codes and states, its columns in the order of the file."""
    from ...data.tables import TableReader

    own = {name: states[name] for name in distinct_columns(rows, states) if name in states}
    dtype = no_rows(states).dtype
    if isinstance(rows, np.ndarray):
        return Samples(np.ascontiguousarray(rows.T.astype(dtype)), own)
    return Samples(TableReader(rows.select(list(own)), own, dtype).read(0, rows.num_rows), own)


def codes(chunk: Scored, states: States) -> Any:
    """Codes and log-probabilities as one float64 array ``(n_rows, n_vars + 1)``, in the network's order."""
    rows = chunk.rows
    if not isinstance(rows, np.ndarray):
        samples = labelled(rows, states)
        rows = np.stack([samples[name] for name in states], axis=1)
    return np.column_stack([rows.astype(np.float64), chunk.scores])


def table(chunk: Scored, states: States) -> Any:
    """A pyarrow Table: label columns by the network's states, so that all chunks are alike, others as they are.

    Others are numbers, and the index of a DataFrame, which pandas finds by the metadata.
    """
    import pyarrow as pa

    rows, scores = chunk
    names = distinct_columns(rows, states)
    samples = labelled(rows, states).to_arrow()
    columns = [samples[name] if _is_label(rows, name) and name in states else _plain(rows[name]) for name in names]
    metadata = None if isinstance(rows, np.ndarray) else rows.schema.metadata
    return pa.table([*columns, pa.array(scores)], names=[*names, SCORE], metadata=metadata)


def _is_label(rows: Any, name: str) -> bool:
    import pyarrow as pa

    if isinstance(rows, np.ndarray):
        return True
    kind = rows.schema.field(name).type
    return pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _plain(column: Any) -> Any:
    """The values of a dictionary column, whose dictionary may be another one in every chunk; others as they are."""
    import pyarrow as pa

    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
