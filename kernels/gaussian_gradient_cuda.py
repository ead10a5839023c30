"""The CUDA twin of gaussian_gradient.py, a thread for each row; sums over rows are atomic, so their order varies."""

from __future__ import annotations

from typing import Any

from numba import cuda, float64, uint64

from .portable import multiply_add

__all__ = ["gradient_cuda"]

device: Any = cuda.jit(device=True)


@device
def _configuration(plan, m, codes, i):
    """The joint state of the discrete parents of member m in row i, clamped to its table."""
    index = uint64(0)
    for j in range(plan.selector_start[m], plan.selector_start[m + 1]):
        index += uint64(plan.selector_stride[j]) * uint64(codes[plan.selector_row[j], i])
    return min(index, uint64(plan.table_start[m + 1]) - uint64(plan.table_start[m]) - uint64(1))


@device
def _mean(plan, m, d, reals, i):
    """The mean of member m in row i, whose discrete parents are in joint state d."""
    n_parents = uint64(plan.parent_start[m + 1]) - uint64(plan.parent_start[m])
    mean, at = plan.intercept[uint64(plan.table_start[m]) + d], uint64(plan.slope_start[m]) + d * n_parents
    for j in range(plan.parent_start[m], plan.parent_start[m + 1]):
        mean = multiply_add(plan.slope[at], reals[plan.parent_row[j], i], mean)
        at += uint64(1)
    return mean


@device
def _add_member(plan, m, codes, reals, weights, by_reals, sums):
    """What member m adds in row i = weights[0], of weight weights[1]."""
    i, weight = weights
    d = _configuration(plan, m, codes, i)
    at = uint64(plan.table_start[m]) + d
    precision = 2.0 * plan.half_precision[at] * plan.half_precision[at]
    if precision == 0.0:
        return
    residual = float64(reals[plan.row[m], i] - _mean(plan, m, d, reals, i))
    slope = weight * precision * residual
    cuda.atomic.add(sums.intercept, at, slope)
    cuda.atomic.add(sums.log_std, at, slope * residual - weight)
    wanted = by_reals.shape[0] > 0
    if wanted:
        by_reals[plan.row[m], i] -= slope
    place = uint64(plan.slope_start[m]) + d * (uint64(plan.parent_start[m + 1]) - uint64(plan.parent_start[m]))
    for j in range(plan.parent_start[m], plan.parent_start[m + 1]):
        parent = plan.parent_row[j]
        cuda.atomic.add(sums.slope, place, slope * reals[parent, i])
        if wanted:
            by_reals[parent, i] += plan.slope[place] * slope
        place += uint64(1)


@cuda.jit
def gradient_cuda(plan, codes, reals, weights, by_reals, sums):
    """sums += the gradient of sum_i weights[i] log p(row i) by the parameters, and by_reals (n_reals, n), or (0, 0)
    where nobody asks for it, that by the reals; all float64."""
    for i in range(cuda.grid(1), weights.shape[0], cuda.gridsize(1)):
        for j in range(by_reals.shape[0]):
            by_reals[j, i] = 0.0
        for m in range(plan.row.shape[0]):
            _add_member(plan, m, codes, reals, (i, weights[i]), by_reals, sums)
