"""The loops over weighted sums, by verb and device; those of the GPU are in loops_cuda.py, for its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import logistic

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("sample", "cpu"): logistic.sample_cpu,
    ("log_prob", "cpu"): logistic.log_prob_cpu,
    ("log_prob per variable", "cpu"): logistic.log_prob_per_variable_cpu,
}
