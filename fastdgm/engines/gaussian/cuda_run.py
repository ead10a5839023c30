"""The engine of linear Gaussians on a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ...kernels.gaussian import GaussianPlan
from ...kernels.gaussian_cuda import PackedGaussians
from ...runtime.cuda_launch import Twin
from ..cuda_real import CudaReals
from .cuda_plan import packed
from .loops_cuda import LOOPS


class CudaGaussians(CudaReals):
    """Real variables that are normal around a linear function of their real parents."""

    loops: ClassVar[Mapping[tuple[str, str], Twin]] = LOOPS

    def packed(self, plan: GaussianPlan) -> PackedGaussians:
        """In three arrays."""
        return packed(plan)
