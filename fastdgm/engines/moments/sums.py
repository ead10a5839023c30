"""Moments about the mean, and how those of two sets of rows make those of both (Chan, Golub and LeVeque 1983)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
RESOLVED = 1e-4  # the least share of a sum of squares that may be left about the mean: 4 of 16 digits are lost


class Moments(NamedTuple):
    """Of ``c`` configurations and ``d`` columns, float64. ``cross`` is flat, by pairs of columns, or ``(c, d, d)``.

    A mean has two parts, so that differences of means are exact far from 0: a value of the data, and what to add.
    """

    rows: Array  # (c,): number of rows of positive weight
    weight: Array  # (c,): sum of weights
    shift: Array  # (c, d); 0 where there are no rows
    offset: Array  # (c, d): weighted mean - shift
    cross: Array  # (c, pairs): sum of w (x_j - mean_j) (x_k - mean_k)

    @property
    def mean(self) -> Array:
        """Weighted means (c, d)."""
        return np.asarray(self.shift + self.offset)


def moments_from_records(records: Array, n_columns: int, header: int, pairs: Array) -> Moments:
    """Records of a piece of rows (c, numbers) -> moments; ``pairs`` (2, p) are places of columns."""
    rows, weight = records[:, 0], records[:, 1]
    shift = np.where(rows[:, None] > 0.0, records[:, header : header + n_columns], 0.0)
    sums = records[:, header + n_columns : header + 2 * n_columns]
    products = records[:, header + 2 * n_columns :]
    offset = _divided(sums, weight)
    cross = products - sums[:, pairs[0]] * offset[:, pairs[1]]
    squares = pairs[0] == pairs[1]
    cross[:, squares] = np.maximum(cross[:, squares], 0.0)  # rounding may leave less, where all rows are alike
    return Moments(rows.copy(), weight.copy(), shift, offset, cross)


def is_resolved(moments: Moments, pairs: Array) -> bool:
    """Whether the shifts are near enough to the means: W offset^2 is what a sum of squares has lost."""
    squares = pairs[0] == pairs[1]
    lost = moments.weight[:, None] * moments.offset[:, pairs[0][squares]] ** 2
    return bool((RESOLVED * lost <= moments.cross[:, squares]).all())


def merged(first: Moments, second: Moments, pairs: Array) -> Moments:
    """Those of all rows of both; the heavier keeps its shift."""
    weight = first.weight + second.weight
    share = _divided(second.weight, weight)
    difference = (second.shift - first.shift) + (second.offset - first.offset)
    between = (first.weight * share)[:, None] * difference[:, pairs[0]] * difference[:, pairs[1]]
    kept = (first.weight >= second.weight)[:, None]
    near_first = first.offset + share[:, None] * difference
    near_second = second.offset - _divided(first.weight, weight)[:, None] * difference
    offset = np.where(kept, near_first, near_second)
    shift = np.where(kept, first.shift, second.shift)
    return Moments(first.rows + second.rows, weight, shift, offset, first.cross + second.cross + between)


def pooled(moments: Moments) -> Moments:
    """Those of the rows of all configurations together, ``cross`` being ``(c, d, d)``: one configuration."""
    total = moments.weight.sum(keepdims=True)
    share = _divided(moments.weight, total)
    shift = moments.shift[share.argmax()]
    apart = (moments.shift - shift) + moments.offset
    offset = share @ apart
    apart -= offset
    between = np.einsum("c,cj,ck->jk", moments.weight, apart, apart)
    cross = moments.cross.sum(axis=0) + between
    return Moments(moments.rows.sum(keepdims=True), total, shift[None], offset[None], cross[None])


def _divided(numbers: Array, by: Array) -> Array:
    """numbers / by, 0 where that is 0."""
    by = by.reshape(by.shape + (1,) * (numbers.ndim - by.ndim))
    return np.divide(numbers, by, out=np.zeros(numbers.shape), where=by > 0.0)
