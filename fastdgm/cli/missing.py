"""How many values of rows are missing: a glance where none is, a look at every value where one may be."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.evidence_rows import as_evidence
from ..data.incomplete import missing_cells
from ..data.partial import as_partial_rows
from ..data.schema import Schema


def n_missing(rows: Any, schema: Schema) -> int:
    """In a chunk that ``read_rows`` gave, and that could be scored."""
    return 0 if _is_complete(rows, schema) else sum(missing_counts(rows, schema).values())


def missing_counts(rows: Any, schema: Schema) -> dict[str, int]:
    """How many values of each variable are missing in a chunk, those of a vector number by number."""
    if schema.is_discrete and not schema.vectors:
        return as_evidence(rows, schema).missing_counts
    return missing_cells(as_partial_rows(rows, schema))


def _is_complete(rows: Any, schema: Schema) -> bool:
    """Whether a glance says so."""
    if isinstance(rows, np.ndarray):
        return _is_complete_array(rows)
    names = set(rows.schema.names)
    return all(name in names and _is_complete_column(rows.column(name)) for name in schema.names)


def _is_complete_array(rows: np.ndarray[Any, Any]) -> bool:
    if rows.dtype.kind == "i":
        return bool(rows.min(initial=0) >= 0)
    if rows.dtype.kind == "u":
        return bool(rows.max(initial=0) < np.iinfo(rows.dtype).max)
    return rows.dtype.kind != "f" or not np.isnan(rows).any()


def _is_complete_column(column: Any) -> bool:
    """Of labels or floats without a null; other types are looked at value by value."""
    import pyarrow as pa

    if column.null_count:
        return False
    if pa.types.is_dictionary(column.type):
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        return all(not _holds_a_marker(chunk.dictionary) for chunk in chunks)
    return pa.types.is_floating(column.type) and not np.isnan(column.to_numpy(zero_copy_only=False)).any()


def _holds_a_marker(dictionary: Any) -> bool:
    """Whether a dictionary has an entry for what is missing, or of a type that may."""
    import pyarrow as pa

    text = pa.types.is_string(dictionary.type) or pa.types.is_large_string(dictionary.type)
    return not text or dictionary.null_count > 0 or "" in dictionary.to_pylist()
