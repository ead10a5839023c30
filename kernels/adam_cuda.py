"""CUDA twin of adam.py; equal to it but for fused multiply-adds, about 1e-6 in float32."""

from __future__ import annotations

from numba import cuda

from . import adam
from .adam import adam_constants

__all__ = ["adam_cuda"]

adam_update = cuda.jit(device=True)(adam.adam_update)


@cuda.jit
def adam_cuda(settings, gradient, parameter, first, second):
    """As ``adam_cpu`` for all entries."""
    constants = adam_constants(parameter, settings)
    for i in range(cuda.grid(1), parameter.shape[0], cuda.gridsize(1)):
        p, m, v = adam_update(parameter[i], gradient[i], first[i], second[i], constants)
        parameter[i], first[i], second[i] = p, m, v
