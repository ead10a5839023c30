"""Columns of any make (arrays, lists, pandas, polars, Arrow), each reduced to codes or to labels."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from .booleans import with_plain_bytes
from .labels import Codes, Labels, Piece, missing_value
from .optional import import_pyarrow
from .placement import as_array


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


def _from_numpy(name: str, values: npt.NDArray[Any], partial: bool = False) -> Piece:
    if np.ma.is_masked(values):
        mask = np.ma.getmaskarray(values)
        if not partial:
            raise missing_value(name, int(mask.argmax()))
        if mask.all():
            return nothing(len(values))
        if values.dtype.kind in "OUT":
            cells = np.asarray(values).astype(object)
            cells[mask] = None
            return _from_objects(name, cells.tolist(), partial)
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
    told = f"a column holds integer codes, labels or booleans, column {name!r} holds {found}"
    if any(kind in found.lower() for kind in ("date", "time", "duration")):
        told += "; numbers made of it, as in (column - start) / np.timedelta64(1, 'D'), are a real variable"
    return TypeError(told)


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
    """A chunk some of whose values are null: -1, or NaN, in place of these."""
    import pyarrow as pa

    if chunk.null_count == len(chunk):
        return nothing(len(chunk))
    kind = chunk.type
    if str(kind) in ("string", "large_string", "string_view"):
        chunk = chunk.dictionary_encode()
    if pa.types.is_dictionary(chunk.type):
        indices = chunk.indices.cast(pa.int32()) if chunk.indices.type == pa.uint32() else chunk.indices
        return Labels(_with_minus_one(indices), _labels_of_dictionary(chunk), ordered=chunk.type.ordered)
    if pa.types.is_boolean(kind):
        return Labels(_with_minus_one(chunk.cast(pa.int8())), (False, True), ordered=True)
    if pa.types.is_floating(kind):
        return Codes(chunk.to_numpy(zero_copy_only=False))  # NaN where null
    if pa.types.is_integer(kind):
        return Codes(_with_minus_one(chunk))
    raise _unreadable(name, f"Arrow type {kind}")


def _labels_of_dictionary(chunk: Any) -> list[object]:
    return [None if label != label else label for label in chunk.dictionary.to_pylist()]  # NaN is missing


def _with_minus_one(integers: Any) -> npt.NDArray[Any]:
    """Arrow integers, -1 where they are null."""
    import pyarrow as pa

    kind = integers.type
    if pa.types.is_unsigned_integer(kind):
        wider = {8: pa.int16(), 16: pa.int32()}.get(kind.bit_width, pa.int64())
        integers = integers.cast(wider, safe=False)
    return np.asarray(integers.fill_null(-1).to_numpy())


def _from_arrow_chunk(name: str, chunk: Any) -> Piece:
    from pyarrow import types

    kind = chunk.type
    if types.is_dictionary(kind):
        indices = chunk.indices.to_numpy(zero_copy_only=False)
        return Labels(indices, _labels_of_dictionary(chunk), ordered=kind.ordered)
    if types.is_null(kind):  # of no rows: any row would be missing
        return _from_objects(name, [])
    if str(kind) in ("string", "large_string", "string_view"):
        encoded = chunk.dictionary_encode()
        labels = encoded.dictionary.to_pylist()
        return Labels(encoded.indices.to_numpy(zero_copy_only=False), labels, ordered=False)
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return _from_numpy(name, chunk.to_numpy(zero_copy_only=False))
    raise _unreadable(name, f"Arrow type {kind}")
