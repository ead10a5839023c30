"""top_k and top_p: which states of a distribution are drawn among."""

from __future__ import annotations

import numpy as np
import pytest

from fastdgm.engines.truncation import most_probable


@pytest.mark.parametrize("top_p", [None, 1e-9, 0.3, 0.75, 0.9, 1.0])
@pytest.mark.parametrize("top_k", [None, 1, 3, 9])
def test_what_is_kept_is_the_shortest_beginning_with_enough_mass(top_k, top_p):
    weights = -np.sort(-np.random.default_rng(0).integers(1, 9, (50, 6)).astype(float), axis=1)
    reached = weights.cumsum(axis=1)
    for row, kept in zip(weights, most_probable(reached, reached - weights, top_k, top_p), strict=True):
        n = len(row)
        if top_p is not None and top_p < 1:
            n = next(n for n in range(1, 7) if row[:n].sum() >= top_p * row.sum())
        n = n if top_k is None else min(n, top_k)
        assert kept.tolist() == [True] * n + [False] * (6 - n)
