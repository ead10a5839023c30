"""The CUDA twins of the loops over weighted sums, by verb; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import logistic_cuda
from ...runtime.cuda_launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("sample", "cuda"): Twin(logistic_cuda.sample_cuda, threads_per_block=128),
    ("log_prob", "cuda"): Twin(logistic_cuda.log_prob_cuda, threads_per_block=128),
    ("log_prob per variable", "cuda"): Twin(logistic_cuda.log_prob_per_variable_cuda, threads_per_block=128),
}
