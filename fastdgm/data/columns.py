"""Columns out of tables of any make: mappings, pandas, polars, Arrow."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from math import prod
from types import MappingProxyType
from typing import Any

from ..errors import UnknownNameError
from ..runtime.text import preview
from .labels import Labels
from .optional import import_pyarrow
from .samples import Samples
from .vectors import Elements, element_names, with_vectors

_INDEX_LEVEL = "__index_level_"
_UNNAMED = ("", "Unnamed: 0")


def table_columns(data: Any, names: Collection[str]) -> dict[str, Any]:
    """The columns of a table or of Samples by name, not looked into yet.

    The index of a DataFrame, which pandas keeps in files as columns, is none unless it has one of the names.

    Raises TypeError where ``data`` is no table and ValueError for repeated names.
    """
    if isinstance(data, Samples):
        states = data.states
        return {
            name: Labels(column, states[name], ordered=True) if name in states else column
            for name, column in data.items()
        }
    if isinstance(data, Mapping):
        return dict(data)
    pandas = sys.modules.get("pandas")  # who has no pandas has no DataFrame
    if pandas is not None and isinstance(data, pandas.DataFrame):
        columns = _distinct(list(data.items()))
        index = _index_columns(data.columns.tolist())
    else:
        table = _arrow_table(data)
        columns = _distinct(list(zip(table.schema.names, table.columns, strict=True)))
        index = _index_columns(table.schema.names) | _pandas_index(table.schema)
    for name in index.difference(names):
        columns.pop(name, None)
    return columns


def named_columns(data: Any) -> Iterable[tuple[Any, Any]]:
    """(name, column) pairs of a table, in order, not looked into yet. Raises TypeError where ``data`` is no table."""
    pandas = sys.modules.get("pandas")  # who has no pandas has no DataFrame
    if isinstance(data, Mapping) or (pandas is not None and isinstance(data, pandas.DataFrame)):
        return data.items()
    table = _arrow_table(data)
    return zip(table.schema.names, table.columns, strict=True)


def without_index_columns(data: Any, names: Collection[str] = ()) -> Any:
    """A pandas, polars or Arrow table without the columns that hold the index of a DataFrame, but for those named;
    others as they are."""
    pandas, polars, pyarrow = (sys.modules.get(name) for name in ("pandas", "polars", "pyarrow"))
    if pandas is not None and isinstance(data, pandas.DataFrame):
        own = data.columns.tolist()
        index = _index_columns(own).difference(names)
        return data.loc[:, [name not in index for name in own]] if index else data
    if polars is not None and isinstance(data, polars.DataFrame):
        index = _index_columns(data.columns).difference(names)
        return data.drop(index) if index else data
    if pyarrow is not None and isinstance(data, pyarrow.Table | pyarrow.RecordBatch):
        index = (_index_columns(data.schema.names) | _pandas_index(data.schema)).difference(names)
        return data.select([name for name in data.schema.names if name not in index]) if index else data
    return data


def _index_columns(names: Sequence[Any]) -> set[str]:
    """Names that pandas gives to an index without one: in Parquet, and in the first column of a CSV file."""
    index = {name for name in names if isinstance(name, str) and name.startswith(_INDEX_LEVEL)}
    return index | {name for name in names[:1] if name in _UNNAMED}


def _pandas_index(schema: Any) -> set[str]:
    """The columns that hold the index of a DataFrame, by the metadata that pandas writes."""
    try:
        index = json.loads((schema.metadata or {})[b"pandas"])["index_columns"]
        return {name for name in index if isinstance(name, str)}  # a range is described, not stored
    except (KeyError, ValueError, TypeError, RecursionError):  # no such metadata, or none that pandas wrote
        return set()


def refuse_no_columns(columns: Collection[str], names: Sequence[str]) -> None:
    """UnknownNameError for a table that has none of the columns that it may have: it does not say how many rows."""
    if not columns:
        raise UnknownNameError(f"columns are matched by name: the data has none of {preview(names)}")


def matched_columns(
    data: Any,
    names: Iterable[str],
    vectors: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
    partial: bool = False,
) -> tuple[dict[str, Any], int]:
    """The columns of a table, which are exactly those named and equally long, and the number of rows.

    ``vectors`` are the shapes of those named whose values are vectors: columns of such, or one column for each value.
    With ``partial``, columns may be absent.
    """
    expected = dict.fromkeys(names)
    sizes = {name: prod(shape) for name, shape in vectors.items()}
    columns = with_vectors(table_columns(data, expected), sizes, partial)
    unknown = [name for name in columns if name not in expected]
    absent = [] if partial else [name for name in expected if name not in columns]
    if unknown or absent:
        problems = [f"the model has no variable {preview(unknown)}"] if unknown else []
        problems += [f"the data has no column {preview(absent)}"] if absent else []
        raise UnknownNameError(f"columns are matched by name: {' and '.join(problems)}")
    lengths: dict[str, int] = {}
    for name, column in columns.items():
        lengths |= _lengths(name, column, name in vectors)
    n_rows = next(iter(lengths.values()), 0)
    for name, length in lengths.items():
        if length != n_rows:
            raise ValueError(
                f"columns are equally long: {next(iter(lengths))!r} has {n_rows} rows, {name!r} has {length}"
            )
    return columns, n_rows


def _lengths(name: str, column: Any, is_vector: bool) -> dict[str, int]:
    if isinstance(column, Elements):
        own = zip(element_names(name, len(column.columns)), column.columns, strict=True)
        return {element: column_length(element, numbers) for element, numbers in own if numbers is not None}
    if is_vector and (isinstance(column, Labels) or getattr(column, "ndim", 1) >= 2):
        return {name: len(column)}  # whoever reads vectors checks their shape
    return {name: column_length(name, column)}


def _arrow_table(data: Any) -> Any:
    if not hasattr(data, "__arrow_c_stream__"):
        raise TypeError(
            "data with named columns is a mapping from names to columns, or a pandas, polars or Arrow table, "
            f"got {type(data).__module__}.{type(data).__qualname__}"
        )
    pa = import_pyarrow("reading polars and Arrow tables")
    if isinstance(data, pa.Table | pa.RecordBatch):
        return data
    try:
        return pa.table(data)
    except pa.ArrowInvalid as error:
        if "non-struct" not in str(error):
            raise
        found = f"{type(data).__module__}.{type(data).__qualname__}"
        raise TypeError(f"data is a table with one column per variable, got the single column {found}") from None


def _distinct(columns: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in columns]
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ValueError(f"column names must be distinct, got {twice!r} twice")
    return dict(columns)


def column_length(name: str, column: Any) -> int:
    """The number of values. Raises TypeError for what is no column, ValueError for more than one dimension."""
    if isinstance(column, str | bytes | Set | Mapping) or not hasattr(column, "__len__"):
        raise TypeError(f"a column is a sequence of values, {name!r} is {column!r:.80}")
    column = column.values if isinstance(column, Labels) else column  # of Samples
    if getattr(column, "ndim", 1) != 1:
        raise ValueError(f"a column has one dimension, {name!r} has shape {tuple(column.shape)}")
    return len(column)
