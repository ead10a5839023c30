"""The CUDA twin of the loop over intervals; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import intervals_cuda
from ...runtime.cuda_launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("log mean density", "cuda"): Twin(intervals_cuda.log_mean_density_cuda, threads_per_block=256)
}
