"""The loops over linear Gaussians, by verb and device; those of the GPU are in loops_cuda.py, for its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import gaussian, gaussian_gradient

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("sample", "cpu"): gaussian.sample_cpu,
    ("log_prob", "cpu"): gaussian.log_prob_cpu,
    ("log_prob per variable", "cpu"): gaussian.log_prob_per_variable_cpu,
    ("gradient", "cpu"): gaussian_gradient.gradient_cpu,
}
