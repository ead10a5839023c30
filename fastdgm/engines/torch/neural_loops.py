"""The loops over parameters that torch modules gave, by verb and family and device; the GPU's are in
neural_loops_cuda.py, for its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import module_discrete, module_features, module_reals

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("features", "cpu"): module_features.features_cpu,
    ("sample bernoulli", "cpu"): module_discrete.sample_bits_cpu,
    ("sample categorical", "cpu"): module_discrete.sample_states_cpu,
    ("sample normal", "cpu"): module_reals.sample_normals_cpu,
    ("sample mixture", "cpu"): module_reals.sample_mixtures_cpu,
    ("log_prob bernoulli", "cpu"): module_discrete.log_prob_bits_cpu,
    ("log_prob categorical", "cpu"): module_discrete.log_prob_states_cpu,
    ("log_prob normal", "cpu"): module_reals.log_prob_normals_cpu,
    ("log_prob mixture", "cpu"): module_reals.log_prob_mixtures_cpu,
}
