"""What verbs make of exact answers on a GPU: differences, most probable states, one row to name in an error.

One thread to a row, all of it coalesced but for the shares of a row, which lie side by side: bandwidth, 8 bytes for
each number, so 0.01 ns of an H100 for a difference and 0.3 ns for the states of ALARM.
"""

from __future__ import annotations

import math
from typing import Any

from numba import cuda

__all__ = ["copy_row_cuda", "largest_share_cuda", "modes_cuda", "subtract_cuda", "widen_cuda"]

device: Any = cuda.jit(device=True)


@cuda.jit
def subtract_cuda(given, total):
    """total[i] -= given[i], NaN where ``given`` is -inf."""
    for i in range(cuda.grid(1), total.shape[0], cuda.gridsize(1)):
        total[i] = total[i] - given[i] if given[i] > -math.inf else math.nan


@device
def _largest(shares, first, n):
    """The first of the largest of n numbers, -1 where they are NaN."""
    best, largest = -1, -1.0
    for k in range(n):
        if shares[first + k] > largest:
            best, largest = k, shares[first + k]
    return best


@cuda.jit
def largest_share_cuda(shares, missing, codes):
    """codes[i] = argmax_k of the shares (n, k), flat, or the missing code where these are NaN."""
    n = shares.shape[0] // codes.shape[0]
    for i in range(cuda.grid(1), codes.shape[0], cuda.gridsize(1)):
        best = _largest(shares, i * n, n)
        codes[i] = best if best >= 0 else missing


@cuda.jit
def modes_cuda(first_cell, known, shares, codes):
    """codes[v, i] = argmax_k P(x_v = k | e_i), or what is known where the row is impossible; shares as marginals."""
    for i in range(cuda.grid(1), codes.shape[1], cuda.gridsize(1)):
        for v in range(codes.shape[0]):
            n = first_cell[v + 1] - first_cell[v]
            best = _largest(shares, first_cell[v] * codes.shape[1] + i * n, n)
            codes[v, i] = best if best >= 0 else known[v, i]


@cuda.jit
def copy_row_cuda(codes, row, out):
    """out[v, 0] = codes[v, row]."""
    for v in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        out[v, 0] = codes[v, row]


@cuda.jit
def widen_cuda(codes, out):
    """out[v, i] = codes[v, i], of a type with a code for missing values."""
    for i in range(cuda.grid(1), out.shape[1], cuda.gridsize(1)):
        for v in range(out.shape[0]):
            out[v, i] = codes[v, i]
