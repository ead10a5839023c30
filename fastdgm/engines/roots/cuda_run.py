"""The engine of roots on a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...kernels.roots import RootPlan
from ...kernels.roots_cuda import PackedRoots
from ...runtime.cuda_launch import Twin
from ..cuda_real import CudaReals
from .cuda_plan import packed
from .loops_cuda import LOOPS


class CudaRoots(CudaReals):
    """Uniform, exponential and Laplace variables."""

    loops: ClassVar[Mapping[tuple[str, str], Twin]] = LOOPS

    def packed(self, plan: RootPlan) -> PackedRoots:
        """In three arrays."""
        return packed(plan)

    def blocks(self, codes: Any, reals: Any) -> tuple[Any, ...]:
        """They have no parents."""
        return (reals,)
