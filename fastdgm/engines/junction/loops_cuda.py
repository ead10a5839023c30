"""The CUDA twins of exact evidence, by verb; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import junction_cuda
from ..launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("answer", "cuda"): Twin(junction_cuda.answer_cuda, threads_per_block=128),
    ("most probable", "cuda"): Twin(junction_cuda.most_probable_cuda, threads_per_block=128),
    ("draw", "cuda"): Twin(junction_cuda.draw_cuda, threads_per_block=128),
}
