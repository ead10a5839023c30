"""CUDA twins of noise.py, a thread for each row."""

from __future__ import annotations

from numba import cuda, uint64

from .quantiles_cuda import standard_normal
from .uniforms_cuda import uniform

__all__ = ["normals_cuda", "uniforms_cuda"]


@cuda.jit
def uniforms_cuda(key, start, first, out):
    """out[d, i] = uniform of word first + d of row ``start + i``, for all of out (count, n)."""
    single = out.itemsize == 4
    for i in range(cuda.grid(1), out.shape[1], cuda.gridsize(1)):
        for d in range(out.shape[0]):
            out[d, i] = uniform(key, uint64(start) + uint64(i), uint64(first) + uint64(d), single)


@cuda.jit
def normals_cuda(key, start, first, out):
    """out[d, i] = standard normal number of word first + d of row ``start + i``, for all of out (count, n)."""
    single = out.itemsize == 4
    for i in range(cuda.grid(1), out.shape[1], cuda.gridsize(1)):
        for d in range(out.shape[0]):
            out[d, i] = standard_normal(key, uint64(start) + uint64(i), uint64(first) + uint64(d), single)
