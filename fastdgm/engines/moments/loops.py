"""The loop over moments; that of the GPU is in loops_cuda.py, for its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import moments

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {("moments", "cpu"): moments.moments_cpu}
