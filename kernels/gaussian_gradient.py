"""Gradients of the log-density of linear Gaussians, by data and parameters, a tile of rows after the other.

For r = x - mean, mean = intercept[d] + sum_j coefficient[j, d] y_j and a row's weight w, with g = w r / std^2:

    by x             -g                        by intercept[d]          sum over rows of g
    by y_j           coefficient[j, d] g       by coefficient[j, d]     sum over rows of g y_j
                                               by log std[d]            sum over rows of g r - w

A point mass (std 0) has a gradient of 0. Means are those of gaussian.py, sums are float64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint64

from .gaussian import find_mean, new_scratch
from .jit import kernel, loop, wide_vectors
from .moments import LANES, dot

__all__ = ["GaussianSums", "gradient_cpu"]

MOST_ROWS = 1024
CELLS = 1 << 15  # of a tile of reals, whose gradients beside them stay in the second-level cache


class GaussianSums(NamedTuple):
    """Gradients by the parameters of a GaussianPlan, in its places."""

    intercept: np.ndarray  # float64
    slope: np.ndarray  # float64
    log_std: np.ndarray  # float64


class _Tile(NamedTuple):
    """A tile of rows: the weights, and what is known of one member."""

    weights: np.ndarray
    mean: np.ndarray
    index: np.ndarray  # joint state of the discrete parents
    residual: np.ndarray  # r
    slope: np.ndarray  # g
    ones: np.ndarray


@loop
def _tile_rows(n_reals):
    return max(128, min(MOST_ROWS, (CELLS // max(n_reals, 1)) & ~63))


@loop
def _dot(first, second):
    n = first.shape[0]
    full = n // LANES * LANES
    total = dot(first, second, full)
    for i in range(full, n):
        total += first[i] * second[i]
    return total


@loop
def _precision(plan, at):
    """1 / std^2; 0 of a point mass."""
    return 2.0 * plan.half_precision[at] * plan.half_precision[at]


@loop
def _find_slopes(values, precision, tile):
    wide_vectors()
    residual, slope, weights, mean = tile.residual, tile.slope, tile.weights, tile.mean
    for i in range(values.shape[0]):
        r = values[i] - mean[i]
        residual[i] = r
        slope[i] = weights[i] * precision * r


@loop
def _add_scaled(factor, numbers, total):
    wide_vectors()
    for i in range(total.shape[0]):
        total[i] += factor * numbers[i]


@loop
def _add_alike(plan, m, reals, a, tile, by_reals, sums):
    """What member m, which has no discrete parents, adds in a tile of rows from a on."""
    at, first, n = plan.table_start[m], plan.parent_start[m], tile.mean.shape[0]
    precision = _precision(plan, at)
    if precision == 0.0:
        return
    _find_slopes(reals[plan.row[m], a : a + n], precision, tile)
    sums.intercept[at] += _dot(tile.slope, tile.ones)
    sums.log_std[at] += _dot(tile.slope, tile.residual) - _dot(tile.weights, tile.ones)
    wanted = by_reals.shape[0] > 0
    if wanted:
        _add_scaled(-1.0, tile.slope, by_reals[plan.row[m], a : a + n])
    for j in range(plan.parent_start[m + 1] - first):
        parent, place = plan.parent_row[first + j], plan.slope_start[m] + uint64(j)
        sums.slope[place] += _dot(tile.slope, reals[parent, a : a + n])
        if wanted:
            _add_scaled(plan.slope[place], tile.slope, by_reals[parent, a : a + n])


@loop
def _add_parents(plan, m, d, column, slope, reals, by_reals, sums):
    """What the parents of member m, whose discrete ones are in joint state d, get in one row."""
    n_parents = uint64(plan.parent_start[m + 1] - plan.parent_start[m])
    place = plan.slope_start[m] + d * n_parents
    for j in range(plan.parent_start[m], plan.parent_start[m + 1]):
        parent = uint64(plan.parent_row[j])
        sums.slope[place] += slope * reals[parent, column]
        if by_reals.shape[0] > 0:
            by_reals[parent, column] += plan.slope[place] * slope
        place += uint64(1)


@loop
def _add_chosen(plan, m, reals, a, tile, by_reals, sums):
    """What member m adds in a tile of rows from a on, each by the joint state of its discrete parents."""
    row = uint64(plan.row[m])
    for i in range(uint64(tile.mean.shape[0])):
        d, column = uint64(tile.index[i]), uint64(a) + i
        at = plan.table_start[m] + d
        precision = _precision(plan, at)
        if precision > 0.0:
            residual = reals[row, column] - tile.mean[i]
            slope = tile.weights[i] * precision * residual
            sums.intercept[at] += slope
            sums.log_std[at] += slope * residual - tile.weights[i]
            if by_reals.shape[0] > 0:
                by_reals[row, column] -= slope
            _add_parents(plan, m, d, column, slope, reals, by_reals, sums)


@kernel
def gradient_cpu(row_begin, row_end, plan, codes, reals, weights, by_reals, sums):
    """sums += the gradient of sum_i weights[i] log p(row i) by the parameters, and by_reals (n_reals, n), or (0, 0)
    where nobody asks for it, that by the reals, for rows [row_begin, row_end); all float64."""
    size = _tile_rows(reals.shape[0])
    scratch, ones = new_scratch(reals.dtype, size, 0), np.ones(size)
    residual, slope = np.empty(size), np.empty(size)
    for a in range(row_begin, row_end, size):
        n = min(size, row_end - a)
        mean, index = scratch.mean[:n], scratch.index[:n]
        tile = _Tile(weights[a : a + n], mean, index, residual[:n], slope[:n], ones[:n])
        by_reals[:, a : a + n] = 0.0
        for m in range(plan.row.shape[0]):
            find_mean(plan, m, codes, reals, a, index, mean)
            if plan.selector_start[m + 1] > plan.selector_start[m]:
                _add_chosen(plan, m, reals, a, tile, by_reals, sums)
            else:
                _add_alike(plan, m, reals, a, tile, by_reals, sums)
