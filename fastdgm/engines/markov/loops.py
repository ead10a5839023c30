"""The loops over Markov chains, by verb and device; those of the GPU are in loops_cuda.py, for its first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...kernels import markov, markov_counting, markov_sampling, markov_sparse

LOOPS: dict[tuple[str, str], Callable[..., Any]] = {
    ("log_prob", "cpu"): markov.log_prob_cpu,
    ("terms", "cpu"): markov.terms_cpu,
    ("count", "cpu"): markov_counting.count_cpu,
    ("count rows", "cpu"): markov_counting.count_rows_cpu,
    ("sample rows", "cpu"): markov_sampling.sample_rows_cpu,
    ("sample stream", "cpu"): markov_sampling.sample_stream_cpu,
    ("sample given uniforms", "cpu"): markov_sampling.sample_given_uniforms_cpu,
    ("sparse log_prob", "cpu"): markov_sparse.sparse_log_prob_cpu,
    ("sparse terms", "cpu"): markov_sparse.sparse_terms_cpu,
    ("sparse sample rows", "cpu"): markov_sparse.sparse_sample_rows_cpu,
    ("sparse sample stream", "cpu"): markov_sparse.sparse_sample_stream_cpu,
}
