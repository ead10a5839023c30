"""The loops over roots, by verb and device; those of the GPU are in loops_cuda.py, for its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import roots

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("sample", "cpu"): roots.sample_cpu,
    ("log_prob", "cpu"): roots.log_prob_cpu,
    ("log_prob per variable", "cpu"): roots.log_prob_per_variable_cpu,
}
