"""The loop over intervals; its twin is in loops_cuda.py, for the first use of a GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import intervals

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {("log mean density", "cpu"): intervals.log_mean_density_cpu}
