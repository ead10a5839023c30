"""top_k and top_p: which states of a distribution are drawn among."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def most_probable(reached: Array, before: Array, top_k: int | None, top_p: float | None) -> npt.NDArray[np.bool_]:
    """Which of weights (n, k), falling in every row, are the top_k largest and the fewest with a share of top_p.

    ``reached`` are their cumulative sums, ``before`` the sums without the weight itself: a family's way to round them
    decides where a sum is top_p to the last bit, and is a part of what its seeds mean.
    """
    kept = np.ones(reached.shape, bool)
    if top_p is not None and top_p < 1.0:
        kept = before < top_p * reached[:, -1:]
    if top_k is not None:
        kept[:, top_k:] = False
    return kept
