"""CUDA twin of moments.py: a thread to a row, atomic additions, so the order of the sums is the device's own.

Which row is the first of a configuration depends on the order of the threads, so all shifts must be in the
records when it begins: any value near the data will do.
"""

from __future__ import annotations

from numba import cuda

from .moments import HEADER

__all__ = ["moments_cuda"]

device = cuda.jit(device=True)


@device
def _configuration(plan, s, codes, i):
    """The configuration of row i in stratum s, clamped."""
    index = 0
    for j in range(plan.axis_start[s], plan.axis_start[s + 1]):
        index += plan.axis_stride[j] * codes[plan.axis_row[j], i]
    return min(index, plan.n_configurations[s] - 1)


@device
def _add_row(plan, s, record, reals, weight, i, sums):
    first_column, first_pair = plan.column_start[s], plan.pair_start[s]
    n_columns = plan.column_start[s + 1] - first_column
    cuda.atomic.add(sums, record, 1.0)
    cuda.atomic.add(sums, record + 1, weight)
    shifts = record + HEADER
    for j in range(n_columns):
        value = float(reals[plan.column_row[first_column + j], i]) - sums[shifts + j]
        cuda.atomic.add(sums, shifts + n_columns + j, weight * value)
    for p in range(plan.pair_start[s + 1] - first_pair):
        j, k = plan.pair_first[first_pair + p], plan.pair_second[first_pair + p]
        x = float(reals[plan.column_row[first_column + j], i]) - sums[shifts + j]
        y = float(reals[plan.column_row[first_column + k], i]) - sums[shifts + k]
        cuda.atomic.add(sums, shifts + 2 * n_columns + p, weight * x * y)


@cuda.jit
def moments_cuda(plan, codes, reals, weights, sums):
    """Add all rows of codes (n_codes, n) and reals (n_reals, n), with weights (n,), to the records of all strata in
    ``sums``, about the shifts that these hold."""
    for i in range(cuda.grid(1), reals.shape[1], cuda.gridsize(1)):
        if weights[i] > 0.0:
            for s in range(plan.n_configurations.shape[0]):
                n_columns = plan.column_start[s + 1] - plan.column_start[s]
                size = HEADER + 2 * n_columns + plan.pair_start[s + 1] - plan.pair_start[s]
                record = plan.record_start[s] + size * _configuration(plan, s, codes, i)
                _add_row(plan, s, record, reals, weights[i], i, sums)
