"""The CUDA twins of the loops over normal vectors, by verb; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import multivariate_cuda
from ...runtime.cuda_launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("sample", "cuda"): Twin(multivariate_cuda.sample_vector_cuda, threads_per_block=128),
    ("log_prob", "cuda"): Twin(multivariate_cuda.log_prob_vector_cuda, threads_per_block=128),
    ("log_prob of components", "cuda"): Twin(multivariate_cuda.log_prob_components_cuda, threads_per_block=128),
}
