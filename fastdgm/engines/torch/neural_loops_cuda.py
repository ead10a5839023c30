"""The CUDA twins of the loops over parameters that torch modules gave; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import module_cuda
from ...runtime.cuda_launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("features", "cuda"): Twin(module_cuda.features_cuda, threads_per_block=128),
    ("sample bernoulli", "cuda"): Twin(module_cuda.sample_bits_cuda, threads_per_block=128),
    ("sample categorical", "cuda"): Twin(module_cuda.sample_states_cuda, threads_per_block=128),
    ("sample normal", "cuda"): Twin(module_cuda.sample_normals_cuda, threads_per_block=128),
    ("sample mixture", "cuda"): Twin(module_cuda.sample_mixtures_cuda, threads_per_block=128),
    ("log_prob bernoulli", "cuda"): Twin(module_cuda.log_prob_bits_cuda, threads_per_block=128),
    ("log_prob categorical", "cuda"): Twin(module_cuda.log_prob_states_cuda, threads_per_block=128),
    ("log_prob normal", "cuda"): Twin(module_cuda.log_prob_normals_cuda, threads_per_block=128),
    ("log_prob mixture", "cuda"): Twin(module_cuda.log_prob_mixtures_cuda, threads_per_block=128),
}
