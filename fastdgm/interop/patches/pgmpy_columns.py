"""Columns of a pandas frame as codes of pgmpy's states."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from .replacement import NotOursError

MAX_RANGE = 1 << 16  # of integers, to be codes as they are
NO_STATE = -2


class Coded(NamedTuple):
    """A column by what occurs in it."""

    codes: npt.NDArray[Any]  # (n,), -1 where missing
    values: Any  # what the codes stand for, in an array or index of the column's type; some need not occur

    def places(self, states: Sequence[Hashable], missing: int) -> npt.NDArray[np.int64]:
        """The place of every value among the states (n,), as a dict finds it: 1, 1.0 and True are the same.

        Raises NotOursError, without a text, where a value is no state: pgmpy says it.
        """
        places = {state: k for k, state in enumerate(states)}
        table = np.array([*(places.get(value, NO_STATE) for value in self.values), missing], np.int64)
        found: npt.NDArray[np.int64] = table[self.codes]
        if NO_STATE in table and (found == NO_STATE).any():
            raise NotOursError
        return found

    def distinct(self) -> list[Any]:
        """What occurs, but for missing values: each of the type that pandas gives it."""
        occurs = np.zeros(len(self.values) + 1, np.bool_)
        occurs[self.codes] = True
        return list(self.values[occurs[:-1]])


def coded(column: Any) -> Coded:
    """A column as it came."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return Coded(column.cat.codes.to_numpy(), column.cat.categories)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "i" and len(column):
        values = column.to_numpy()
        low, high = int(values.min()), int(values.max())
        if high - low < MAX_RANGE:
            return Coded(values - low, np.arange(low, high + 1, dtype=values.dtype))
    try:
        return Coded(*pd.factorize(column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array))
    except TypeError:
        raise NotOursError from None  # lists and the like
