"""The CUDA twins of the loops over masked networks, by verb; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import made_cuda
from ..launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("log_prob", "cuda"): Twin(made_cuda.log_prob_cuda, threads_per_block=256),
    ("sample", "cuda"): Twin(made_cuda.sample_cuda, threads_per_block=256),
    ("begin rows", "cuda"): Twin(made_cuda.begin_rows_cuda, threads_per_block=128),
    ("draw block", "cuda"): Twin(made_cuda.draw_block_cuda, threads_per_block=128),
}
