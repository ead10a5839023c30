"""The CUDA twins of the sums over hidden variables, by verb; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import elimination_cuda
from ...runtime.cuda_launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("log sums", "cuda"): Twin(elimination_cuda.log_sums_cuda, threads_per_block=256),
    ("posterior", "cuda"): Twin(elimination_cuda.posterior_cuda, threads_per_block=256),
}
