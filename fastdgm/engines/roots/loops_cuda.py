"""The CUDA twins of these loops, by verb; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import roots_cuda
from ...runtime.cuda_launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("sample", "cuda"): Twin(roots_cuda.sample_cuda, threads_per_block=128),
    ("log_prob", "cuda"): Twin(roots_cuda.log_prob_cuda, threads_per_block=128),
    ("log_prob per variable", "cuda"): Twin(roots_cuda.log_prob_per_variable_cuda, threads_per_block=128),
}
