"""Columns of objects, pandas or Arrow that hold no value in some rows: the same with a value of their own there."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from .column_pieces import kinds_of
from .labels import Labels
from .optional import import_pyarrow
from .placement import as_array

Found = npt.NDArray[np.bool_]


def filled(column: Any) -> tuple[Any, Found]:
    """A column without None, null, NA or NaT, and where these were; one of nothing else becomes zeros.

    NaN in floats stays.

    Examples
    --------
    >>> column, found = filled(["a", None, "b"])
    >>> column, found.tolist()
    (['a', 'a', 'b'], [False, True, False])
    """
    if isinstance(column, Labels):  # of Samples, which are complete
        return column, np.zeros(len(column), bool)
    pandas = sys.modules.get("pandas")
    column = as_array(column)
    if pandas is not None and isinstance(column, pandas.Index | pandas.api.extensions.ExtensionArray):
        column = pandas.Series(column, copy=False)
    if pandas is not None and isinstance(column, pandas.Series):
        return _filled_series(column)
    if isinstance(column, np.ma.MaskedArray):
        return _filled_array(np.asarray(column), np.ma.getmaskarray(column))
    if isinstance(column, np.ndarray):
        return _filled_objects(column.tolist()) if column.dtype.kind == "O" else (column, np.zeros(len(column), bool))
    if hasattr(column, "__arrow_c_stream__") or hasattr(column, "__arrow_c_array__"):
        return _filled_arrow(column)
    if hasattr(column, "__array__"):
        return filled(np.asarray(column))
    return _filled_objects(list(column))


def _filled_series(column: Any) -> tuple[Any, Found]:
    found = np.array(column.isna(), bool)
    if not found.any():
        return column, found
    if found.all():
        return np.zeros(len(found), np.uint8), found
    return column.where(~found, column.iloc[int(np.argmin(found))]), found


def _filled_array(values: npt.NDArray[Any], found: Found) -> tuple[Any, Found]:
    if not found.any():
        return values, found
    return (np.zeros(len(found), np.uint8) if found.all() else np.where(found, values[np.argmin(found)], values)), found


def _filled_arrow(column: Any) -> tuple[Any, Found]:
    pa = import_pyarrow("reading polars and Arrow columns")
    is_stream = hasattr(column, "__arrow_c_stream__")
    chunked = pa.chunked_array(column) if is_stream else pa.chunked_array([pa.array(column)])
    found = np.array(chunked.is_null().to_numpy(), bool)
    if not found.any():
        return chunked, found
    if found.all():
        return np.zeros(len(found), np.uint8), found
    if pa.types.is_primitive(chunked.type):
        return chunked.fill_null(chunked[int(np.argmin(found))]), found
    return _filled_objects(chunked.to_pylist())


def _filled_objects(values: list[Any]) -> tuple[Any, Found]:
    if "missing" not in kinds_of(values) and not any(map(_is_nan, values)):
        return values, np.zeros(len(values), bool)
    found = np.fromiter((_is_nan(own) or kinds_of([own]) == {"missing"} for own in values), bool, len(values))
    if found.all():
        return np.zeros(len(found), np.uint8), found
    known = values[int(np.argmin(found))]
    return [known if empty else own for own, empty in zip(values, found, strict=True)], found


def _is_nan(value: Any) -> bool:
    return isinstance(value, float | np.floating) and bool(np.isnan(value))
