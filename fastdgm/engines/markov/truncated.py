"""Tempered and truncated distributions of a chain."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..draw import Draw
from ..truncation import most_probable

Array = npt.NDArray[Any]


def truncate(probabilities: Array, draw: Draw) -> Array:
    """p**(1 / temperature), of it the top_k most probable, of these the fewest with a share of top_p; renormalised.

    Of equally probable symbols, those of lower code stay.
    """
    largest = probabilities.max(axis=1, keepdims=True)
    changed = np.asarray((probabilities / largest) ** (1.0 / draw.temperature))
    order = np.argsort(-changed, axis=1, kind="stable")
    falling = np.take_along_axis(changed, order, axis=1)
    reached = falling.cumsum(axis=1)
    falling[~most_probable(reached, reached - falling, draw.top_k, draw.top_p)] = 0.0
    falling /= falling.cumsum(axis=1)[:, -1:]
    np.put_along_axis(changed, order, falling, axis=1)
    return changed
