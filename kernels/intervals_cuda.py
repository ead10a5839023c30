"""The CUDA twin of intervals.py."""

from __future__ import annotations

from numba import cuda

from .intervals import log_mean_density

__all__ = ["log_mean_density_cuda"]


@cuda.jit
def log_mean_density_cuda(middle, width, out):
    """out[i] = log of the mean standard normal density over an interval of this width about middle[i]."""
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        out[i] = log_mean_density(middle[i], width)
