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
from llvmlite import ir
from numba import types, uint64
from numba.extending import intrinsic

from .gaussian import find_mean, new_scratch
from .jit import kernel, loop, wide_vectors
from .moments import LANES, dot, sum_of_lanes
from .vectors import INT64, Vectors, pointer_to, repeat

__all__ = ["GaussianSums", "gradient_cpu"]

MOST_ROWS = 2048
CELLS = 1 << 16  # of a tile of reals, which stay in the second-level cache


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
    slope: np.ndarray  # g
    total_weight: float


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


@intrinsic
def _whole_slopes(typing_context, values, mean, weights, precision, slope, n):
    """As ``_find_slopes`` for the first n rows, a multiple of LANES; all contiguous float64."""

    def generate(context, builder, signature, arguments):
        *arrays, precision, slope, n = arguments
        doubles = Vectors(builder, ir.DoubleType(), LANES)
        kinds = (*signature.args[:3], signature.args[4])
        zero = INT64(0)
        starts = [
            pointer_to(context, builder, kind, array, zero) for kind, array in zip(kinds, (*arrays, slope), strict=True)
        ]
        factor = doubles.broadcast(precision)

        def step(i, sum_slopes, sum_products):
            x, m, w = (doubles.load_at(builder.gep(start, [i])) for start in starts[:3])
            r = builder.fsub(x, m)
            g = builder.fmul(builder.fmul(w, factor), r)
            doubles.store_at(g, builder.gep(starts[3], [i]))
            return [builder.fadd(sum_slopes, g), doubles.call("fmuladd", g, r, sum_products)]

        sums = repeat(builder, n, [doubles.constant(0.0)] * 2, step, stride=LANES)
        totals = [sum_of_lanes(builder, own, LANES) for own in sums]
        return context.make_tuple(builder, signature.return_type, totals)

    kind = types.UniTuple(types.float64, 2)
    return kind(values, mean, weights, precision, slope, types.int64), generate


@loop
def _find_slopes(values, mean, weights, precision, slope):
    """slope = g; returns the sums of g and of g r."""
    n = values.shape[0]
    full = n // LANES * LANES
    sum_slopes, sum_products = _whole_slopes(values, mean, weights, precision, slope, full)
    for i in range(full, n):
        r = values[i] - mean[i]
        slope[i] = weights[i] * precision * r
        sum_slopes += slope[i]
        sum_products += slope[i] * r
    return sum_slopes, sum_products


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
    values = reals[plan.row[m], a : a + n]
    by_mean, by_log_std = _find_slopes(values, tile.mean, tile.weights, precision, tile.slope)
    sums.intercept[at] += by_mean
    sums.log_std[at] += by_log_std - tile.total_weight
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
    scratch, slope = new_scratch(reals.dtype, size, 0), np.empty(size)
    for a in range(row_begin, row_end, size):
        n = min(size, row_end - a)
        mean, index = scratch.mean[:n], scratch.index[:n]
        own = weights[a : a + n]
        tile = _Tile(own, mean, index, slope[:n], own.sum())
        by_reals[:, a : a + n] = 0.0
        for m in range(plan.row.shape[0]):
            find_mean(plan, m, codes, reals, a, index, mean)
            if plan.selector_start[m + 1] > plan.selector_start[m]:
                _add_chosen(plan, m, reals, a, tile, by_reals, sums)
            else:
                _add_alike(plan, m, reals, a, tile, by_reals, sums)
