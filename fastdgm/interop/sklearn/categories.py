"""Which columns are discrete, their categories, and the codes of these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ...data.labels import Labels, check_distinct
from ...data.variables import MAX_STATES
from ...runtime.text import preview
from .columns import Values, missing_rows

Array = npt.NDArray[Any]
HandleUnknown = Literal["error", "missing"]

FEW = 20  # whole numbers are categories where no more than so many different ones occur


class Column(NamedTuple):
    """A feature as ``fit`` saw it."""

    name: str
    categories: Array | None  # original values of the states, in order; None: real

    @property
    def states(self) -> list[str]:
        """Names of the states."""
        assert self.categories is not None
        return [str(value) for value in self.categories.tolist()]


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
    if categories.dtype.kind == "O" and missing_rows(values).all():  # a column of NaN, as pandas makes it of labels
        return np.full(len(values), -1, _code_type(len(categories)))
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
