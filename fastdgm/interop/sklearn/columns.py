"""The X of scikit-learn's users, arrays and frames alike, as columns that a network takes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import NotFittedError as TheirNotFittedError
from sklearn.utils.validation import check_is_fitted, validate_data

from ...data.column_pieces import column_pieces, is_missing, kinds_of
from ...data.columns import named_columns
from ...data.labels import Labels, check_distinct
from ...data.variables import MAX_STATES
from ...errors import NotFittedError
from ...runtime.text import preview

Array = npt.NDArray[Any]
Values = Array | Labels  # numbers, where NaN is missing, or labels, where index -1 is
HandleUnknown = Literal["error", "missing"]

FEW = 20  # whole numbers are categories where no more than so many different ones occur


class EstimatorNotFittedError(TheirNotFittedError, NotFittedError):
    """An estimator was asked before its ``fit``: caught by scikit-learn's ``NotFittedError`` and by ours."""


def check_fitted(estimator: Any) -> None:
    """EstimatorNotFittedError unless ``fit`` was called."""
    try:
        check_is_fitted(estimator)
    except TheirNotFittedError as error:
        raise EstimatorNotFittedError(*error.args) from None


class Column(NamedTuple):
    """A feature as ``fit`` saw it."""

    name: str
    categories: Array | None  # original values of the states, in order; None: real

    @property
    def states(self) -> list[str]:
        """Names of the states."""
        assert self.categories is not None
        return [str(value) for value in self.categories.tolist()]


# --- X -> values of each column ----------------------------------------------------------------------------


def read_columns(estimator: Any, X: Any, *, reset: bool) -> dict[str, Values]:
    """The values of each column by name: numbers with NaN, or labels, whatever X is.

    Arrays, lists and frames (pandas, polars, Arrow) of numbers, booleans, strings and categoricals; None, NA and NaN
    are missing. Names are those of a frame, or ``"x0"``, ``"x1"``, ... With ``reset`` sets ``n_features_in_`` and
    ``feature_names_in_``, otherwise compares with them.

    Raises ValueError for no rows, infinite numbers, other columns than in ``fit``, TypeError for values that are
    neither numbers nor labels, and for sparse matrices.
    """
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


# --- what fit learns of columns ----------------------------------------------------------------------------


def learn_columns(columns: dict[str, Values], categorical: Any = "auto") -> list[Column]:
    """Which columns are discrete, and the values of those.

    Labels always are discrete: booleans are False and True, categories those of the column's type in its order where
    it is ordered, else sorted, as strings are. Numbers are discrete where ``categorical`` says so; with ``"auto"``
    where all are whole and at most 20 different ones occur.

    Parameters
    ----------
    categorical : "auto", or the names or places of the discrete columns, or a mask ``(n_features,)``; None for none.

    Raises ValueError for a column without any value or with more than 65 535 different ones, and names, places or masks
    that are none of X.
    """
    chosen = None if isinstance(categorical, str) and categorical == "auto" else _chosen(categorical, list(columns))
    return [_learnt(name, values, None if chosen is None else name in chosen) for name, values in columns.items()]


def _chosen(categorical: Any, names: Sequence[str]) -> set[str]:
    rule = 'categorical_features is "auto", or names or places of columns, or a mask with an entry for each column'
    if categorical is None:
        return set()
    if isinstance(categorical, str):
        raise ValueError(f"{rule}, got {categorical!r}")
    listed = np.asarray(categorical).ravel().tolist()
    if listed and all(isinstance(own, bool) for own in listed):
        if len(listed) != len(names):
            raise ValueError(f"{rule}: X has {len(names)} columns, got a mask of {len(listed)}")
        return {name for name, own in zip(names, listed, strict=True) if own}
    found = set()
    for own in listed:
        if isinstance(own, str) and own in names:
            found.add(own)
        elif isinstance(own, int) and 0 <= own < len(names):
            found.add(names[own])
        else:
            raise ValueError(f"{rule}: {own!r} is none of {preview(names)}")
    return found


def _learnt(name: str, values: Values, is_categorical: bool | None) -> Column:
    if missing_rows(values).all():
        raise ValueError(f"a column has a value in some row of fit, column {name!r} has none")
    if isinstance(values, Labels):
        return Column(name, _categories_of(name, values))
    if is_categorical is False or (is_categorical is None and not _is_whole(values)):
        return Column(name, None)
    found = _distinct(values, FEW if is_categorical is None else MAX_STATES)
    if found is None and is_categorical:
        raise ValueError(f"a discrete column has at most {MAX_STATES} different values, column {name!r} has more")
    return Column(name, found)


def _categories_of(name: str, values: Labels) -> Array:
    labels = [label for label in values.labels if label is not None]
    check_distinct(name, labels)
    if not values.ordered:
        kinds = {type(label) for label in labels}
        labels = sorted(labels, key=None if len(kinds) == 1 or not kinds & {str} else str)  # type: ignore[arg-type, type-var]
    if len(labels) > MAX_STATES:
        raise ValueError(f"a discrete column has at most {MAX_STATES} different values, {name!r} has {len(labels)}")
    if all(isinstance(label, bool | int | float) for label in labels):
        return np.array(labels)
    found = np.empty(len(labels), object)
    found[:] = labels
    return found


def _is_whole(values: Array) -> bool:
    return values.dtype.kind == "i" or bool(((values == np.trunc(values)) | np.isnan(values)).all())


def _distinct(values: Array, most: int) -> Array | None:
    """Different numbers that occur, sorted; None where they are more than ``most``."""
    some = np.unique(values[:1000])  # which says at once that a column of many is one
    if (~np.isnan(some)).sum() > most:
        return None
    found = _different(values)
    if len(found) > most:
        return None
    whole = found.astype(np.int64) if np.abs(found).max() < 2**53 else found
    return whole if np.array_equal(whole, found) else found  # 2.0 is the state "2"


def _different(values: Array) -> Array:
    if values.dtype.kind == "i":
        first, last = int(values.min()), int(values.max())
        if last - first < MAX_STATES:
            seen = np.zeros(last - first + 1, np.bool_)
            seen[values - first] = True
            return np.flatnonzero(seen) + first
    found = np.unique(values)
    return found[~np.isnan(found)]


# --- values -> what a network takes ------------------------------------------------------------------------


def encode_columns(
    columns: dict[str, Values], known: Iterable[Column], handle_unknown: HandleUnknown = "error"
) -> dict[str, Array]:
    """Codes (n,), -1 where missing, of discrete columns, float64 with NaN of real ones, by name.

    Raises ValueError for a category that ``fit`` has not seen, naming column, row and value, unless
    ``handle_unknown="missing"``; TypeError for labels in a real column and numbers in one of labels.
    """
    check_handle_unknown(handle_unknown)
    return {own.name: _encoded(columns[own.name], own, handle_unknown) for own in known}


def check_handle_unknown(handle_unknown: object) -> None:
    """ValueError for another option."""
    if handle_unknown not in ("error", "missing"):
        raise ValueError(f'handle_unknown is "error" or "missing", got {handle_unknown!r}')


def _encoded(values: Values, known: Column, handle_unknown: HandleUnknown) -> Array:
    if known.categories is None:
        if not isinstance(values, Labels):
            return np.asarray(values, np.float64)
        if values.labels and tuple(values.labels) != (False, True):
            raise TypeError(
                f"column {known.name!r} was real in fit, and now holds {preview(list(map(str, values.labels)))}"
            )
        return np.where(missing_rows(values), np.nan, values.values.astype(np.float64))
    missing = missing_rows(values)
    codes = _codes_of_labels(values, known) if isinstance(values, Labels) else _codes_of_numbers(values, known)
    unknown = (codes < 0) & ~missing
    if handle_unknown == "error" and unknown.any():
        row = int(unknown.argmax())
        value = values.labels[int(values.values[row])] if isinstance(values, Labels) else values[row].item()
        raise ValueError(
            f"column {known.name!r}, row {row}: {value!r} is a category that fit has not seen, those are "
            f'{preview(known.categories.tolist())}; handle_unknown="missing" takes it as missing'
        )
    return codes


def _code_type(n: int) -> np.dtype[Any]:
    return np.dtype(np.int8 if n < 128 else np.int16 if n < 2**15 else np.int32)


def _codes_of_labels(values: Labels, known: Column) -> Array:
    assert known.categories is not None
    position = {category: k for k, category in enumerate(known.categories.tolist())}
    table = np.array([*(position.get(label, -1) for label in values.labels), -1], _code_type(len(position)))
    return table[values.values.astype(np.intp, copy=False)]


def _codes_of_numbers(values: Array, known: Column) -> Array:
    categories = known.categories
    assert categories is not None
    if categories.dtype.kind == "O":
        raise TypeError(f"column {known.name!r} held labels in fit, as {preview(categories.tolist())}, now numbers")
    if categories.dtype.kind == values.dtype.kind == "i" and int(categories[-1]) - int(categories[0]) < MAX_STATES:
        return _looked_up(values, categories)
    order = np.argsort(categories, kind="stable")
    numbers = categories[order]
    place = np.minimum(np.searchsorted(numbers, values), len(numbers) - 1)
    return np.where(numbers[place] == values, order[place], -1).astype(_code_type(len(numbers)))


def _looked_up(values: Array, categories: Array) -> Array:
    """Codes of integers by a table of all that lie between the smallest and the largest category."""
    first, last = int(categories[0]), int(categories[-1])
    table = np.full(last - first + 2, -1, _code_type(len(categories)))
    table[categories - first] = np.arange(len(categories))
    return table[np.where((values >= first) & (values <= last), values - first, -1)]


def network_columns(encoded: dict[str, Array], known: Iterable[Column]) -> dict[str, Array | Labels]:
    """Encoded columns as a network takes them: codes with the names of their states."""
    return {
        own.name: encoded[own.name] if own.categories is None else Labels(encoded[own.name], own.states, ordered=True)
        for own in known
    }


# --- weights -----------------------------------------------------------------------------------------------


def checked_weights(sample_weight: Any, n_rows: int) -> npt.NDArray[np.float64] | None:
    """One weight for each row, or None. ValueError for another length, negative or infinite ones, or only zeros."""
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, np.float64)
    if weights.ndim == 0:
        weights = np.full(n_rows, float(weights))
    if weights.shape != (n_rows,):
        raise ValueError(f"sample_weight has one weight for each of the {n_rows} rows, got shape {weights.shape}")
    if not np.isfinite(weights).all() or weights.min() < 0:
        row = int((~np.isfinite(weights) | (weights < 0)).argmax())
        raise ValueError(f"sample weights are non-negative and finite, row {row} has {weights[row]}")
    if not weights.any():
        raise ValueError("sample weights have at least one that is not 0, got only zeros")
    return weights
