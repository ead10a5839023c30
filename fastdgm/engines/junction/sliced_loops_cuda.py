"""The CUDA twins of sliced elimination, by verb; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import sliced_cuda
from ...runtime.cuda_launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("log evidence", "cuda"): Twin(sliced_cuda.log_evidence_cuda, threads_per_block=64),
    ("marginals", "cuda"): Twin(sliced_cuda.marginals_cuda, threads_per_block=64),
}
