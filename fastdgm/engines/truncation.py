"""top_k and top_p: which states of a distribution are drawn among."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def most_probable(reached: Array, before: Array, top_k: int | None, top_p: float | None) -> npt.NDArray[np.bool_]:
    """Which of weights (n, k), falling in every row, stay: the top_k largest, of them the fewest with a share of top_p.

    The share is of what top_k leaves, as in the samplers of language models: top_k first, then top_p of the rest.
    ``reached`` are their cumulative sums, ``before`` the sums without the weight itself: a family's way to round them
    decides where a sum is top_p to the last bit, and is a part of what its seeds mean.
    """
    size = reached.shape[1]
    n_largest = size if top_k is None else min(top_k, size)
    kept = np.ones(reached.shape, bool)
    if top_p is not None and top_p < 1.0:
        kept = before < top_p * reached[:, n_largest - 1 : n_largest]
    kept[:, n_largest:] = False
    return kept
