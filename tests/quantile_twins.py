"""Kernels that fill (n_words, n) with the device's numbers, to test them by; imported only where there is a device."""

from __future__ import annotations

from numba import cuda, uint64

from fastdgm.kernels.quantiles_cuda import standard_exponential, standard_laplace, standard_normal
from fastdgm.runtime.cuda_launch import Twin


def _twin(draw):
    @cuda.jit
    def fill(key, row, first, out):
        for i in range(cuda.grid(1), out.shape[1], cuda.gridsize(1)):
            for d in range(out.shape[0]):
                out[d, i] = draw(uint64(key), uint64(row) + uint64(i), first + d, out.itemsize == 4)

    return Twin(fill, 128)


TWINS = {
    "normal": _twin(standard_normal),
    "exponential": _twin(standard_exponential),
    "laplace": _twin(standard_laplace),
}
