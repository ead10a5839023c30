"""How engines launch their CUDA twins."""

from __future__ import annotations

from ..runtime.cuda_launch import Twin, launch, launch_on

__all__ = ["Twin", "launch", "launch_on"]
