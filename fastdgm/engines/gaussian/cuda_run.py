"""The engine of linear Gaussians on a GPU."""

from __future__ import annotations

from ..cuda_real import CudaReals
from .loops_cuda import LOOPS


class CudaGaussians(CudaReals):
    """Real variables that are normal around a linear function of their real parents."""

    loops = LOOPS
