"""CUDA twin of cpt_classes.py: the same numbers, bit for bit, with one thread to a row."""

from __future__ import annotations

import math

from numba import cuda, uint64

__all__ = ["log_prob_of_states_cuda"]


@cuda.jit
def log_prob_of_states_cuda(plan, largest, codes, out):
    """out[k, i] = sum over clusters of table k's cell of row i, or NaN for a row with a code out of range."""
    n_states = out.shape[0]
    for i in range(cuda.grid(1), out.shape[1], cuda.gridsize(1)):
        fine = True
        for v in range(codes.shape[0]):
            fine &= codes[v, i] <= largest[v]
        for k in range(n_states):
            out[k, i] = 0.0 if fine else math.nan
        for c in range(plan.table_start.shape[0] - 1):
            index = uint64(0)
            for j in range(plan.scope_start[c], plan.scope_start[c + 1]):
                index += uint64(plan.scope_stride[j]) * uint64(codes[plan.scope_column[j], i])
            size = (plan.table_start[c + 1] - plan.table_start[c]) // uint64(n_states)
            index = plan.table_start[c] + min(index, size - uint64(1))
            for k in range(n_states):
                out[k, i] += plan.table[index + uint64(k) * size]
