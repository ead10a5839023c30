"""The CUDA twins of the loops over Markov chains, by verb; imported on first use of a GPU.

They read sequences without ends, end to end, and are cut into pieces of these: hence other arguments than the CPU's.
"""

from __future__ import annotations

from ...kernels import markov_counting_cuda as counting
from ...kernels import markov_cuda as dense
from ...kernels import markov_sampling_cuda as sampling
from ...kernels import markov_sparse_cuda as sparse
from ...runtime.cuda_launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("log_prob by pieces", "cuda"): Twin(dense.log_prob_cuda, threads_per_block=256),
    ("log_prob by pieces, tables in shared memory", "cuda"): Twin(dense.log_prob_shared_cuda, threads_per_block=256),
    ("sum pieces", "cuda"): Twin(dense.sum_pieces_cuda, threads_per_block=dense.THREADS),
    ("terms by pieces", "cuda"): Twin(dense.terms_cuda, threads_per_block=256),
    ("sample twice", "cuda"): Twin(sampling.sample_cuda, threads_per_block=256),
    ("sample twice, tables in shared memory", "cuda"): Twin(sampling.sample_shared_cuda, threads_per_block=256),
    ("count by key", "cuda"): Twin(counting.count_cuda, threads_per_block=256),
    ("count by key, in shared memory", "cuda"): Twin(counting.count_shared_cuda, threads_per_block=256),
    ("count in a hash table", "cuda"): Twin(counting.count_hashed_cuda, threads_per_block=256),
    ("clear counts", "cuda"): Twin(counting.clear_cuda, threads_per_block=256),
    ("collect counts", "cuda"): Twin(counting.collect_counts_cuda, threads_per_block=256),
    ("sparse log_prob by pieces", "cuda"): Twin(sparse.sparse_log_prob_cuda, threads_per_block=256),
    ("sparse terms by pieces", "cuda"): Twin(sparse.sparse_terms_cuda, threads_per_block=256),
    ("sparse sample twice", "cuda"): Twin(sparse.sparse_sample_cuda, threads_per_block=256),
}
