"""Rows of codes as the DataFrames that pgmpy makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Codes = npt.NDArray[Any]
_FIRST_ROWS = 10_000  # in which nearly all states are found that are to be found


def frame(columns: Mapping[str, Codes], states: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """A column of states for each of codes, of the type that pandas makes of them: what ``Series.map`` returns."""
    return pd.DataFrame({name: states_at(codes, states[name]) for name, codes in columns.items()}, copy=False)


def states_at(codes: Codes, states: Sequence[Any]) -> Any:
    """``(n,)`` states: an array of numbers or truths, of pandas' strings, or of objects."""
    own = pd.Series(list(states))
    if not isinstance(own.dtype, np.dtype):
        return own.array.take(codes)
    taken = own.to_numpy().take(codes)
    return pd.Series(taken) if taken.dtype == object else taken  # pandas looks at what was drawn, not at what can be


def categories(columns: Mapping[str, Codes], states: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """What ``astype("category")`` makes of :func:`frame`: the categories are the states that occur, sorted if they can
    be."""
    return pd.DataFrame({name: _categorical(codes, states[name]) for name, codes in columns.items()}, copy=False)


def _categorical(codes: Codes, states: Sequence[Any]) -> pd.Categorical:
    present = _present(codes, len(states))
    small = pd.Series(states_at(present, states)).astype("category")  # a row for each state
    places = np.full(len(states), -1, small.cat.codes.dtype)
    places[present] = small.cat.codes
    return pd.Categorical.from_codes(places.take(codes), dtype=small.dtype, validate=False)


def _present(codes: Codes, n_states: int) -> npt.NDArray[np.intp]:
    """The codes that occur."""
    found = np.bincount(codes[:_FIRST_ROWS], minlength=n_states) > 0
    for code in np.flatnonzero(~found):
        found[code] = (codes[_FIRST_ROWS:] == code).any()
    return np.flatnonzero(found)
