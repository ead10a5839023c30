"""CUDA twins of module_discrete.py and module_reals.py, one thread to a row: the same words and formulas.

A twin has its CPU loop's arguments but the range of rows; row i of the parameters is column ``cells.first + i`` of the
block. Parameters that are none give NaN, or a code beyond the states, where the CPU loop returns its column.
"""

from __future__ import annotations

import math
from typing import Any

from numba import cuda, float64, uint64

from .bernoulli import bit_log_prob
from .elementary import exp, log_wide
from .logistic import logistic_bit
from .module_features import hot_column
from .normal import normal_quantile, normal_term, normal_value
from .philox import STREAM_REFINE, STREAM_SAMPLE
from .philox_cuda import one_word
from .quantiles_cuda import standard_normal
from .uniforms import uniform64

__all__ = [
    "features_cuda",
    "log_prob_bits_cuda",
    "log_prob_mixtures_cuda",
    "log_prob_normals_cuda",
    "log_prob_states_cuda",
    "sample_bits_cuda",
    "sample_mixtures_cuda",
    "sample_normals_cuda",
    "sample_states_cuda",
]

device: Any = cuda.jit(device=True)


@cuda.jit
def features_cuda(plan, first, codes, reals, out):
    """out[i] (n, n_features) = the features of column ``first + i`` of the blocks."""
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        column = first + i
        for j in range(out.shape[1]):
            out[i, j] = 0
        for c in range(plan.code_row.shape[0]):
            code, own, k = codes[plan.code_row[c], column], plan.code_column[c], plan.n_states[c]
            if k == 0:
                out[i, own] = code
            else:
                out[i, hot_column(own, k, code)] = 1
        for c in range(plan.real_row.shape[0]):
            out[i, plan.real_column[c]] = reals[plan.real_row[c], column]


@device
def _uniform(key, row, word):
    """The uniform of a word and that of the refinement stream."""
    return uniform64(one_word(key, row, word, STREAM_SAMPLE), one_word(key, row, word, STREAM_REFINE))


@device
def _largest_and_total(logits, i, c):
    """max_k z_k, and the sum of exp(z_k - max), of at least 1 where the logits are numbers."""
    largest = logits[i, c, 0]
    for k in range(1, logits.shape[2]):
        largest = max(largest, logits[i, c, k])
    total = 0.0
    for k in range(logits.shape[2]):
        total += float64(exp(logits[i, c, k] - largest))
    return largest, total


@device
def _state(logits, i, c, u):
    """A state by a uniform; one more than there are where the logits are no numbers."""
    largest, total = _largest_and_total(logits, i, c)
    n, reached, target = logits.shape[2], 0.0, total * u
    for k in range(n):
        reached += float64(exp(logits[i, c, k] - largest))
        if reached > target:
            return k
    return n - 1 if total >= 1.0 else n


@cuda.jit
def sample_bits_cuda(key, start, cells, logits, codes):
    """Draw the vector's rows of ``codes`` (n_codes, n); column i is row start + i."""
    for i in range(cuda.grid(1), logits.shape[0], cuda.gridsize(1)):
        row = uint64(start) + uint64(cells.first) + uint64(i)
        for c in range(logits.shape[1]):
            word, z = uint64(cells.word) + uint64(c), logits[i, c]
            high, low = one_word(key, row, word, STREAM_SAMPLE), one_word(key, row, word, STREAM_REFINE)
            codes[cells.row + c, cells.first + i] = logistic_bit(z, high, low) if z == z else 2


@cuda.jit
def sample_states_cuda(key, start, cells, logits, codes):
    """Draw the vector's rows of ``codes`` (n_codes, n); column i is row start + i."""
    for i in range(cuda.grid(1), logits.shape[0], cuda.gridsize(1)):
        row = uint64(start) + uint64(cells.first) + uint64(i)
        for c in range(logits.shape[1]):
            u = _uniform(key, row, uint64(cells.word) + uint64(c))
            codes[cells.row + c, cells.first + i] = _state(logits, i, c, u)


@cuda.jit
def sample_normals_cuda(key, start, cells, parts, reals):
    """Draw the vector's rows of ``reals`` (n_reals, n); column i is row start + i."""
    single = parts.mean.itemsize == 4
    for i in range(cuda.grid(1), parts.mean.shape[0], cuda.gridsize(1)):
        row, own = uint64(start) + uint64(cells.first) + uint64(i), i if parts.log_std.shape[0] > 1 else 0
        for c in range(parts.mean.shape[1]):
            noise = standard_normal(key, row, uint64(cells.word) + uint64(c), single)
            reals[cells.row + c, cells.first + i] = normal_value(noise, parts.mean[i, c], parts.log_std[own, c])


@cuda.jit
def sample_mixtures_cuda(key, start, cells, parts, reals):
    """Draw the vector's rows of ``reals`` (n_reals, n); column i is row start + i."""
    for i in range(cuda.grid(1), parts.logits.shape[0], cuda.gridsize(1)):
        row = uint64(start) + uint64(cells.first) + uint64(i)
        for c in range(parts.logits.shape[1]):
            word = uint64(cells.word) + uint64(2 * c)
            k = _state(parts.logits, i, c, _uniform(key, row, word))
            own = min(k, parts.logits.shape[2] - 1)
            noise = normal_quantile(_uniform(key, row, word + uint64(1)))
            value = float64(normal_value(noise, parts.mean[i, c, own], parts.log_std[i, c, own]))
            reals[cells.row + c, cells.first + i] = value if k == own else math.nan


@cuda.jit
def log_prob_bits_cuda(cells, logits, codes, out):
    """out[i] += sum over cells of log p(codes[cells.row + c, i])."""
    for i in range(cuda.grid(1), logits.shape[0], cuda.gridsize(1)):
        column, total = cells.first + i, 0.0
        for c in range(logits.shape[1]):
            total += float64(bit_log_prob(codes[cells.row + c, column], logits[i, c]))
        out[column] += total


@cuda.jit
def log_prob_states_cuda(cells, logits, codes, out):
    """out[i] += sum over cells of log p(codes[cells.row + c, i])."""
    last = logits.shape[2] - 1
    for i in range(cuda.grid(1), logits.shape[0], cuda.gridsize(1)):
        column, result = cells.first + i, 0.0
        for c in range(logits.shape[1]):
            largest, total = _largest_and_total(logits, i, c)
            own = logits[i, c, min(codes[cells.row + c, column], last)]
            result += float64(own) - float64(largest) - math.log(total)
        out[column] += result


@cuda.jit
def log_prob_normals_cuda(cells, parts, reals, out):
    """out[i] += sum over cells of log Normal(reals[cells.row + c, i])."""
    for i in range(cuda.grid(1), parts.mean.shape[0], cuda.gridsize(1)):
        column, own, total = cells.first + i, i if parts.log_std.shape[0] > 1 else 0, 0.0
        for c in range(parts.mean.shape[1]):
            mean = parts.mean[i, c]
            total += float64(normal_term(type(mean)(reals[cells.row + c, column]), mean, parts.log_std[own, c]))
        out[column] += total


@device
def _mixture_log_prob(parts, i, c, value):
    """log sum_k p(k) Normal(value; mean_k, std_k)"""
    largest, total = _largest_and_total(parts.logits, i, c)
    top, joint = -math.inf, 0.0
    for k in range(parts.logits.shape[2]):
        mean = parts.mean[i, c, k]
        term = parts.logits[i, c, k] + normal_term(type(mean)(value), mean, parts.log_std[i, c, k])
        top = max(top, float64(term))
    if top == -math.inf:  # of densities that are 0, or of terms that are all NaN, which the sum shows
        top = 0.0
    for k in range(parts.logits.shape[2]):
        mean = parts.mean[i, c, k]
        term = parts.logits[i, c, k] + normal_term(type(mean)(value), mean, parts.log_std[i, c, k])
        joint += math.exp(float64(term) - top)
    return top + log_wide(joint) - float64(largest) - math.log(total)


@cuda.jit
def log_prob_mixtures_cuda(cells, parts, reals, out):
    """out[i] += sum over cells of the log-density of reals[cells.row + c, i]."""
    for i in range(cuda.grid(1), parts.logits.shape[0], cuda.gridsize(1)):
        column, total = cells.first + i, 0.0
        for c in range(parts.logits.shape[1]):
            total += _mixture_log_prob(parts, i, c, reals[cells.row + c, column])
        out[column] += total
