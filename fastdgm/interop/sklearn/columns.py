"""The X of scikit-learn's users, arrays and frames alike, as columns of numbers or labels."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import validate_data

from ...data.column_pieces import column_pieces, is_missing, kinds_of
from ...data.columns import named_columns
from ...data.labels import Labels
from .checks import forget

Array = npt.NDArray[Any]
Values = Array | Labels  # numbers, where NaN is missing, or labels, where index -1 is


def read_columns(estimator: Any, X: Any, *, reset: bool) -> dict[str, Values]:
    """The values of each column by name: numbers with NaN, or labels, whatever X is.

    Arrays, lists and frames (pandas, polars, Arrow) of numbers, booleans, strings and categoricals; None, NA and NaN
    are missing. Names are those of a frame, or ``"x0"``, ``"x1"``, ... With ``reset`` the estimator forgets what it had
    learnt, and ``n_features_in_`` and ``feature_names_in_`` are set; otherwise X is compared with them.

    Raises ValueError for no rows, infinite numbers, other columns than in ``fit``, TypeError for values that are
    neither numbers nor labels, and for sparse matrices.
    """
    if reset:
        forget(estimator)
    if is_frame(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        columns = _columns_of_frame(X)
        if not columns or not len(columns[0]):
            raise ValueError(f"X has rows and columns, got a frame of shape {tuple(X.shape)}")
    else:
        X = validate_data(estimator, with_numbers(X), reset=reset, dtype=None, ensure_all_finite="allow-nan")
        columns = list(np.ascontiguousarray(X.T))  # a column is read several times
    names = feature_names(estimator)
    return {name: _values(name, column) for name, column in zip(names, columns, strict=True)}


def feature_names(estimator: Any) -> list[str]:
    """Names of the features that an estimator was fitted with, or ``"x0"``, ``"x1"``, ..."""
    own = getattr(estimator, "feature_names_in_", None)
    names = [f"x{i}" for i in range(estimator.n_features_in_)] if own is None else [str(name) for name in own]
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ValueError(f"columns of X have distinct names, got {twice!r} twice")
    return names


def with_numbers(X: Any) -> Any:
    """Lists of strings and numbers, which NumPy would make strings, as objects."""
    if isinstance(X, list | tuple) and np.asarray(X).dtype.kind == "U":
        return np.array(X, object)
    return X


def as_array(X: Any) -> Array:
    """What is no frame, as it was read."""
    return np.asarray(with_numbers(X))


def is_frame(X: Any) -> bool:
    """Whether X has rows, and columns that have names."""
    return len(getattr(X, "shape", ())) == 2 and (hasattr(X, "columns") or hasattr(X, "column_names"))


def _columns_of_frame(X: Any) -> list[Any]:
    if hasattr(X, "get_columns"):  # polars
        return list(X.get_columns())
    return [column for _, column in named_columns(X)]


def _values(name: str, column: Any) -> Values:
    numbers = _numbers(name, column)
    if numbers is not None:
        if numbers.dtype.kind == "f" and np.isinf(numbers).any():
            row = int(np.isinf(numbers).argmax())
            raise ValueError(f"numbers are finite or missing: X contains infinity in column {name!r}, row {row}")
        return numbers
    try:
        pieces = list(column_pieces(name, column, partial=True))
    except TypeError as error:
        raise TypeError(f"a value of the argument must be a string, a boolean or a number: {error}") from None
    found = [piece for piece in pieces if isinstance(piece, Labels)]
    if len(found) < len(pieces):  # numbers of a type that only Arrow reads
        raise TypeError(f"a column holds numbers or labels, column {name!r} holds {getattr(column, 'dtype', '?')}")
    return _as_one(found)


def _numbers(name: str, column: Any) -> Array | None:
    """A column of numbers as an array with NaN; None for any other."""
    pandas, polars, arrow = (sys.modules.get(library) for library in ("pandas", "polars", "pyarrow"))
    if pandas is not None and isinstance(column, pandas.Series):
        if isinstance(column.dtype, pandas.CategoricalDtype):
            return None
        if isinstance(column.dtype, pandas.api.extensions.ExtensionDtype):
            kind = getattr(column.dtype, "kind", "O")
            return column.to_numpy(np.float64, na_value=np.nan) if kind in "iuf" else None
        column = column.to_numpy()
    elif polars is not None and isinstance(column, polars.Series):
        if not column.dtype.is_numeric():
            return None
        column = column.to_numpy()
    elif arrow is not None and isinstance(column, arrow.ChunkedArray):
        if not (arrow.types.is_integer(column.type) or arrow.types.is_floating(column.type)):
            return None
        column = column.to_numpy()
    if column.dtype.kind in "iu":
        return _wide(np.asarray(column))
    if column.dtype.kind == "f":
        return np.asarray(column, np.float64) if column.dtype == np.float16 else np.asarray(column)
    return _numbers_among_objects(column.tolist()) if column.dtype.kind == "O" else None


def _wide(values: Array) -> Array:
    """Integers of a type in which differences of small ones do not overflow."""
    if values.dtype.kind == "u" and values.itemsize == 8 and len(values) and values.max() >= 2**63:
        return values.astype(np.float64)
    return values.astype(np.int64, copy=False)


def _numbers_among_objects(values: list[Any]) -> Array | None:
    kinds = kinds_of(values)
    if not kinds <= {"integer", "float", "missing"} or kinds == {"missing"}:
        return None
    if "missing" in kinds:
        values = [np.nan if is_missing(value) else value for value in values]
    return np.array(values, np.float64)


def _as_one(pieces: Sequence[Labels]) -> Labels:
    """Chunks of a column as one."""
    if len(pieces) == 1:
        return pieces[0]
    position: dict[object, int] = {}
    parts = []
    for piece in pieces:
        table = np.array([*(position.setdefault(label, len(position)) for label in piece.labels), -1], np.intp)
        parts.append(table[piece.values.astype(np.intp, copy=False)])
    ordered = all(piece.ordered for piece in pieces)
    return Labels(np.concatenate(parts) if parts else np.empty(0, np.intp), list(position), ordered)


def missing_rows(values: Values) -> npt.NDArray[np.bool_]:
    """Where a column has no value (n,)."""
    if isinstance(values, Labels):
        if values.values.dtype.kind == "u":
            return np.zeros(len(values), np.bool_)
        empty = [k for k, label in enumerate(values.labels) if label is None]
        return (values.values < 0) | np.isin(values.values, empty) if empty else values.values < 0
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), np.bool_)
