"""Columns of real numbers, of any make: arrays of integers or floats, NaN where a value is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from .column_pieces import kinds_of
from .labels import Labels
from .optional import import_pyarrow
from .placement import as_array
from .vector_pieces import Event, Vectors, is_missing, vector_pieces, with_none

Array = npt.NDArray[Any]

# What else a column may hold, and what its owner can do about it.
_FIXES = {
    "labels": "column.astype(float) makes numbers of labels that read as numbers; other labels are states of a "
    "discrete variable",
    "booleans": "booleans are states of a discrete variable; column.astype(float) makes 0.0 and 1.0 of them",
    "decimals": "column.astype(float), or cast to float64, makes the nearest floats of them",
    "complex numbers": "their real and imaginary parts are two variables",
    "dates or times": "subtract a reference and divide by a unit, as in (column - start) / np.timedelta64(1, 'D')",
}


def real_pieces(name: str, column: Any, shape: tuple[int, ...] | None = None) -> Iterator[Array]:
    """A column as arrays of numbers, chunk by chunk where it is stored in chunks; nothing is copied that need not be.

    Parameters
    ----------
    column : a NumPy (also masked) array, torch CPU tensor, pandas Series, polars Series, Arrow array or list.
    shape : None for numbers, ``(n,)``; else that of the vectors in it, which become ``(n, size)``: an array with more
        axes, or one of sequences (a polars Array or List, an Arrow list, a list of lists).

    Returns
    -------
    Integers or floats. NaN, None, null, NA and masked entries are NaN.

    Raises
    ------
    TypeError : labels, booleans, decimals, complex numbers or anything else that is no real number.
    ValueError : a column of another shape.

    Examples
    --------
    >>> [piece.tolist() for piece in real_pieces("x", [1, 2.5])]
    [[1.0, 2.5]]
    """
    if isinstance(column, Labels):  # of Samples in which the variable is discrete
        _refuse(name, "labels")
    if shape is not None:
        event = Event(shape, "numbers")
        yield from (_real_vectors(name, vectors, event.size) for vectors in vector_pieces(name, column, event))
        return
    pandas = sys.modules.get("pandas")
    column = as_array(column)
    if pandas is not None and isinstance(column, pandas.Index | pandas.api.extensions.ExtensionArray):
        column = pandas.Series(column, copy=False)
    if isinstance(column, np.ndarray):
        yield _from_numpy(name, column)
    elif pandas is not None and isinstance(column, pandas.Series):
        yield from _from_pandas(name, column)
    elif hasattr(column, "__arrow_c_stream__"):
        chunked = import_pyarrow("reading polars and Arrow columns").chunked_array(column)
        yield from _from_arrow(name, chunked.chunks or [chunked.combine_chunks()])
    elif hasattr(column, "__arrow_c_array__"):
        yield from _from_arrow(name, [import_pyarrow("reading Arrow columns").array(column)])
    elif hasattr(column, "__array__"):
        yield _from_numpy(name, np.asarray(column))
    else:
        if isinstance(column, str | bytes | Set | Mapping) or not hasattr(column, "__len__"):
            raise TypeError(f"a column is a sequence of values, {name!r} is {column!r:.80}")
        yield _numbers(name, list(column))


def _real_vectors(name: str, vectors: Vectors, size: int) -> Array:
    """Vectors as an array of numbers (n, size); NaN where one is missing."""
    if isinstance(vectors.values, np.ndarray) and vectors.values.ndim == 2:
        return _from_arrays(name, vectors.values)
    (numbers,) = real_pieces(name, vectors.values)
    return numbers.reshape(-1, size)


def float_type(pieces: Iterable[Array]) -> np.dtype[Any]:
    """float32 where every piece has floats of at most 32 bits, else float64.

    Examples
    --------
    >>> float_type([np.zeros(2, np.float16), np.zeros(2, np.float32)]), float_type([np.zeros(2, np.int8)])
    (dtype('float32'), dtype('float64'))
    """
    narrow = all(piece.dtype.kind == "f" and piece.dtype.itemsize <= 4 for piece in pieces)
    return np.dtype(np.float32 if narrow else np.float64)


def _from_numpy(name: str, values: Array) -> Array:
    if values.dtype.kind == "O":
        return _numbers(name, with_none(values))
    if values.ndim != 1 and values.dtype.kind in "iuf":
        raise ValueError(f"a column has one dimension, {name!r} has shape {values.shape}")
    return _from_arrays(name, values)


def _from_arrays(name: str, values: Array) -> Array:
    """Numbers of any shape, NaN where they are masked."""
    if values.dtype.kind not in "iuf":
        _refuse(name, _KINDS.get(values.dtype.kind, f"type {values.dtype}"))
    plain: Array = np.ma.getdata(values)
    if not np.ma.is_masked(values):
        return np.asarray(plain)
    return np.where(np.ma.getmaskarray(values), np.nan, plain.astype(float_type([plain])))


_KINDS = {
    "b": "booleans",
    "c": "complex numbers",
    "M": "dates or times",
    "m": "dates or times",
    "S": "labels",
    "T": "labels",
    "U": "labels",
}


def _numbers(name: str, values: list[Any]) -> Array:
    kinds = kinds_of(values)
    if "missing" in kinds:
        values = [np.nan if is_missing(value) else value for value in values]
        kinds.discard("missing")
    if not kinds <= {"integer", "float"}:
        odd = kinds - {"integer", "float"}
        _refuse(name, _OBJECTS.get(next(iter(odd)), next(iter(odd))) if len(odd) == 1 else " and ".join(sorted(odd)))
    try:
        return np.fromiter(values, np.float64, len(values))
    except OverflowError:
        return np.array([_nearest(value) for value in values])


_OBJECTS = {
    "label": "labels",
    "boolean": "booleans",
    "Decimal": "decimals",
    "complex": "complex numbers",
    "datetime": "dates or times",
    "date": "dates or times",
    "Timestamp": "dates or times",
}


def _nearest(value: Any) -> float:
    """An integer that no float is near to is infinite, which whoever checks the numbers refuses by row."""
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def _from_pandas(name: str, series: Any) -> Iterator[Array]:
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, pd.ArrowDtype):
        values = import_pyarrow("reading Arrow columns").array(series.array)
        yield from _from_arrow(name, getattr(values, "chunks", [values]))
    elif isinstance(dtype, pd.CategoricalDtype | pd.StringDtype):
        _refuse(name, "labels")
    elif isinstance(dtype, pd.DatetimeTZDtype | pd.PeriodDtype | pd.IntervalDtype):
        _refuse(name, "dates or times" if not isinstance(dtype, pd.IntervalDtype) else "intervals")
    elif isinstance(dtype, pd.BooleanDtype):
        _refuse(name, "booleans")
    elif pd.api.types.is_extension_array_dtype(dtype) and series.isna().any():
        is_narrow = dtype.kind == "f" and dtype.itemsize <= 4
        values = series.to_numpy(np.float32 if is_narrow else np.float64, na_value=np.nan)
        yield _from_numpy(name, values)
    else:
        yield _from_numpy(name, series.to_numpy())


def _from_arrow(name: str, chunks: Iterable[Any]) -> Iterator[Array]:
    for chunk in chunks:
        yield _arrow_numbers(name, chunk)


def _arrow_numbers(name: str, chunk: Any) -> Array:
    from pyarrow import types

    kind = chunk.type
    if types.is_null(kind):
        return np.full(len(chunk), np.nan)
    if types.is_integer(kind) or types.is_floating(kind):
        values: Array = chunk.to_numpy(zero_copy_only=False)
        return values
    checks = {
        "booleans": types.is_boolean,
        "decimals": types.is_decimal,
        "dates or times": types.is_temporal,
        "labels": lambda own: types.is_dictionary(own) or "string" in str(own),
    }
    found = next((what for what, is_so in checks.items() if is_so(kind)), f"Arrow type {kind}")
    return _refuse(name, found)


def _refuse(name: str, found: str) -> NoReturn:
    fix = _FIXES.get(found)
    raise TypeError(
        f"{name!r} is a real variable, whose column holds numbers: it holds {found}" + (f"; {fix}" if fix else "")
    )
