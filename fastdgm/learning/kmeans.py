"""Clusters of points to start from: k-means++ and a few steps of Lloyd."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

STEPS = 20
ROWS_AT_ONCE = 1 << 16


def cluster_centres(points: Array, k: int, rng: np.random.Generator) -> Array:
    """Centres (k, m) of points (n, m): seeds by k-means++ (Arthur and Vassilvitskii 2007), then Lloyd's steps.

    Each seed is the best of a few points drawn in proportion to their squared distance from the seeds so far. A centre
    that loses all its points stays where it is; where there are fewer than k distinct points, some centres are equal.
    """
    centres = points[rng.integers(len(points), size=1)]
    nearest = _squared_distances(points, centres)[:, 0]
    for _ in range(k - 1):
        total = nearest.sum()
        chances = nearest / total if total > 0.0 else None
        candidates = rng.choice(len(points), 2 + int(np.log(k)), p=chances)
        distances = np.minimum(nearest[:, None], _squared_distances(points, points[candidates]))
        best = int(distances.sum(axis=0).argmin())
        nearest = distances[:, best]
        centres = np.vstack([centres, points[candidates[best]]])
    for _ in range(STEPS):
        moved = _moved(points, centres, nearest_centres(points, centres))
        if np.array_equal(moved, centres):
            break
        centres = moved
    return centres


def nearest_centres(points: Array, centres: Array) -> npt.NDArray[Any]:
    """The number of the nearest centre of every point (n,)."""
    found = np.empty(len(points), np.intp)
    for begin in range(0, len(points), ROWS_AT_ONCE):
        own = slice(begin, begin + ROWS_AT_ONCE)
        found[own] = _squared_distances(points[own], centres).argmin(axis=1)
    return found


def _moved(points: Array, centres: Array, owner: npt.NDArray[Any]) -> Array:
    """Each centre as the mean of its points."""
    members = np.zeros((len(centres), len(points)))
    members[owner, np.arange(len(points))] = 1.0
    counts = members.sum(axis=1)[:, None]
    return np.where(counts > 0.0, members @ points / np.maximum(counts, 1.0), centres)


def _squared_distances(points: Array, centres: Array) -> Array:
    """(n, k); never below 0."""
    squares = (points**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)
    return np.maximum(squares - 2.0 * points @ centres.T, 0.0)
