"""Uniform, exponential and Laplace columns without parents: draws and log-densities, a tile of rows after the other.

x = shift + scale z, kept within [bottom, top],   z standard uniform, exponential or Laplace (quantiles.py)
log p(x) = log_density - rate |x - shift| where bottom <= x <= top, else -inf

     kind          shift   scale        bottom, top     rate         log_density
     uniform       low     high - low   low, high       0            -log(high - low)
     exponential   0       1 / rate     0, infinity     rate         log rate
     Laplace       loc     scale        -+ infinity     1 / scale    -log(2 scale)
     point mass    loc     0            loc, loc        0            0
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import float64, uint64

from .exponential import fill_exponentials
from .jit import kernel, loop, scalar, wide_vectors
from .laplace import fill_laplaces
from .portable import multiply_add
from .quantiles import filler
from .real_tiles import all_finite

__all__ = [
    "EXPONENTIAL",
    "LAPLACE",
    "UNIFORM",
    "RootPlan",
    "log_prob_cpu",
    "log_prob_per_variable_cpu",
    "root_term",
    "root_value",
    "sample_cpu",
    "standard_uniform",
]

UNIFORM, EXPONENTIAL, LAPLACE = 0, 1, 2
TILE = 1024


class RootPlan(NamedTuple):
    """Members in topological order; the columns of the table above. Those used for draws are of the reals' type."""

    row: np.ndarray  # uint32: of the block of reals
    kind: np.ndarray  # uint8
    shift: np.ndarray
    scale: np.ndarray
    bottom: np.ndarray
    top: np.ndarray
    rate: np.ndarray  # float64
    log_density: np.ndarray  # float64
    first_word: np.uint64  # member m draws from word first_word + m of a row


@scalar
def standard_uniform(tail, middle, upper):
    """u itself, as quantiles.py has it."""
    return type(tail)(1.0) - tail if upper else tail


fill_middle_uniforms = filler(standard_uniform, standard_uniform)


@scalar
def root_value(z, shift, scale, bottom, top):
    """shift + scale z, kept within its bounds; NaN stays NaN."""
    value = multiply_add(scale, z, shift)
    value = bottom if value < bottom else value
    return top if value > top else value


@scalar
def root_term(value, shift, bottom, top, rate, log_density):
    """log p(value), in float64."""
    term = log_density - rate * abs(float64(value) - float64(shift))
    return term if bottom <= value and value <= top else -math.inf


@loop
def _alike(kinds, m):
    """How many members from m on, at most four, are of one kind."""
    end = min(m + 4, kinds.shape[0])
    count = 1
    while m + count < end and kinds[m + count] == kinds[m]:
        count += 1
    return count


@loop
def _fill(kind, key, row, word, words, numbers):
    """Standard numbers of as many words as there are rows of ``numbers``."""
    if kind == UNIFORM:
        fill_middle_uniforms(key, row, word, words, numbers)
    elif kind == EXPONENTIAL:
        fill_exponentials(key, row, word, words, numbers)
    else:
        fill_laplaces(key, row, word, words, numbers)


@loop
def _place(plan, m, numbers, values):
    """values = the draws of member m from its standard numbers; whether all are finite."""
    wide_vectors()
    shift, scale, bottom, top = plan.shift[m], plan.scale[m], plan.bottom[m], plan.top[m]
    for i in range(values.shape[0]):
        values[i] = root_value(numbers[i], shift, scale, bottom, top)
    return all_finite(values, 0, values.shape[0])


@kernel
def sample_cpu(row_begin, row_end, key, start, plan, reals):
    """Draw rows [row_begin, row_end) of the members' rows of ``reals`` (n_reals, n); column i is row ``start + i``.

    Returns -1, or the first row of a tile in which a value is not finite.
    """
    words, flat = np.empty((8, TILE), np.uint32), np.empty(4 * TILE, reals.dtype)
    for a in range(row_begin, row_end, TILE):
        n = min(TILE, row_end - a)
        m, fine = 0, True
        while m < plan.row.shape[0]:
            count = _alike(plan.kind, m)
            numbers = flat[: count * n].reshape(count, n)
            _fill(plan.kind[m], key, start + uint64(a), plan.first_word + uint64(m), words, numbers)
            for j in range(count):
                fine &= _place(plan, m + j, numbers[j], reals[plan.row[m + j], a : a + n])
            m += count
        if not fine:
            return a
    return -1


@loop
def _add_terms(plan, m, values, total):
    wide_vectors()
    shift, bottom, top, rate, log_density = (
        plan.shift[m],
        plan.bottom[m],
        plan.top[m],
        plan.rate[m],
        plan.log_density[m],
    )
    for i in range(values.shape[0]):
        total[i] += root_term(values[i], shift, bottom, top, rate, log_density)


@kernel
def log_prob_cpu(row_begin, row_end, plan, reals, out):
    """out[i] = sum over members of log p(x), for rows [row_begin, row_end) of ``reals`` (n_reals, n)."""
    for a in range(row_begin, row_end, TILE):
        n = min(TILE, row_end - a)
        total = out[a : a + n]
        total[:] = 0.0
        for m in range(plan.row.shape[0]):
            _add_terms(plan, m, reals[plan.row[m], a : a + n], total)


@kernel
def log_prob_per_variable_cpu(row_begin, row_end, plan, columns, reals, out):
    """out[columns[m], i] = log p(x) of every member m, for rows [row_begin, row_end) of ``reals`` (n_reals, n)."""
    for m in range(plan.row.shape[0]):
        total = out[columns[m], row_begin:row_end]
        total[:] = 0.0
        _add_terms(plan, m, reals[plan.row[m], row_begin:row_end], total)
