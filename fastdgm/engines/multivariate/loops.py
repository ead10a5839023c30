"""The loops over normal vectors, by verb and device; those of the GPU are in loops_cuda.py, for its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import multivariate

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("sample", "cpu"): multivariate.sample_vector_cpu,
    ("log_prob", "cpu"): multivariate.log_prob_vector_cpu,
    ("log_prob of components", "cpu"): multivariate.log_prob_components_cpu,
}
