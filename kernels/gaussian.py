"""Linear Gaussians: log-densities and draws of real columns, a tile of rows after the other.

x = mean + std z,   mean = intercept[d] + sum_j coefficient[j, d] y_j,   z standard normal (quantiles.py)
log p(x) = -(x - mean)^2 / (2 std^2) - log std - log(2 pi) / 2

d is the joint state of the discrete parents, y_j are the columns of the real ones. Columns are float32 or float64, and
so are means and residuals, each a chain of multiply_adds over the parents in their order, so that a sampler and a
scorer of one type agree to the last bit: where std is 0, log p is 0 at the mean and -inf elsewhere. Squares add up in
float64. An index d is clamped to its table, whatever the codes are.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import float64, uint32, uint64

from .jit import inlined, kernel, loop, wide_vectors
from .linear_means import linear_mean
from .normal import fill_normals
from .portable import multiply_add
from .real_tiles import all_finite
from .tiles import joint_index

DRAWING_TILE = 1024  # rows: words, normals and a few columns stay in the first two cache levels
SCORING_TILE = 2048  # rows, fewer where the columns of all members would not fit into the second-level cache
SCORING_CELLS = 1 << 18


class GaussianPlan(NamedTuple):
    """Members in topological order. Arrays named ``*_start`` have one entry more than there are members."""

    row: np.ndarray  # uint32: of the block of reals
    parent_start: np.ndarray  # uint32: run of real parents of each member
    parent_row: np.ndarray  # uint32
    selector_start: np.ndarray  # uint32: run of discrete parents
    selector_row: np.ndarray  # uint32: of the block of codes
    selector_stride: np.ndarray  # uint32
    table_start: np.ndarray  # uint64: run of joint states of the discrete parents in the next five
    intercept: np.ndarray  # of the type of the reals
    std: np.ndarray  # likewise
    half_precision: np.ndarray  # float64: 1 / (2 std**2), as its root; 0 where std is 0
    log_scale: np.ndarray  # float64: -log std - log(2 pi) / 2, 0 where std is 0
    is_point: np.ndarray  # uint8: of each member, whether some std is 0
    slope_start: np.ndarray  # uint64: run of coefficients of each member: those of its first joint state, ...
    slope: np.ndarray  # of the type of the reals
    constant: float  # the sum of log_scale of members without discrete parents
    first_word: np.uint64  # member m draws from word first_word + m of a row


class _Scratch(NamedTuple):
    """A tile of intermediate results."""

    mean: np.ndarray  # of the type of the reals
    index: np.ndarray  # uint32: joint state of the discrete parents
    words: np.ndarray  # uint32 (8, n)
    normals: np.ndarray  # of the type of the reals, four columns


@loop
def new_scratch(dtype, size, n_words):
    """For tiles of ``size`` rows, in which ``n_words`` rows are drawn."""
    words, normals = np.empty((8, n_words), np.uint32), np.empty(4 * n_words, dtype)
    return _Scratch(np.empty(size, dtype), np.empty(size, np.uint32), words, normals)


@loop
def _scoring_rows(n_members):
    return max(512, min(SCORING_TILE, (SCORING_CELLS // max(n_members, 1)) & ~63))


# Means ------------------------------------------------------------------------------------------------------------


@inlined
def _chosen_mean(intercept, slopes, rows, reals, d, column):
    """The mean in one row, of joint state d: the chain of multiply_adds of ``linear_mean``."""
    n_parents = uint64(rows.shape[0])
    mean = intercept[d]
    for j in range(n_parents):
        mean = multiply_add(slopes[d * n_parents + j], reals[uint64(rows[j]), column], mean)
    return mean


@loop
def _find_configurations(plan, m, codes, a, index):
    """index = the joint state of the discrete parents of member m, clamped to its table."""
    own = slice(plan.selector_start[m], plan.selector_start[m + 1])
    n = index.shape[0]
    joint_index(plan.selector_row[own], plan.selector_stride[own], codes, a, n, index)
    last = uint32(plan.table_start[m + 1] - plan.table_start[m] - uint64(1))
    for i in range(n):
        index[i] = min(index[i], last)


@loop
def find_mean(plan, m, codes, reals, a, index, mean):
    """The mean of member m in rows a, a + 1, ...; ``index`` its joint states, where it has discrete parents."""
    slopes = plan.slope[plan.slope_start[m] : plan.slope_start[m + 1]]
    rows = plan.parent_row[plan.parent_start[m] : plan.parent_start[m + 1]]
    intercept = plan.intercept[plan.table_start[m] : plan.table_start[m + 1]]
    if plan.selector_start[m + 1] == plan.selector_start[m]:
        linear_mean(intercept[0], slopes, rows, reals, a, mean)
        return
    _find_configurations(plan, m, codes, a, index)
    for i in range(uint64(mean.shape[0])):
        mean[i] = _chosen_mean(intercept, slopes, rows, reals, uint64(index[i]), uint64(a) + i)


# Draws ------------------------------------------------------------------------------------------------------------


@loop
def _place(std, mean, normals, values):
    wide_vectors()
    for i in range(values.shape[0]):
        values[i] = multiply_add(std, normals[i], mean[i])


@loop
def _place_chosen(std, index, mean, normals, values):
    for i in range(values.shape[0]):
        values[i] = multiply_add(std[uint64(index[i])], normals[i], mean[i])


@loop
def _draw(plan, m, normals, index, mean, values):
    std = plan.std[plan.table_start[m] : plan.table_start[m + 1]]
    if plan.selector_start[m + 1] > plan.selector_start[m]:
        _place_chosen(std, index, mean, normals, values)
    else:
        _place(std[0], mean, normals, values)


@kernel
def sample_cpu(row_begin, row_end, key, start, plan, codes, reals):
    """Draw rows [row_begin, row_end) of the members' rows of ``reals`` (n_reals, n); column i is row ``start + i``.

    Returns -1, or the first row of a tile in which a value is not finite.
    """
    scratch = new_scratch(reals.dtype, DRAWING_TILE, DRAWING_TILE)
    for a in range(row_begin, row_end, DRAWING_TILE):
        n = min(DRAWING_TILE, row_end - a)
        mean, index = scratch.mean[:n], scratch.index[:n]
        normals = scratch.normals[: 4 * n].reshape(4, n)
        fine = True
        for m in range(plan.row.shape[0]):
            word = plan.first_word + uint64(m)
            lane = word & uint64(3)
            if m == 0 or lane == uint64(0):
                fill_normals(key, start + uint64(a), word - lane, scratch.words, normals)
            find_mean(plan, m, codes, reals, a, index, mean)
            values = reals[plan.row[m], a : a + n]
            _draw(plan, m, normals[lane], index, mean, values)
            fine &= all_finite(values, 0, n)
        if not fine:
            return a
    return -1


# Densities --------------------------------------------------------------------------------------------------------


@loop
def _add_squares(values, mean, half_precision, total):
    wide_vectors()
    for i in range(values.shape[0]):
        r = float64(values[i] - mean[i])
        scaled = r * half_precision
        total[i] = multiply_add(-scaled, scaled, total[i] + (r - r))  # NaN where the mean has left its type's range


@loop
def _add_chosen_terms(values, mean, half_precision, log_scale, index, total):
    for i in range(values.shape[0]):
        r = float64(values[i] - mean[i])
        scaled = r * half_precision[uint64(index[i])]
        total[i] = multiply_add(-scaled, scaled, total[i] + log_scale[uint64(index[i])] + (r - r))


@loop
def _add_points(values, mean, std, index, total):
    """0 where a value is the mean and std is 0, -inf where it is not; NaN stays NaN in the sum."""
    for i in range(values.shape[0]):
        r = float64(values[i] - mean[i])
        if std[uint64(index[i])] == 0.0 and r != 0.0:
            total[i] -= math.inf


@loop
def _add_terms(plan, m, values, index, mean, total):
    """total += log p of member m, but for the ``constant`` of members without discrete parents."""
    own = slice(plan.table_start[m], plan.table_start[m + 1])
    is_chosen = plan.selector_start[m + 1] > plan.selector_start[m]
    if is_chosen:
        _add_chosen_terms(values, mean, plan.half_precision[own], plan.log_scale[own], index, total)
    else:
        _add_squares(values, mean, plan.half_precision[own][0], total)
    if plan.is_point[m]:
        if not is_chosen:
            index[:] = 0
        _add_points(values, mean, plan.std[own], index, total)


@kernel
def log_prob_cpu(row_begin, row_end, plan, codes, reals, out):
    """out[i] = sum over members of log p(x | parents), for rows [row_begin, row_end) of codes and reals."""
    size = _scoring_rows(plan.row.shape[0])
    scratch = new_scratch(reals.dtype, size, 0)
    for a in range(row_begin, row_end, size):
        n = min(size, row_end - a)
        mean, index, total = scratch.mean[:n], scratch.index[:n], out[a : a + n]
        total[:] = plan.constant
        for m in range(plan.row.shape[0]):
            find_mean(plan, m, codes, reals, a, index, mean)
            _add_terms(plan, m, reals[plan.row[m], a : a + n], index, mean, total)


@kernel
def log_prob_per_variable_cpu(row_begin, row_end, plan, columns, codes, reals, out):
    """out[columns[m], i] = log p(x_m | parents of m) of every member, for rows [row_begin, row_end)."""
    size = _scoring_rows(plan.row.shape[0])
    scratch = new_scratch(reals.dtype, size, 0)
    for a in range(row_begin, row_end, size):
        n = min(size, row_end - a)
        mean, index = scratch.mean[:n], scratch.index[:n]
        for m in range(plan.row.shape[0]):
            total = out[columns[m], a : a + n]
            total[:] = (
                0.0 if plan.selector_start[m + 1] > plan.selector_start[m] else plan.log_scale[plan.table_start[m]]
            )
            find_mean(plan, m, codes, reals, a, index, mean)
            _add_terms(plan, m, reals[plan.row[m], a : a + n], index, mean, total)
