"""From the log-probability of a row under every state of a variable to the posterior of that variable (Bayes' rule).

One thread to a row: 16 bytes for each state are moved, H100 11 ps a row for two states, the memory limits.
"""

from __future__ import annotations

import math

from numba import cuda

from .junction_cuda import IMPOSSIBLE, lower_to

__all__ = ["posterior_of_states_cuda"]


@cuda.jit
def posterior_of_states_cuda(log_p, shares, status):
    """shares[i K + k] = exp(log_p[k, i]) / sum_k' exp(log_p[k', i]), NaN and a status where all are -inf or NaN."""
    n_states = log_p.shape[0]
    for i in range(cuda.grid(1), log_p.shape[1], cuda.gridsize(1)):
        largest, total = log_p[0, i], 0.0
        for k in range(1, n_states):
            largest = max(largest, log_p[k, i])
        is_possible = largest > -math.inf
        if not is_possible:
            lower_to(status, IMPOSSIBLE, i)
        for k in range(n_states):
            total += math.exp(log_p[k, i] - largest) if is_possible else math.nan
        for k in range(n_states):
            shares[i * n_states + k] = math.exp(log_p[k, i] - largest) / total if is_possible else math.nan
