"""Kinds of the features of naive Bayes: Bernoulli, categorical, Gaussian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...data.labels import Labels
from ...data.variables import MAX_STATES
from ...runtime.text import preview
from .categories import Column, learn_columns
from .class_statistics import Counts, Moments
from .columns import Values, missing_rows

KINDS = ("bernoulli", "categorical", "gaussian")


def kinds_of_features(features: Any, names: list[str]) -> dict[str, str]:
    """The kind of each feature that is not left to "auto"."""
    rule = f'features is "auto" or one of {", ".join(KINDS)}, or a list of them, or a mapping from names'
    if isinstance(features, str):
        own: dict[Any, Any] = dict.fromkeys(names, features)
    elif isinstance(features, Mapping):
        own = {
            names[int(key)] if isinstance(key, int | np.integer) and 0 <= key < len(names) else key: kind
            for key, kind in features.items()
        }
    else:
        listed = list(features)
        if len(listed) != len(names):
            raise ValueError(f"{rule}: X has {len(names)} features, got a list of {len(listed)}")
        own = dict(zip(names, listed, strict=True))
    for name, kind in own.items():
        if name not in names:
            raise ValueError(f"{rule}: {name!r} is none of {preview(names)}")
        if kind not in (*KINDS, "auto"):
            raise ValueError(f"{rule}: got {kind!r}")
    return {name: kind for name, kind in own.items() if kind != "auto"}


def binarized(columns: dict[str, Values], kinds: Mapping[str, str], threshold: float) -> dict[str, Values]:
    """Bernoulli features as False and True, index -1 where missing."""
    found = dict(columns)
    for name in (name for name, kind in kinds.items() if kind == "bernoulli"):
        values = columns[name]
        missing = missing_rows(values)
        if not isinstance(values, Labels):
            above = (values > threshold).astype(np.int8)
        elif not missing.all() and not set(values.labels) <= {False, True}:
            came = preview(list(map(str, values.labels)))
            raise ValueError(f"a Bernoulli feature holds numbers or booleans, {name!r} holds {came}")
        else:
            above = values.values.astype(np.int8)
        above[missing] = -1
        found[name] = Labels(above, (False, True), ordered=True)
    return found


def learn_features(columns: dict[str, Values], kinds: Mapping[str, str]) -> list[Column]:
    """What ``fit`` learns of features: of those without a kind as ``learn_columns`` does."""
    found = learn_columns({name: own for name, own in columns.items() if name not in kinds})
    by_name = {own.name: own for own in found}
    for name, kind in kinds.items():
        if missing_rows(columns[name]).all():
            raise ValueError(f"a feature has a value in some row of fit, {name!r} has none")
        by_name[name] = Column(name, None) if kind == "gaussian" else _discrete(name, columns[name])
    return [by_name[name] for name in columns]


def _discrete(name: str, values: Values, are_codes: bool = True) -> Column:
    """A discrete feature. Of one that is said to be so, whole numbers from 0 are codes up to the largest."""
    (found,) = learn_columns({name: values}, [name])
    if isinstance(values, Labels) or not are_codes:
        return found
    assert found.categories is not None
    smallest, largest = found.categories[0], found.categories[-1]
    if found.categories.dtype.kind == "i" and smallest >= 0 and largest < MAX_STATES:
        return Column(name, np.arange(int(largest) + 1))
    return found


def with_new_categories(
    columns: dict[str, Values], known: list[Counts | Moments], kinds: Mapping[str, str]
) -> list[tuple[Counts, Column]]:
    """Discrete features to which rows bring new categories, with all of them: those that one ``fit`` would learn."""
    grown = []
    for own in known:
        column = own.column
        values = columns[column.name]
        if not isinstance(own, Counts) or missing_rows(values).all():
            continue
        assert column.categories is not None
        found = _discrete(column.name, values, column.name in kinds).categories
        assert found is not None
        old = column.categories.tolist()
        new = [value for value in found.tolist() if value not in set(old)]
        if not new:
            continue
        if any(isinstance(value, str) for value in new) != (column.categories.dtype.kind == "O"):
            raise TypeError(
                f"a column holds numbers or labels, column {column.name!r} held {preview(old)} so far and now holds "
                f"{preview(new)}"
            )
        if column.categories.dtype.kind == "i" and not all(float(value).is_integer() for value in new):
            raise ValueError(
                f"feature {column.name!r} had whole numbers so far, which were taken as categories, and now has "
                f'{preview(list(map(str, new)))}: name it as "gaussian" in features='
            )
        both = sorted({*old, *new}) if column.categories.dtype.kind != "O" else [*old, *new]
        array = np.array(both) if column.categories.dtype.kind != "O" else np.array(both, object)
        grown.append((own, Column(column.name, array)))
    return grown
