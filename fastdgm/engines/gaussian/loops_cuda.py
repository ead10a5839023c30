"""The CUDA twins of these loops, by verb; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import gaussian_cuda, gaussian_gradient_cuda
from ...runtime.cuda_launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("sample", "cuda"): Twin(gaussian_cuda.sample_cuda, threads_per_block=128),
    ("log_prob", "cuda"): Twin(gaussian_cuda.log_prob_cuda, threads_per_block=128),
    ("log_prob per variable", "cuda"): Twin(gaussian_cuda.log_prob_per_variable_cuda, threads_per_block=128),
    ("gradient", "cuda"): Twin(gaussian_gradient_cuda.gradient_cuda, threads_per_block=128),
}
