"""Columns out of tables of any make (mappings, pandas, polars, Arrow), each reduced to codes or to labels."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UnknownNameError
from ..runtime.text import preview
from .booleans import with_plain_bytes
from .labels import Codes, Labels, Piece, missing_value
from .optional import import_pyarrow
from .placement import as_array
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


def column_pieces(name: str, column: Any, partial: bool = False) -> Iterator[Piece]:
    """A column as codes or labels, chunk by chunk where it is stored in chunks.

    Raises MissingValuesError for None, null and NA, unless these are allowed (``partial``): then a missing label is one
    of index -1, and a missing code is -1, NaN, or the largest number of an unsigned column, as it came. TypeError for
    values that are no codes or labels.
    """
    pandas = sys.modules.get("pandas")
    column = as_array(column)
    if pandas is not None and isinstance(column, pandas.Series):
        yield from _from_pandas(name, column, partial)
    elif pandas is not None and isinstance(column, pandas.Index | pandas.api.extensions.ExtensionArray):
        yield from _from_pandas(name, pandas.Series(column, copy=False), partial)
    elif isinstance(column, Labels):
        yield column
    elif isinstance(column, np.ndarray):
        yield _from_numpy(name, column, partial)
    elif hasattr(column, "__arrow_c_stream__"):
        pa = import_pyarrow("reading polars and Arrow columns")
        yield from _from_arrow(name, pa.chunked_array(column).chunks, partial)
    elif hasattr(column, "__arrow_c_array__"):
        yield from _from_arrow(name, [import_pyarrow("reading Arrow columns").array(column)], partial)
    elif hasattr(column, "__array__"):
        yield _from_numpy(name, np.asarray(column), partial)
    else:
        yield _from_objects(name, list(column), partial)


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


def _from_numpy(name: str, values: npt.NDArray[Any], partial: bool = False) -> Piece:
    if np.ma.is_masked(values):
        mask = np.ma.getmaskarray(values)
        if not partial:
            raise missing_value(name, int(mask.argmax()))
        if values.dtype.kind in "OUT":
            return _from_objects(name, np.where(mask, None, np.asarray(values)).tolist(), partial)
        return with_missing(_from_numpy(name, np.asarray(values)), mask)
    kind = values.dtype.kind
    if kind in "iuf":
        return Codes(np.asarray(values))
    if kind == "b":
        return Labels(with_plain_bytes(values).view(np.uint8), (False, True), ordered=True)
    if kind in "OUT":
        return _from_objects(name, values.tolist(), partial)
    raise _unreadable(name, f"type {values.dtype}")


def _from_objects(name: str, values: list[Any], partial: bool = False) -> Piece:
    """A list of Python objects; the loops over rows are C's (set, dict.fromkeys, map)."""
    kinds = kinds_of(values)
    if partial and kinds & {"missing", "float"}:
        return _from_partial_objects(name, values)
    try:
        if kinds <= {"integer"}:
            return Codes(np.fromiter(values, np.int64, len(values)))
        if kinds <= {"integer", "float"}:
            return Codes(np.fromiter(values, np.float64, len(values)))
    except OverflowError:
        row = next(i for i, value in enumerate(values) if abs(value) >= 2**63)
        raise ValueError(f"column {name!r}, row {row}: {values[row]} is too large for a code") from None
    if kinds == {"boolean"}:
        return Labels(np.fromiter(values, np.uint8, len(values)), (False, True), ordered=True)
    if kinds == {"label"}:
        position = {label: i for i, label in enumerate(dict.fromkeys(values))}
        indices = np.fromiter(map(position.__getitem__, values), np.int64, len(values))
        return Labels(indices, list(map(str.__str__, position)), ordered=False)  # members of a str Enum by value
    for row, value in enumerate(values):
        if is_missing(value):
            raise missing_value(name, row)
    raise _unreadable(name, "a mixture of " + " and ".join(sorted(kinds)) if len(kinds) > 1 else kinds.pop())


def _from_partial_objects(name: str, values: list[Any]) -> Piece:
    """The same, where None, NA, NaT and NaN are missing values."""
    missing = np.fromiter(map(is_missing, values), bool, len(values))
    if missing.all():
        return nothing(len(values))
    known = values[int(np.argmin(missing))]
    filled = [known if empty else own for own, empty in zip(values, missing, strict=True)]
    return with_missing(_from_objects(name, filled), missing)


def nothing(n: int) -> Labels:
    """A column that has no values."""
    return Labels(np.full(n, -1, np.int8), (), ordered=False)


def with_missing(piece: Piece, missing: npt.NDArray[np.bool_]) -> Piece:
    """The same column with missing values: index -1, code -1, or NaN among floats."""
    if not missing.any():
        return piece
    values = piece.values
    if values.dtype.kind == "u":  # no number of its own can mark them: all may be states or labels
        values = values.astype(f"i{min(8, 2 * values.itemsize)}")
    values = np.where(missing, values.dtype.type(np.nan if values.dtype.kind == "f" else -1), values)
    return Labels(values, piece.labels, piece.ordered) if isinstance(piece, Labels) else Codes(values)


def is_missing(value: object) -> bool:
    """Whether an object is None, NA, NaT or NaN."""
    return _kind(type(value)) == "missing" or (isinstance(value, float | np.floating) and bool(value != value))


def kinds_of(values: list[Any]) -> set[str]:
    """What Python objects are to us: "integer", "float", "boolean", "label", "missing", or the names of their types."""
    return set(map(_kind, set(map(type, values))))


def _kind(value_type: type) -> str:
    if issubclass(value_type, bool | np.bool_):
        return "boolean"
    if issubclass(value_type, int | np.integer):
        return "integer"
    if issubclass(value_type, float | np.floating):
        return "float"
    if issubclass(value_type, str):
        return "label"
    if value_type.__name__ in ("NoneType", "NAType", "NaTType"):
        return "missing"
    return value_type.__name__


def _unreadable(name: str, found: str) -> TypeError:
    return TypeError(f"a column holds integer codes, labels or booleans, column {name!r} holds {found}")


def _from_pandas(name: str, series: Any, partial: bool) -> Iterator[Piece]:
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        yield Labels(series.array.codes, dtype.categories.tolist(), ordered=bool(dtype.ordered))
    elif isinstance(dtype, pd.ArrowDtype):
        values = import_pyarrow("reading Arrow columns").array(series.array)
        yield from _from_arrow(name, getattr(values, "chunks", [values]), partial)
    elif isinstance(dtype, pd.StringDtype) or (dtype == "object" and pd.api.types.infer_dtype(series) == "string"):
        indices, labels = pd.factorize(series)
        yield Labels(indices, labels.tolist(), ordered=False)
    else:
        missing = series.isna().to_numpy()
        if not missing.any():
            yield _from_numpy(name, series.to_numpy())
        elif partial:
            yield _from_partial_pandas(name, series, missing)
        else:
            raise missing_value(name, int(missing.argmax()))


def _from_partial_pandas(name: str, series: Any, missing: npt.NDArray[np.bool_]) -> Piece:
    """A column of pandas some of whose values are missing, and which has no categories or strings."""
    if missing.all():
        return nothing(len(series))
    if hasattr(series.dtype, "numpy_dtype"):  # a nullable type
        known = series.to_numpy(series.dtype.numpy_dtype, na_value=series.dtype.numpy_dtype.type(0))
        return with_missing(_from_numpy(name, known), missing)
    return _from_numpy(name, series.to_numpy(), partial=True)


def _from_arrow(name: str, chunks: Iterable[Any], partial: bool) -> Iterator[Piece]:
    first_row = 0
    for chunk in chunks:
        if chunk.null_count and not partial:
            raise missing_value(name, first_row + int(_nulls(chunk).argmax()))
        yield _from_partial_arrow_chunk(name, chunk) if chunk.null_count else _from_arrow_chunk(name, chunk)
        first_row += len(chunk)


def _nulls(chunk: Any) -> npt.NDArray[np.bool_]:
    return np.asarray(chunk.is_null().to_numpy(zero_copy_only=False), bool)


def _from_partial_arrow_chunk(name: str, chunk: Any) -> Piece:
    """A chunk some of whose values are null."""
    import pyarrow as pa

    if chunk.null_count == len(chunk):
        return nothing(len(chunk))
    kind = chunk.type
    if str(kind) in ("string", "large_string", "string_view"):
        chunk = chunk.dictionary_encode()
    if pa.types.is_dictionary(chunk.type):
        indices, labels = chunk.indices.fill_null(0), chunk.dictionary
        known = pa.DictionaryArray.from_arrays(indices, labels, ordered=chunk.type.ordered, safe=False)
    elif pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        known = chunk.fill_null(pa.scalar(0, pa.int8()).cast(kind))
    else:
        raise _unreadable(name, f"Arrow type {kind}")
    return with_missing(_from_arrow_chunk(name, known), _nulls(chunk))


def _from_arrow_chunk(name: str, chunk: Any) -> Piece:
    from pyarrow import types

    kind = chunk.type
    if types.is_dictionary(kind):
        labels = [None if label != label else label for label in chunk.dictionary.to_pylist()]  # NaN is missing
        return Labels(chunk.indices.to_numpy(zero_copy_only=False), labels, ordered=kind.ordered)
    if types.is_null(kind):  # of no rows: any row would be missing
        return _from_objects(name, [])
    if str(kind) in ("string", "large_string", "string_view"):
        encoded = chunk.dictionary_encode()
        labels = encoded.dictionary.to_pylist()
        return Labels(encoded.indices.to_numpy(zero_copy_only=False), labels, ordered=False)
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return _from_numpy(name, chunk.to_numpy(zero_copy_only=False))
    raise _unreadable(name, f"Arrow type {kind}")
