"""CUDA twins of logistic.py, one thread to a row: the same words and formulas; sums may be rounded otherwise (fused).

A twin has its CPU loop's arguments but the range of rows. A row whose sums leave the range of their type gets NaN, or
the last state of its variable, where the CPU loop returns its number.
"""

from __future__ import annotations

import math

from numba import cuda, float64, uint64

from .elementary import exp
from .logistic import SOFTMAX, bit_by_words, bit_term
from .philox import STREAM_REFINE, STREAM_SAMPLE
from .philox_cuda import one_word
from .uniforms import uniform64

__all__ = ["log_prob_cuda", "log_prob_per_variable_cuda", "sample_cuda"]

device = cuda.jit(device=True)


@device
def _weighted_sum(sums, m, k, codes, reals, i):
    """Sum k of member m in row i, added in the order of the CPU loop."""
    groups = sums.groups
    z = sums.bias[sums.sum_start[m] + k]
    for g in range(groups.start[m], groups.start[m + 1]):
        index, cells = uint64(0), uint64(groups.cells[g])
        for j in range(groups.parent_start[g], groups.parent_start[g + 1]):
            index += uint64(groups.stride[j]) * uint64(codes[groups.row[j], i])
        z += groups.tables[groups.table_start[g] + uint64(k) * cells + min(index, cells - uint64(1))]
    first, last = sums.real_start[m], sums.real_start[m + 1]
    place = sums.weight_start[m] + uint64(k) * uint64(last - first)
    for j in range(first, last):
        z += sums.weights[place] * type(z)(reals[sums.real_row[j], i])
        place += uint64(1)
    return z


@device
def _largest_and_total(sums, m, codes, reals, i):
    """max_k z_k, and the sum of exp(z_k - max)."""
    n = sums.sum_start[m + 1] - sums.sum_start[m]
    largest = _weighted_sum(sums, m, 0, codes, reals, i)
    for k in range(1, n):
        largest = max(largest, _weighted_sum(sums, m, k, codes, reals, i))
    total = 0.0
    for k in range(n):
        total += float64(exp(_weighted_sum(sums, m, k, codes, reals, i) - largest))
    return largest, total


@device
def _state(sums, m, codes, reals, i, u):
    """A state by a uniform; the last one where the sums are no numbers."""
    largest, total = _largest_and_total(sums, m, codes, reals, i)
    n = sums.sum_start[m + 1] - sums.sum_start[m]
    reached, target = 0.0, total * u
    for k in range(n):
        reached += float64(exp(_weighted_sum(sums, m, k, codes, reals, i) - largest))
        if reached > target:
            return k
    return n - 1


@device
def _term(plan, m, codes, reals, i):
    """log p of member m in row i."""
    sums, x = plan.sums, codes[plan.row[m], i]
    if plan.link[m] != SOFTMAX:
        return bit_term(plan.link[m], x, _weighted_sum(sums, m, 0, codes, reals, i))
    largest, total = _largest_and_total(sums, m, codes, reals, i)
    last = sums.sum_start[m + 1] - sums.sum_start[m] - 1
    z = _weighted_sum(sums, m, min(x, last), codes, reals, i)
    return float64(z) - float64(largest) - math.log(total)


@cuda.jit
def sample_cuda(key, start, plan, codes, reals):
    """Draw the members' rows of ``codes`` (n_codes, n), parents first; column i of the blocks is row start + i."""
    for i in range(cuda.grid(1), codes.shape[1], cuda.gridsize(1)):
        row = uint64(start) + uint64(i)
        for m in range(plan.link.shape[0]):
            word = plan.first_word + uint64(m)
            high, low = one_word(key, row, word, STREAM_SAMPLE), one_word(key, row, word, STREAM_REFINE)
            if plan.link[m] == SOFTMAX:
                codes[plan.row[m], i] = _state(plan.sums, m, codes, reals, i, uniform64(high, low))
            else:
                z = _weighted_sum(plan.sums, m, 0, codes, reals, i)
                codes[plan.row[m], i] = bit_by_words(plan.link[m], z, high, low) if z == z else 1


@cuda.jit
def log_prob_cuda(plan, codes, reals, out):
    """out[i] += sum over members of log P(x_m | its parents) in row i; NaN where sums leave the range of their type."""
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        total = 0.0
        for m in range(plan.link.shape[0]):
            total += _term(plan, m, codes, reals, i)
        out[i] += total


@cuda.jit
def log_prob_per_variable_cuda(plan, codes, reals, out):
    """out[v, i] = log P(x_v | parents of v) in row i for the members' variables v."""
    for i in range(cuda.grid(1), out.shape[1], cuda.gridsize(1)):
        for m in range(plan.link.shape[0]):
            out[plan.number[m], i] = _term(plan, m, codes, reals, i)
