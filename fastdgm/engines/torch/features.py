"""Which rows of the blocks are the features of a neural variable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...data.variables import Discrete, Variable
from ...kernels.module_features import Features


def n_features(variable: Variable) -> int:
    """How many columns a parent is."""
    return variable.size * max(1, _n_columns(variable))


def features_plan(parents: Sequence[tuple[Variable, int]]) -> Features:
    """Of parents and their first rows, in order, as ``conditionals/neural_inputs.py`` says."""
    codes, reals, column = list[tuple[int, int, int]](), list[tuple[int, int]](), 0
    for variable, row in parents:
        size = _n_columns(variable)
        for cell in range(variable.size):
            if isinstance(variable, Discrete):
                codes.append((row + cell, column, size))
            else:
                reals.append((row + cell, column))
            column += max(1, size)
    code_parts = np.array(codes, np.uint32).reshape(-1, 3).T
    real_parts = np.array(reals, np.uint32).reshape(-1, 2).T
    return Features(*map(np.ascontiguousarray, (*code_parts, *real_parts)))


def _n_columns(variable: Variable) -> int:
    """Of each cell that is one-hot; 0 of those that enter as their numbers."""
    is_hot = isinstance(variable, Discrete) and not (variable.event_shape and variable.n_states == 2)
    return variable.n_states if isinstance(variable, Discrete) and is_hot else 0
