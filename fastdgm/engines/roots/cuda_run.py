"""The engine of roots on a GPU."""

from __future__ import annotations

from typing import Any

from ..cuda_real import CudaReals
from .loops_cuda import LOOPS


class CudaRoots(CudaReals):
    """Uniform, exponential and Laplace variables."""

    loops = LOOPS

    def blocks(self, codes: Any, reals: Any) -> tuple[Any, ...]:
        """They have no parents."""
        return (reals,)
