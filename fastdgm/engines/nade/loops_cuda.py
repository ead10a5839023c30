"""The CUDA twins of the loops over NADEs, by verb; imported on first use of a GPU.

Those with teams have as many threads as a model's hidden units need: see ``cuda_plan.team_twin``.
"""

from __future__ import annotations

from ...kernels import adam_cuda, nade_cuda, nade_gradient_cuda
from ...runtime.cuda_launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("log_prob", "cuda"): Twin(nade_cuda.nade_log_prob_cuda, threads_per_block=64, rows_per_team=4),
    ("sample", "cuda"): Twin(nade_cuda.nade_sample_cuda, threads_per_block=64, rows_per_team=4),
    ("slopes", "cuda"): Twin(nade_cuda.nade_slopes_cuda, threads_per_block=64, rows_per_team=4),
    ("rows", "cuda"): Twin(nade_gradient_cuda.nade_rows_cuda, threads_per_block=256),
    ("gradients of slopes", "cuda"): Twin(nade_gradient_cuda.nade_gradient_cuda, threads_per_block=128),
    ("sum parts", "cuda"): Twin(nade_gradient_cuda.nade_sum_cuda, threads_per_block=256),
    ("adam", "cuda"): Twin(adam_cuda.adam_cuda, threads_per_block=256),
}
