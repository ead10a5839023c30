"""What keeps EM going where a component has lost its rows, or has shrunk onto a few: the background.

A configuration of the hidden variables is *degenerate* for a variable where its own rows, by their weights, do not
determine the variable's parameters, and all rows together would: no rows or too few, all alike, on a line. It then also
sees every row with the weight BACKGROUND, so that it becomes as wide as the data or, on a few rows, about 1e-4 of their
width. All others are exactly the maximum of their weighted likelihood. One that has been degenerate in STEPS steps of a
run keeps the background to its end, or it would shrink and be widened for ever.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..engines.moments.sums import Moments

BACKGROUND = 1e-8
STEPS = 3


def with_background(own: Moments, background: Moments, where: npt.NDArray[np.bool_]) -> Moments:
    """Moments (``cross`` is ``(c, d, d)``) with those of the background added in some of the configurations."""
    weight = own.weight + np.where(where, background.weight, 0.0)
    share = np.divide(background.weight, weight, out=np.zeros_like(weight), where=where & (weight > 0.0))
    begun = (own.weight > 0.0)[:, None]
    shift, offset = np.where(begun, own.shift, background.shift), np.where(begun, own.offset, background.offset)
    difference = (background.shift - shift) + (background.offset - offset)
    between = (own.weight * share)[:, None, None] * difference[:, :, None] * difference[:, None, :]
    return Moments(
        own.rows + np.where(where, background.rows, 0),
        weight,
        np.where(where[:, None], shift, own.shift),
        np.where(where[:, None], offset + share[:, None] * difference, own.offset),
        own.cross + np.where(where[:, None, None], background.cross + between, 0.0),
    )
