"""Rows that are drawn, in the type of those that were learnt from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Template(NamedTuple):
    """What came: the library of a frame, names of its columns and their types; or an array's type."""

    library: str  # "numpy", "pandas", "polars" or "pyarrow"
    names: Sequence[Any]
    types: Sequence[Any]


def template_of(X: Any) -> Template:
    """Of an array, a list of rows, or a frame."""
    pandas, polars, arrow = (sys.modules.get(library) for library in ("pandas", "polars", "pyarrow"))
    if pandas is not None and isinstance(X, pandas.DataFrame):
        return Template("pandas", X.columns, list(X.dtypes))
    if polars is not None and isinstance(X, polars.DataFrame):
        return Template("polars", X.columns, X.dtypes)
    if arrow is not None and isinstance(X, arrow.Table):
        return Template("pyarrow", X.column_names, X.schema.types)
    return Template("numpy", (), [_array_type(X)])


def _array_type(X: Any) -> np.dtype[Any]:
    """Of strings beside numbers in lists: object, where NumPy would make strings of all."""
    found = np.asarray(X).dtype
    if isinstance(X, list) and found.kind in "US":
        return np.dtype(object)
    return found


def rows_like(template: Template, columns: Sequence[Array]) -> Any:
    """Columns of values as rows of the template's type.

    Numbers go into columns of integers rounded, and not beyond what these hold.
    """
    types = template.types if template.library != "numpy" else list(template.types) * len(columns)
    values = [fitting(column, own) for column, own in zip(columns, types, strict=True)]
    if template.library == "pandas":
        import pandas as pd

        named = {i: pd.Series(own).astype(kind) for i, (own, kind) in enumerate(zip(values, types, strict=True))}
        return pd.DataFrame(named).set_axis(template.names, axis=1)
    if template.library == "polars":
        import polars as pl

        columns_of = zip(template.names, values, types, strict=True)
        return pl.DataFrame([pl.Series(name, own.tolist(), dtype=kind) for name, own, kind in columns_of])
    if template.library == "pyarrow":
        import pyarrow as pa

        arrays = [pa.array(own.tolist(), type=kind) for own, kind in zip(values, types, strict=True)]
        return pa.table(arrays, names=list(template.names))
    rows = np.empty((len(values[0]), len(values)), template.types[0])
    for place, own in enumerate(values):
        rows[:, place] = own
    return rows


def fitting(values: Array, kind: Any) -> Array:
    """Real numbers rounded where the column holds integers."""
    bounds = _integer_bounds(kind)
    if bounds is None or values.dtype.kind != "f":
        return values
    whole = np.rint(values)
    lowest, highest = (np.nextafter(float(bound), 0.0) if abs(bound) > 2**53 else bound for bound in bounds)
    return np.clip(whole, lowest, highest).astype(np.int64 if bounds[0] < 0 else np.uint64)


def _integer_bounds(kind: Any) -> tuple[int, int] | None:
    """Smallest and largest integer of a type of any library; None of any other type."""
    name = str(kind).lower()
    bits = name.removeprefix("uint").removeprefix("int").partition("[")[0]
    if not name.startswith(("int", "uint")) or bits not in ("8", "16", "32", "64"):
        return None
    info = np.iinfo(name.partition("[")[0])
    return int(info.min), int(info.max)
