"""The CUDA twins of the loops over Markov chains, by verb; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import markov_cuda, markov_sparse_cuda
from ..launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("log_prob", "cuda"): Twin(markov_cuda.log_prob_cuda, threads_per_block=256),
    ("count known contexts", "cuda"): Twin(markov_cuda.count_known_cuda, threads_per_block=256),
    ("sample padded", "cuda"): Twin(markov_cuda.sample_padded_cuda, threads_per_block=256),
    ("sparse log_prob", "cuda"): Twin(markov_sparse_cuda.sparse_log_prob_cuda, threads_per_block=256),
    ("sparse sample padded", "cuda"): Twin(markov_sparse_cuda.sparse_sample_padded_cuda, threads_per_block=256),
}
