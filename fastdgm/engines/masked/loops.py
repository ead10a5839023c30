"""The loops over masked networks, by verb and device; those of the GPU are in loops_cuda.py, for its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import made, made_gradient, made_rows, made_sampling

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("log_prob", "cpu"): made.log_prob_cpu,
    ("log_prob few rows", "cpu"): made_rows.log_prob_few_rows_cpu,
    ("sample", "cpu"): made_sampling.sample_cpu,
    ("sample few rows", "cpu"): made_rows.sample_few_rows_cpu,
    ("backward", "cpu"): made_gradient.backward_cpu,
    ("update", "cpu"): made_gradient.update_cpu,
    ("add gradients", "cpu"): made_gradient.gradients_cpu,
}
