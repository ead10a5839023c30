"""Moments about the mean, and how those of two sets of rows make those of both (Chan, Golub and LeVeque 1983)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Moments(NamedTuple):
    """Of ``c`` configurations and ``d`` columns, float64. ``cross`` is flat, by pairs of columns, or ``(c, d, d)``."""

    rows: Array  # (c,): number of rows of positive weight
    weight: Array  # (c,): sum of weights
    mean: Array  # (c, d): weighted means; 0 where there are no rows
    cross: Array  # (c, pairs): sum of w (x_j - mean_j) (x_k - mean_k)


def moments_from_records(records: Array, n_columns: int, header: int, pairs: Array) -> Moments:
    """Records of a piece of rows (c, numbers) -> moments; ``pairs`` (2, p) are places of columns."""
    rows, weight = records[:, 0], records[:, 1]
    shift, sums = records[:, header : header + n_columns], records[:, header + n_columns : header + 2 * n_columns]
    products = records[:, header + 2 * n_columns :]
    offset = _divided(sums, weight)
    cross = products - sums[:, pairs[0]] * offset[:, pairs[1]]
    squares = pairs[0] == pairs[1]
    cross[:, squares] = np.maximum(cross[:, squares], 0.0)  # rounding may leave less, where all rows are alike
    return Moments(rows.copy(), weight.copy(), shift + offset, cross)


def merged(first: Moments, second: Moments, pairs: Array) -> Moments:
    """Those of all rows of both."""
    weight = first.weight + second.weight
    share = _divided(second.weight, weight)
    difference = second.mean - first.mean
    own = first.weight * share
    between = own[:, None] * difference[:, pairs[0]] * difference[:, pairs[1]]
    mean = np.where(first.weight[:, None] > 0.0, first.mean + share[:, None] * difference, second.mean)
    return Moments(first.rows + second.rows, weight, mean, first.cross + second.cross + between)


def pooled(moments: Moments) -> Moments:
    """Those of the rows of all configurations together, ``cross`` being ``(c, d, d)``: one configuration."""
    total = moments.weight.sum(keepdims=True)
    share = _divided(moments.weight, total)
    mean = share @ moments.mean
    apart = moments.mean - mean
    between = np.einsum("c,cj,ck->jk", moments.weight, apart, apart)
    return Moments(moments.rows.sum(keepdims=True), total, mean[None], (moments.cross.sum(axis=0) + between)[None])


def _divided(numbers: Array, by: Array) -> Array:
    """numbers / by, 0 where that is 0."""
    by = by.reshape(by.shape + (1,) * (numbers.ndim - by.ndim))
    return np.divide(numbers, by, out=np.zeros(numbers.shape), where=by > 0.0)
