"""The CUDA twins of the loops over NADEs, by verb; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import adam_cuda, nade_cuda, nade_gradient_cuda
from ..launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("log_prob", "cuda"): Twin(nade_cuda.nade_log_prob_cuda, threads_per_block=64),
    ("sample", "cuda"): Twin(nade_cuda.nade_sample_cuda, threads_per_block=64),
    ("slopes", "cuda"): Twin(nade_cuda.nade_slopes_cuda, threads_per_block=64),
    ("gradients of slopes", "cuda"): Twin(nade_gradient_cuda.nade_gradient_cuda, threads_per_block=128),
    ("sum parts", "cuda"): Twin(nade_gradient_cuda.nade_sum_cuda, threads_per_block=256),
    ("adam", "cuda"): Twin(adam_cuda.adam_cuda, threads_per_block=256),
}
