"""The engine of linear Gaussians on a GPU."""

from __future__ import annotations

from ...kernels.gaussian import GaussianPlan
from ...kernels.gaussian_cuda import PackedGaussians
from ..cuda_real import CudaReals
from .cuda_plan import packed
from .loops_cuda import LOOPS


class CudaGaussians(CudaReals):
    """Real variables that are normal around a linear function of their real parents."""

    loops = LOOPS

    def packed(self, plan: GaussianPlan) -> PackedGaussians:
        """In three arrays."""
        return packed(plan)
