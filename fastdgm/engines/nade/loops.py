"""The loops over NADEs, by verb and device; those of the GPU are in loops_cuda.py, for its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import adam, nade, nade_gradient

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("log_prob", "cpu"): nade.nade_log_prob_cpu,
    ("sample", "cpu"): nade.nade_sample_cpu,
    ("add gradients", "cpu"): nade_gradient.nade_gradient_cpu,
    ("sum parts", "cpu"): nade_gradient.nade_sum_cpu,
    ("adam", "cpu"): adam.adam_cpu,
}
