"""CUDA twins of multivariate.py, with one thread to a row: the same formulas, added up in the same order."""

from __future__ import annotations

from typing import Any

from numba import cuda, float64, int64, uint64

from .multivariate import log_density
from .quantiles_cuda import standard_normal

__all__ = ["log_prob_components_cuda", "log_prob_vector_cuda", "sample_vector_cuda"]

device: Any = cuda.jit(device=True)


@device
def _component(vector, codes, i):
    """The component of row i; the last one where a code is out of range."""
    c = int64(0)
    for j in range(vector.parents.shape[0]):
        c += vector.strides[j] * int64(codes[vector.parents[j], i])
    return min(c, int64(vector.components.mean.shape[0] - 1))


@device
def _log_prob(components, c, row, reals, i):
    """log p(x | component c) of row i."""
    mean, matrix, d = components.mean, components.matrix, components.mean.shape[1]
    first, total = c * components.begin.shape[1] * d, float64(0)
    for r in range(d):
        z = reals[row, i] - reals[row, i]
        for j in range(components.begin[c, r], r + 1):
            z += matrix[first + r * d + j] * (reals[row + j, i] - mean[c, j])
        total += float64(z) * float64(z)
    return log_density(total, components.log_scale[c])


@cuda.jit
def log_prob_vector_cuda(vector, codes, reals, out):
    """out[i] += log p(x | its parents) of every row."""
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        out[i] += _log_prob(vector.components, _component(vector, codes, i), vector.row, reals, i)


@cuda.jit
def log_prob_components_cuda(components, row, reals, out):
    """out[c, i] = log p(x | component c) of every row, for all components."""
    for i in range(cuda.grid(1), out.shape[1], cuda.gridsize(1)):
        for c in range(out.shape[0]):
            out[c, i] = _log_prob(components, c, row, reals, i)


@cuda.jit
def sample_vector_cuda(key, start, vector, codes, reals):
    """Draw the vector's rows of reals, which hold the noise until it is no longer needed: last number first."""
    components = vector.components
    d = components.mean.shape[1]
    single = reals.itemsize == 4
    for i in range(cuda.grid(1), reals.shape[1], cuda.gridsize(1)):
        c = _component(vector, codes, i)
        first = c * components.begin.shape[1] * d
        for j in range(d):
            number, word = uint64(start) + uint64(i), uint64(vector.word + j)
            reals[vector.row + j, i] = standard_normal(uint64(key), number, word, single)
        for k in range(d):
            r = d - 1 - k
            x = components.mean[c, r]
            for j in range(components.begin[c, r], r + 1):
                x += components.matrix[first + r * d + j] * reals[vector.row + j, i]
            reals[vector.row + r, i] = x
