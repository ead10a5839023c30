"""The loops of hidden Markov chains, by verb and device; those of the GPU are in loops_cuda.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import hmm, hmm_lanes

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("forward log", "cpu"): hmm.forward_log_cpu,
    ("backward log", "cpu"): hmm.backward_log_cpu,
    ("forward scaled", "cpu"): hmm.forward_scaled_cpu,
    ("backward scaled", "cpu"): hmm.backward_scaled_cpu,
    ("viterbi", "cpu"): hmm.viterbi_cpu,
    ("log_prob", "cpu"): hmm_lanes.log_prob_cpu,
    ("posterior", "cpu"): hmm_lanes.posterior_cpu,
}
