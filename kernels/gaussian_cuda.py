"""CUDA twins of gaussian.py, with one thread to a row: the same chains of multiply_adds, squares added up in float64.

A twin has its CPU loop's arguments but the range of rows. It returns nothing: a value that is not finite stays in
its place.
"""

from __future__ import annotations

import math

from numba import cuda, float64, uint64

from .portable import multiply_add
from .quantiles_cuda import standard_normal

__all__ = ["configuration", "log_prob_cuda", "log_prob_per_variable_cuda", "member_mean", "sample_cuda"]

device = cuda.jit(device=True)


@device
def configuration(plan, m, codes, i):
    """The joint state of the discrete parents of member m in row i, clamped to its table."""
    index = uint64(0)
    for j in range(plan.selector_start[m], plan.selector_start[m + 1]):
        index += uint64(plan.selector_stride[j]) * uint64(codes[plan.selector_row[j], i])
    return min(index, uint64(plan.table_start[m + 1]) - uint64(plan.table_start[m]) - uint64(1))


@device
def member_mean(plan, m, d, reals, i):
    """The mean of member m in row i, whose discrete parents are in joint state d."""
    n_parents = uint64(plan.parent_start[m + 1]) - uint64(plan.parent_start[m])
    mean, at = plan.intercept[uint64(plan.table_start[m]) + d], uint64(plan.slope_start[m]) + d * n_parents
    for j in range(plan.parent_start[m], plan.parent_start[m + 1]):
        mean = multiply_add(plan.slope[at], reals[plan.parent_row[j], i], mean)
        at += uint64(1)
    return mean


@device
def _squared(plan, m, d, r):
    """-r^2 / (2 std^2) of a residual; 0 or -inf where std is 0; NaN where the mean has left its type's range."""
    at = uint64(plan.table_start[m]) + d
    scaled = r * plan.half_precision[at]
    term = (r - r) - scaled * scaled
    return term - math.inf if plan.std[at] == 0.0 and r != 0.0 else term


@device
def _term(plan, m, codes, reals, i):
    """log p of member m in row i."""
    d = configuration(plan, m, codes, i)
    r = float64(reals[plan.row[m], i] - member_mean(plan, m, d, reals, i))
    return _squared(plan, m, d, r) + plan.log_scale[uint64(plan.table_start[m]) + d]


@cuda.jit
def sample_cuda(key, start, plan, codes, reals):
    """Draw all rows of the members' rows of ``reals`` (n_reals, n); column i is row ``start + i``."""
    single = reals.itemsize == 4
    for i in range(cuda.grid(1), reals.shape[1], cuda.gridsize(1)):
        for m in range(plan.row.shape[0]):
            d = configuration(plan, m, codes, i)
            mean = member_mean(plan, m, d, reals, i)
            z = standard_normal(key, uint64(start) + uint64(i), plan.first_word + uint64(m), single)
            std = plan.std[uint64(plan.table_start[m]) + d]
            reals[plan.row[m], i] = multiply_add(std, type(std)(z), mean)


@cuda.jit
def log_prob_cuda(plan, codes, reals, out):
    """out[i] = sum over members of log p(x | parents), for all rows of codes and reals."""
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        total = 0.0
        for m in range(plan.row.shape[0]):
            total += _term(plan, m, codes, reals, i)
        out[i] = total


@cuda.jit
def log_prob_per_variable_cuda(plan, columns, codes, reals, out):
    """out[columns[m], i] = log p(x_m | parents of m) of every member, for all rows."""
    for i in range(cuda.grid(1), out.shape[1], cuda.gridsize(1)):
        for m in range(plan.row.shape[0]):
            out[columns[m], i] = _term(plan, m, codes, reals, i)
