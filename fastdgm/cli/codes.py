"""Columns of a file that stand for codes: numbers and booleans in any spelling, as Python's frames of them count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

_BOOLEANS = {"false": "0", "true": "1"}


def with_plain_codes(rows: Any, names: Iterable[str]) -> Any:
    """A record batch or table whose columns ``names`` hold numbers, or text spelt as codes are: "1" for 1.0 and True.

    Text that reads as no whole number stays as it is, to be refused by whoever knows the codes.
    """
    for name in names:
        place = rows.schema.get_field_index(name)
        if place < 0:
            continue
        column = rows.column(place)
        plain = _plain(column)
        if plain is not column:
            rows = rows.set_column(place, name, plain)
    return rows


def _plain(column: Any) -> Any:
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind) and not _is_text(kind.value_type):
        column, kind = column.cast(kind.value_type), kind.value_type
    if types.is_boolean(kind):
        return column.cast(pa.uint8())
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([_plain(chunk) for chunk in column.chunks], None if column.chunks else kind)
    if _is_text(kind):
        column = column.dictionary_encode()
    elif not types.is_dictionary(kind):
        return column
    labels = column.dictionary.to_pylist()
    spelt = _spelt_as_codes(labels)
    if spelt == labels:
        return column
    distinct = {label: code for code, label in enumerate(dict.fromkeys(spelt))}
    of_label = pa.array([distinct[label] for label in spelt], pa.int32())
    return pa.DictionaryArray.from_arrays(of_label.take(column.indices), pa.array(distinct, pa.string()))


def _is_text(kind: Any) -> bool:
    return str(kind) in ("string", "large_string", "string_view")


def _spelt_as_codes(labels: Sequence[str | None]) -> list[str | None]:
    if labels and all(label is not None and label.lower() in _BOOLEANS for label in labels):
        return [_BOOLEANS[label.lower()] for label in labels if label is not None]
    return [label if label is None or "_" in label else _whole(label) for label in labels]


def _whole(label: str) -> str:
    try:
        number = float(label)
    except ValueError:
        return label
    return str(int(number)) if np.isfinite(number) and number.is_integer() else label
