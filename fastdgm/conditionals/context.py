"""Parents as the context of an autoregressive model: numbers for each row, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.variables import Discrete, Variable

Array = npt.NDArray[Any]


def context_width(variable: Variable) -> int:
    """How many numbers a parent is: a discrete one is one-hot, a vector of two-state cells is its values 0 and 1.

    >>> context_width(Discrete(("a", "b"))), context_width(Discrete(("a", "b"), (5,)))
    (2, 5)
    """
    return variable.size * (states_wide(variable) or 1)


def context_of(columns: Sequence[Array], variables: Sequence[Variable], n: int, dtype: npt.DTypeLike) -> Array:
    """(n, n_context) of the parents' values, (size, n) codes or numbers each: the features that a Neural conditional's
    module would be given.

    >>> context_of([np.array([[1, 0]])], [Discrete(("a", "b"))], 2, np.float32).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    context = np.empty((n, sum(map(context_width, variables))), dtype)
    first = 0
    for column, variable in zip(columns, variables, strict=True):
        own = context[:, first : first + context_width(variable)]
        if n_states := states_wide(variable):
            own[:] = (column.T[:, :, np.newaxis] == np.arange(n_states)).reshape(n, -1)
        else:
            own[:] = column.T
        first += own.shape[1]
    return context


def states_wide(variable: Variable) -> int:
    """Numbers of each code that goes in one-hot; 0 where values go in as they are."""
    if not isinstance(variable, Discrete) or (variable.event_shape and variable.n_states == 2):
        return 0
    return variable.n_states
