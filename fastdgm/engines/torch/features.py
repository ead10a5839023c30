"""Which rows of the blocks are the features of a neural variable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...conditionals.context import states_wide
from ...data.variables import Discrete, Variable
from ...kernels.module_features import Features


def features_plan(parents: Sequence[tuple[Variable, int]]) -> Features:
    """Of parents and their first rows, in order, as ``conditionals/neural_inputs.py`` says."""
    codes, reals, column = list[tuple[int, int, int]](), list[tuple[int, int]](), 0
    for variable, row in parents:
        size = states_wide(variable)
        for cell in range(variable.size):
            if isinstance(variable, Discrete):
                codes.append((row + cell, column, size))
            else:
                reals.append((row + cell, column))
            column += max(1, size)
    code_parts = np.array(codes, np.uint32).reshape(-1, 3).T
    real_parts = np.array(reals, np.uint32).reshape(-1, 2).T
    return Features(*map(np.ascontiguousarray, (*code_parts, *real_parts)))
