"""Rows (n, width) of any numbers on the device: narrowed and checked in one pass, and sums of a vector.

What is wrong goes into ``flags``, int64: the smallest number of a cell that is no state, or of a row that is not
defined; NOTHING where there is none. About 1 ns per 100 bytes read on an H100: bandwidth is the limit.
"""

from __future__ import annotations

import math
from typing import Any

from numba import cuda, int64

__all__ = [
    "NOTHING",
    "check_codes_cuda",
    "check_scores_cuda",
    "check_undefined_cuda",
    "clear_flags_cuda",
    "load_codes_cuda",
    "load_reals_cuda",
    "load_uniforms_cuda",
    "partial_sums_cuda",
]

NOTHING = 2**63 - 1
SMALLEST = 2.0**-65  # what a uniform of 0 is drawn by

device: Any = cuda.jit(device=True)


@device
def _is_state(value, n_states):
    """Whether a number of any type is one of 0 .. n_states - 1; NaN is none."""
    return value >= 0 and value < n_states and value == int64(value)


@cuda.jit
def clear_flags_cuda(flags):
    """flags = NOTHING: no check has found anything wrong yet."""
    for flag in range(cuda.grid(1), flags.shape[0], cuda.gridsize(1)):
        flags[flag] = NOTHING


@cuda.jit
def check_codes_cuda(x, n_states, flags, flag):
    """flags[flag] = the first cell of x that is no state, if there is one."""
    width = x.shape[1]
    for cell in range(cuda.grid(1), x.shape[0] * width, cuda.gridsize(1)):
        if not _is_state(x[cell // width, cell % width], n_states):
            cuda.atomic.min(flags, flag, cell)


@cuda.jit
def load_codes_cuda(x, per_row, n_states, flags, flag, out):
    """out[i] = x[i // per_row] as codes, 0 where it is no state; flags as ``check_codes_cuda``."""
    width = out.shape[1]
    for cell in range(cuda.grid(1), out.shape[0] * width, cuda.gridsize(1)):
        row, column = cell // width // per_row, cell % width
        value = x[row, column]
        if _is_state(value, n_states):
            out[cell // width, column] = value
        else:
            out[cell // width, column] = 0
            cuda.atomic.min(flags, flag, row * width + column)


@cuda.jit
def load_reals_cuda(x, per_row, flags, flag, out):
    """out[i] = x[i // per_row] in the type of ``out``; flags[flag] = the first cell that is not finite there."""
    width = out.shape[1]
    for cell in range(cuda.grid(1), out.shape[0] * width, cuda.gridsize(1)):
        row, column = cell // width // per_row, cell % width
        value = out.dtype.type(x[row, column])
        out[cell // width, column] = value
        if not math.isfinite(value):
            cuda.atomic.min(flags, flag, row * width + column)


@cuda.jit
def load_uniforms_cuda(x, largest, flags, flag, out):
    """out = x as float64 inside (0, 1), ``largest`` at most; flags[flag] = the first cell outside of [0, 1)."""
    width = out.shape[1]
    for cell in range(cuda.grid(1), out.shape[0] * width, cuda.gridsize(1)):
        value = float(x[cell // width, cell % width])
        if not (value >= 0.0 and value < 1.0):
            cuda.atomic.min(flags, flag, cell)
            value = 0.0
        out[cell // width, cell % width] = max(SMALLEST, min(value, largest))


@cuda.jit
def check_scores_cuda(scores, flags, flag):
    """flags[flag] = the first row of log-probabilities (n, k) that has one which is NaN or +inf."""
    width = scores.shape[1]
    for cell in range(cuda.grid(1), scores.shape[0] * width, cuda.gridsize(1)):
        if not scores[cell // width, cell % width] < math.inf:
            cuda.atomic.min(flags, flag, cell // width)


@cuda.jit
def check_undefined_cuda(undefined, flags, flag):
    """flags[flag] = the first row that is marked."""
    for i in range(cuda.grid(1), undefined.shape[0], cuda.gridsize(1)):
        if undefined[i]:
            cuda.atomic.min(flags, flag, i)


@cuda.jit
def partial_sums_cuda(values, sums):
    """sums[t] = values[t] + values[t + size] + ..., each in a fixed order."""
    for t in range(cuda.grid(1), sums.shape[0], cuda.gridsize(1)):
        total = 0.0
        for i in range(t, values.shape[0], sums.shape[0]):
            total += values[i]
        sums[t] = total
