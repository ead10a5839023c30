"""Sums over hidden discrete variables by elimination, in logarithms, and the posterior that is their slope.

Terms lie in a block (n_terms, n): the first rows are given, log p of what is observed under each configuration of some
hidden variables. Every *sum* adds one row below them: the logarithm of a sum over the states of one hidden variable,

    terms[s] = log sum_j exp( sum_f terms[factor_row[f]] )      f: the factors of summand j,

which later sums read in turn (Shafer & Shenoy 1990; ``engines/elimination/plan.py`` finds the order). The last row is
log p of what is observed. Its slope by a given row is the posterior probability of that row's configuration, so the
sums are walked back once: by summand j, terms[s] has the slope exp(summand j - terms[s]) (Darwiche 2003).

A sum of impossible summands is -inf, and no configuration of it has a posterior above 0.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .jit import kernel, loop, scalar

__all__ = ["EliminationPlan", "log_sum", "log_sums_cpu", "posterior_cpu", "share"]

TILE = 512  # rows: a tile of summands stays in the first-level cache


class EliminationPlan(NamedTuple):
    """Sums in the order in which they are taken. Arrays named ``*_start`` have one entry more than there are owners."""

    summand_start: np.ndarray  # uint32: run of summands of each sum
    factor_start: np.ndarray  # uint32: run of factors of each summand
    factor_row: np.ndarray  # uint32: row of the block of terms


@scalar
def log_sum(largest, total):
    """log(e^largest total), where total is a sum of e^(summand - largest)."""
    return largest + math.log(total) if largest > -math.inf else largest


@scalar
def share(summand, log_total):
    """e^(summand - log_total), 0 of an impossible total."""
    return math.exp(summand - log_total) if log_total > -math.inf else 0.0


@loop
def _add_factors(plan, j, terms, a, summand):
    """summand[i] = the factors of summand j in row a + i."""
    summand[:] = 0.0
    for f in range(plan.factor_start[j], plan.factor_start[j + 1]):
        own = terms[plan.factor_row[f], a : a + summand.shape[0]]
        for i in range(summand.shape[0]):
            summand[i] += own[i]


@loop
def _log_sum_tile(summands, largest, out):
    """out[i] = log sum_j e^summands[j, i]; ``largest`` is scratch."""
    n = out.shape[0]
    largest[:] = -math.inf
    for j in range(summands.shape[0]):
        for i in range(n):
            largest[i] = max(largest[i], summands[j, i])
    out[:] = 0.0
    for j in range(summands.shape[0]):
        for i in range(n):
            out[i] += share(summands[j, i], largest[i])
    for i in range(n):
        out[i] = log_sum(largest[i], out[i])


@kernel
def log_sums_cpu(row_begin, row_end, plan, terms):
    """terms[s, i] = log sum_j exp(sum_f terms[factor_row[f], i]) for every sum s, in the rows below those given."""
    n_sums = plan.summand_start.shape[0] - 1
    first = terms.shape[0] - n_sums
    most = np.max(plan.summand_start[1:] - plan.summand_start[:-1])
    size = min(TILE, row_end - row_begin)
    summands, largest = np.empty((most, size)), np.empty(size)
    for a in range(row_begin, row_end, TILE):
        n = min(TILE, row_end - a)
        for s in range(n_sums):
            begin, end = plan.summand_start[s], plan.summand_start[s + 1]
            out = terms[first + s, a : a + n]
            if end - begin == 1:
                _add_factors(plan, begin, terms, a, out)
                continue
            for j in range(end - begin):
                _add_factors(plan, begin + j, terms, a, summands[j, :n])
            _log_sum_tile(summands[: end - begin, :n], largest[:n], out)


@loop
def _share_out(plan, j, terms, a, total, weight, summand, shares):
    """Add weight * e^(summand j - total) to the shares of its factors."""
    n = summand.shape[0]
    _add_factors(plan, j, terms, a, summand)
    for i in range(n):
        summand[i] = share(summand[i], total[i]) * weight[i]
    for f in range(plan.factor_start[j], plan.factor_start[j + 1]):
        own = shares[plan.factor_row[f], a : a + n]
        for i in range(n):
            own[i] += summand[i]


@kernel
def posterior_cpu(row_begin, row_end, plan, terms, shares):
    """shares[t, i] = d terms[last, i] / d terms[t, i]: of a given row, the posterior of its configuration."""
    n_sums = plan.summand_start.shape[0] - 1
    first = terms.shape[0] - n_sums
    scratch = np.empty(min(TILE, row_end - row_begin))
    for a in range(row_begin, row_end, TILE):
        n = min(TILE, row_end - a)
        shares[:, a : a + n] = 0.0
        shares[terms.shape[0] - 1, a : a + n] = 1.0
        for s in range(n_sums - 1, -1, -1):
            total, weight = terms[first + s, a : a + n], shares[first + s, a : a + n]
            for j in range(plan.summand_start[s], plan.summand_start[s + 1]):
                _share_out(plan, j, terms, a, total, weight, scratch[:n], shares)
