"""Cells that were empty filled in where they came from: arrays, and frames of pandas, polars and Arrow."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from .rows import fitting

Array = npt.NDArray[Any]
Cells = dict[str, tuple[Array, Array]]  # by name of a column: rows, and what they get


def array_with(X: Array, names: list[str], cells: Cells) -> Array:
    """A copy of an array, filled in."""
    is_of_numbers = X.dtype.kind == "f" and any(found.dtype.kind not in "fiu" for _, found in cells.values())
    out = X.astype(object) if is_of_numbers else X.copy()  # labels where all that came were NaN
    for name, (rows, found) in cells.items():
        out[rows, names.index(name)] = found
    return out


def frame_with(X: Any, names: list[str], cells: Cells) -> Any:
    """A new frame with the types of X: numbers are rounded for columns of integers, and kept to what these hold.

    Raises TypeError for frames of other libraries.
    """
    pandas, polars, arrow = (sys.modules.get(library) for library in ("pandas", "polars", "pyarrow"))
    if pandas is not None and isinstance(X, pandas.DataFrame):
        out = X.copy()
        for name, (rows, found) in cells.items():
            place = names.index(name)
            column = X.iloc[:, place].copy()
            if column.dtype.kind == "f" and found.dtype.kind not in "fiu":  # labels where all that came were NaN
                column = column.astype(object)
            column.iloc[rows] = fitting(found, column.dtype).tolist()
            out.isetitem(place, column)
        return out
    if polars is not None and isinstance(X, polars.DataFrame):
        columns = {name: X.get_column(name) for name in cells}
        return X.with_columns(
            polars.Series(column.name, found.tolist())
            if column.dtype == polars.Null
            else column.scatter(rows, polars.Series(fitting(found, column.dtype).tolist()).cast(column.dtype))
            for (rows, found), column in zip(cells.values(), columns.values(), strict=True)
        )
    if arrow is not None and isinstance(X, arrow.Table):
        for name, (rows, found) in cells.items():
            place = names.index(name)
            column = X.column(place)
            kind = None if arrow.types.is_null(column.type) else column.type
            values = np.array([*column.to_pylist(), None], object)[:-1]
            values[rows] = fitting(found, kind).tolist()
            X = X.set_column(place, name, arrow.array(values, kind))
        return X
    raise TypeError(f"frames to be filled in are those of pandas, polars and Arrow, got {type(X).__module__}")
