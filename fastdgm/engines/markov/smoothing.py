"""What full and sparse tables share of smoothing."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Smoothing = Literal["witten-bell", "kneser-ney", "add-alpha"]


def check_alpha(smoothing: Any, alpha: Any) -> float:
    """The alpha of a kind of smoothing that is known; ValueError or TypeError where either is wrong."""
    if smoothing not in get_args(Smoothing):
        raise ValueError(f"smoothing must be one of {list(get_args(Smoothing))}, got {smoothing!r:.60}")
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float, np.integer, np.floating)):
        raise TypeError(f"alpha must be a number, got {alpha!r:.60}")
    number = float(alpha)
    if not 0 <= number < math.inf:
        raise ValueError(f"alpha must be at least 0 and finite, got {number}")
    return number


def discount_of(counts: Array) -> float:
    """D = n1 / (n1 + 2 n2), n_r the number of cells with count r (Ney, Essen & Kneser 1994); 0.5 if either is 0."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return once / (once + 2 * twice) if once and twice else 0.5


def rest_of(end: float) -> float:
    """What is left of a distribution without the end symbol."""
    if not end < 1.0:
        raise ValueError("sequences must have symbols: the end symbol is as good as certain")
    return 1.0 - end
