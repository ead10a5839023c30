"""The loops over tables, by verb and device; those of the GPU are in loops_cuda.py, for its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import cpt, cpt_classes

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("sample", "cpu"): cpt.sample_cpu,
    ("log_prob columns", "cpu"): cpt.log_prob_cpu,
    ("log_prob rows", "cpu"): cpt.log_prob_rows_cpu,
    ("log_prob per variable", "cpu"): cpt.log_prob_per_variable_cpu,
    ("log_prob of states", "cpu"): cpt_classes.log_prob_of_states_cpu,
    ("count", "cpu"): cpt.count_cpu,
}
