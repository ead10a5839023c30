"""The engine of roots on a GPU."""

from __future__ import annotations

from typing import Any

from ...kernels.roots import RootPlan
from ...kernels.roots_cuda import PackedRoots
from ..cuda_real import CudaReals
from .cuda_plan import packed
from .loops_cuda import LOOPS


class CudaRoots(CudaReals):
    """Uniform, exponential and Laplace variables."""

    loops = LOOPS

    def packed(self, plan: RootPlan) -> PackedRoots:
        """In three arrays."""
        return packed(plan)

    def blocks(self, codes: Any, reals: Any) -> tuple[Any, ...]:
        """They have no parents."""
        return (reals,)
