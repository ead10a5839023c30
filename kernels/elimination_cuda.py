"""CUDA twins of elimination.py: the same sums, with one thread to a row."""

from __future__ import annotations

import math
from typing import Any

from numba import cuda

from .elimination import log_sum, share

__all__ = ["log_sums_cuda", "posterior_cuda"]

device: Any = cuda.jit(device=True)


@device
def _summand(plan, j, terms, i):
    """The factors of summand j in row i."""
    total = 0.0
    for f in range(plan.factor_start[j], plan.factor_start[j + 1]):
        total += terms[plan.factor_row[f], i]
    return total


@cuda.jit
def log_sums_cuda(plan, terms):
    """terms[s, i] = log sum_j exp(sum_f terms[factor_row[f], i]) for every sum s, in the rows below those given."""
    n_sums = plan.summand_start.shape[0] - 1
    first = terms.shape[0] - n_sums
    for i in range(cuda.grid(1), terms.shape[1], cuda.gridsize(1)):
        for s in range(n_sums):
            begin, end = plan.summand_start[s], plan.summand_start[s + 1]
            largest = -math.inf
            for j in range(begin, end):
                largest = max(largest, _summand(plan, j, terms, i))
            total = 0.0
            for j in range(begin, end):
                total += share(_summand(plan, j, terms, i), largest)
            terms[first + s, i] = log_sum(largest, total)


@cuda.jit
def posterior_cuda(plan, terms, shares):
    """shares[t, i] = d terms[last, i] / d terms[t, i]: of a given row, the posterior of its configuration."""
    n_sums = plan.summand_start.shape[0] - 1
    first = terms.shape[0] - n_sums
    for i in range(cuda.grid(1), terms.shape[1], cuda.gridsize(1)):
        for t in range(terms.shape[0] - 1):
            shares[t, i] = 0.0
        shares[terms.shape[0] - 1, i] = 1.0
        for back in range(n_sums):
            s = n_sums - 1 - back
            for j in range(plan.summand_start[s], plan.summand_start[s + 1]):
                own = share(_summand(plan, j, terms, i), terms[first + s, i]) * shares[first + s, i]
                for f in range(plan.factor_start[j], plan.factor_start[j + 1]):
                    shares[plan.factor_row[f], i] += own
