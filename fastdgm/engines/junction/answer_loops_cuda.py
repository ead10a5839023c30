"""What is made of exact answers on a GPU, by what it does."""

from __future__ import annotations

from ...kernels import evidence_cuda
from ..launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("subtract", "cuda"): Twin(evidence_cuda.subtract_cuda, threads_per_block=256),
    ("largest share", "cuda"): Twin(evidence_cuda.largest_share_cuda, threads_per_block=256),
    ("modes", "cuda"): Twin(evidence_cuda.modes_cuda, threads_per_block=256),
    ("copy row", "cuda"): Twin(evidence_cuda.copy_row_cuda, threads_per_block=32),
    ("widen", "cuda"): Twin(evidence_cuda.widen_cuda, threads_per_block=256),
}
