"""Columns of vectors, of any make: arrays of two axes, or the values of all vectors one after another."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .column_pieces import kinds_of
from .labels import Labels, missing_value
from .optional import import_pyarrow
from .placement import as_array

Array = npt.NDArray[Any]


class Event(NamedTuple):
    """What the vectors of a column are: their shape, and what they hold, "codes" or "numbers"."""

    shape: tuple[int, ...]
    what: str

    @property
    def size(self) -> int:
        """How many values a vector has."""
        return prod(self.shape)


class Vectors(NamedTuple):
    """Some vectors of a column.

    ``values`` are an array ``(n, size)`` of numbers or booleans, maybe masked, or else a column of one dimension with
    the values of one vector after another; those of a vector that is missing are missing.
    """

    values: Any
    n: int


def vector_pieces(name: str, column: Any, event: Event) -> Iterator[Vectors]:
    """A column of vectors, chunk by chunk where it is stored in chunks; nothing is copied that need not be.

    Vectors of several axes may also be flat: a column of 28 x 28 images is ``(n, 28, 28)`` or ``(n, 784)``, or holds
    lists of 28 lists or lists of 784 values.

    Raises ValueError for vectors of another shape; TypeError for what is no column.
    """
    column = as_array(column)
    if isinstance(column, Labels):
        values = vector_rows(name, column.values, event)
        yield Vectors(Labels(values.reshape(-1), column.labels, column.ordered), len(values))
        return
    column = _without_pandas(column)
    if hasattr(column, "__arrow_c_stream__"):
        chunked = import_pyarrow("reading polars and Arrow columns").chunked_array(column)
        yield from _from_arrow(name, chunked.chunks or [chunked.combine_chunks()], event)
    elif hasattr(column, "__arrow_c_array__"):
        yield from _from_arrow(name, [import_pyarrow("reading Arrow columns").array(column)], event)
    elif isinstance(column, np.ndarray) or hasattr(column, "__array__"):
        array = column if isinstance(column, np.ndarray) else np.asarray(column)
        yield _from_objects(name, with_none(array), event) if _holds_vectors(array) else _from_numpy(name, array, event)
    elif isinstance(column, str | bytes | Set | Mapping) or not hasattr(column, "__len__"):
        raise TypeError(f"a column is a sequence of values, {name!r} is {column!r:.80}")
    else:
        yield _from_objects(name, list(column), event)


def vector_rows(name: str, array: Array, event: Event) -> Array:
    """An array of vectors ``(n, *shape)`` or ``(n, size)`` as ``(n, size)``. Raises ValueError for another shape."""
    if array.shape[1:] not in (event.shape, (event.size,)):
        allowed = [", ".join(map(str, ("n_rows", *shape))) for shape in dict.fromkeys((event.shape, (event.size,)))]
        raise ValueError(
            f"a column of vectors of {event.size} {event.what} has shape ({') or ('.join(allowed)}), {name!r} has "
            f"{array.shape}"
        )
    return array.reshape(len(array), event.size)


def with_none(values: Array) -> list[Any]:
    """Objects as a list; masked ones as None."""
    if not np.ma.is_masked(values):
        return list(np.ma.getdata(values))
    objects = np.ma.getdata(values).astype(object)  # fresh
    objects[np.ma.getmaskarray(values)] = None
    return list(objects)


def is_missing(value: object) -> bool:
    """Whether a Python object stands for a missing value: None, NaN, NA, NaT."""
    return kinds_of([value]) == {"missing"} or (isinstance(value, float | np.floating) and bool(value != value))


def _without_pandas(column: Any) -> Any:
    """A pandas column as an Arrow or NumPy one, anything else as it is."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(column, pandas.Series | pandas.Index | pandas.api.extensions.ExtensionArray):
        return column
    series = pandas.Series(column, copy=False)
    if isinstance(series.dtype, pandas.ArrowDtype):
        return import_pyarrow("reading Arrow columns").chunked_array(series.array.__arrow_array__())
    return series.to_numpy()


def _holds_vectors(array: Array) -> bool:
    """Whether an array of objects has a vector in each."""
    return array.dtype.kind == "O" and array.ndim == 1


def _from_numpy(name: str, array: Array, event: Event) -> Vectors:
    rows = vector_rows(name, array, event)
    if rows.dtype.kind in "biuf":
        return Vectors(rows, len(rows))
    return Vectors(with_none(rows.reshape(-1)) if rows.dtype.kind == "O" else rows.reshape(-1), len(rows))


def _from_objects(name: str, vectors: list[Any], event: Event) -> Vectors:
    """A list of Python objects, each of them a vector; one that is missing has missing values."""
    vectors = [as_array(vector) for vector in vectors]
    kinds = {(own.dtype, own.shape) if _is_plain(own) else None for own in vectors}
    if len(kinds) == 1 and None not in kinds and vectors[0].shape in (event.shape, (event.size,)):
        return Vectors(vector_rows(name, np.stack(vectors), event), len(vectors))
    values: list[Any] = []
    for row, vector in enumerate(vectors):
        own = [None] * event.size if is_missing(vector) else elements(vector, event.shape)
        if own is None or len(own) != event.size:
            raise ValueError(f"column {name!r} holds vectors of {event.size} {event.what}, row {row} is {vector!r:.80}")
        values += own
    return Vectors(values, len(vectors))


def _is_plain(vector: Any) -> bool:
    return isinstance(vector, np.ndarray) and not np.ma.is_masked(vector) and vector.dtype.kind in "biuf"


def elements(vector: Any, shape: Sequence[int]) -> list[Any] | None:
    """The values of a vector, nested or flat; None where it has another shape, but for the length of a flat one."""
    if isinstance(vector, np.ndarray) and vector.shape in (tuple(shape), (prod(shape),)):
        return with_none(vector.reshape(-1))
    if isinstance(vector, str | bytes | Mapping | Set) or not hasattr(vector, "__len__"):
        return None
    parts = list(vector)
    if len(shape) > 1 and len(parts) == shape[0] and hasattr(parts[0], "__len__") and not isinstance(parts[0], str):
        inner = [elements(as_array(part), shape[1:]) or [] for part in parts]
        return [value for own in inner for value in own] if {*map(len, inner)} == {prod(shape[1:])} else None
    return parts


def _from_arrow(name: str, chunks: Iterable[Any], event: Event) -> Iterator[Vectors]:
    first_row = 0
    for chunk in chunks:
        yield _arrow_vectors(name, chunk, event, first_row)
        first_row += len(chunk)


def _arrow_vectors(name: str, chunk: Any, event: Event, first_row: int) -> Vectors:
    import pyarrow as pa

    chunk = _storage(chunk)
    if pa.types.is_null(chunk.type):
        return Vectors(pa.nulls(len(chunk) * event.size), len(chunk))
    if not _is_list(chunk.type):
        raise TypeError(f"column {name!r} holds vectors of {event.size} {event.what}, got Arrow type {chunk.type}")
    present = chunk.is_valid().to_numpy(zero_copy_only=False)
    values = _flat(name, chunk, event, np.flatnonzero(present) + first_row)
    if chunk.null_count and not pa.types.is_primitive(values.type):  # of which not every kind can be taken
        there = iter(values.to_pylist())
        return Vectors([next(there) if own else None for own in np.repeat(present, event.size)], len(chunk))
    if chunk.null_count:
        places = np.where(present, np.cumsum(present) - 1, 0)[:, None] * event.size + np.arange(event.size)
        values = values.take(pa.array(places.reshape(-1), mask=np.repeat(~present, event.size)))
    return Vectors(values, len(chunk))


def _flat(name: str, chunk: Any, event: Event, rows: Array) -> Any:
    """The values of the vectors that are there, which are in ``rows``; nested lists are those of several axes."""
    shape = event.shape if _is_list(_storage(chunk.type.value_field).type) else (event.size,)
    values, n_lists = chunk, 1  # lists of each vector
    for axis, size in enumerate(shape):
        if not _is_list(values.type):
            raise ValueError(f"column {name!r} holds vectors of shape {event.shape}, got Arrow type {chunk.type}")
        if axis and values.null_count:
            missing = values.is_null().to_numpy(zero_copy_only=False)
            raise missing_value(name, int(rows[int(missing.argmax()) // n_lists]))
        _check_lengths(name, values, size, event, rows, n_lists)
        values, n_lists = _storage(values.flatten()), n_lists * size
    return values


def _check_lengths(name: str, lists: Any, size: int, event: Event, rows: Array, n_lists: int) -> None:
    """ValueError for the first list of another length; ``n_lists`` of them belong to one vector."""
    from pyarrow import compute

    lengths = compute.list_value_length(lists).drop_null().to_numpy(zero_copy_only=False)
    wrong = lengths != size
    if wrong.any():
        at = int(wrong.argmax())
        shape = f" of shape {event.shape}" if len(event.shape) > 1 else ""
        raise ValueError(
            f"column {name!r} holds vectors of {event.size} {event.what}{shape}, row {rows[at // n_lists]} has a list "
            f"of {lengths[at]}"
        )


def _storage(array: Any) -> Any:
    """What an array, or a field, of an extension type is stored as."""
    import pyarrow as pa

    if isinstance(array, pa.Field):
        kind = array.type
        return pa.field(array.name, kind.storage_type) if isinstance(kind, pa.BaseExtensionType) else array
    return array.storage if isinstance(array.type, pa.BaseExtensionType) else array


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))
