"""The CUDA loops over moments; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import moments_cuda
from ...runtime.cuda_launch import Twin
from ..program_loops_cuda import LOOPS as TERMS

__all__ = ["CLEAR", "LOOPS"]

LOOPS: dict[tuple[str, str], Twin] = {
    ("first values", "cuda"): Twin(moments_cuda.first_values_cuda, threads_per_block=128),
    ("block moments", "cuda"): Twin(moments_cuda.moments_cuda, threads_per_block=128),
    ("first bad weight", "cuda"): Twin(moments_cuda.first_bad_weight_cuda, threads_per_block=256),
    ("fold", "cuda"): Twin(moments_cuda.fold_cuda, threads_per_block=128),
}
CLEAR = TERMS["clear", "cuda"]
