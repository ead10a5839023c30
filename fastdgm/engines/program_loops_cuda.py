"""The CUDA loops over terms that several engines, or plans of one, add up; imported on first use of a GPU."""

from __future__ import annotations

from ..kernels import terms_cuda
from ..runtime.cuda_launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("add", "cuda"): Twin(terms_cuda.add_cuda, threads_per_block=256),
    ("clear", "cuda"): Twin(terms_cuda.clear_cuda, threads_per_block=256),
}
