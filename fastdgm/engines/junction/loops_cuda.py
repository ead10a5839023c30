"""The CUDA twins of exact evidence, by verb; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import evidence_cuda, junction_cuda, junction_states_cuda
from ...runtime.cuda_launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("packed answer", "cuda"): Twin(junction_cuda.answer_cuda, threads_per_block=32),
    ("packed answer in shared memory", "cuda"): Twin(junction_cuda.answer_shared_cuda, threads_per_block=32),
    ("packed most probable", "cuda"): Twin(junction_states_cuda.most_probable_cuda, threads_per_block=32),
    ("packed draw", "cuda"): Twin(junction_states_cuda.draw_cuda, threads_per_block=32),
    ("subtract", "cuda"): Twin(evidence_cuda.subtract_cuda, threads_per_block=256),
    ("largest share", "cuda"): Twin(evidence_cuda.largest_share_cuda, threads_per_block=256),
    ("modes", "cuda"): Twin(evidence_cuda.modes_cuda, threads_per_block=256),
    ("copy row", "cuda"): Twin(evidence_cuda.copy_row_cuda, threads_per_block=32),
    ("widen", "cuda"): Twin(evidence_cuda.widen_cuda, threads_per_block=256),
}
