"""The loops of sums over hidden variables, by verb and device; those of the GPU are in loops_cuda.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import elimination

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("log sums", "cpu"): elimination.log_sums_cpu,
    ("posterior", "cpu"): elimination.posterior_cpu,
}
