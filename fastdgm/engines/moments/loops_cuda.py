"""The CUDA twin of the loop over moments; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import moments_cuda
from ..launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("moments", "cuda"): Twin(moments_cuda.moments_cuda, threads_per_block=256),
}
