"""The CUDA twins of the loops over tables, by verb; imported on first use of a GPU."""

from __future__ import annotations

from ...kernels import cpt_classes_cuda, cpt_cuda
from ..launch import Twin

LOOPS: dict[tuple[str, str], Twin] = {
    ("sample", "cuda"): Twin(cpt_cuda.sample_cuda, threads_per_block=256),
    ("log_prob columns", "cuda"): Twin(cpt_cuda.log_prob_cuda, threads_per_block=256),
    ("log_prob per variable", "cuda"): Twin(cpt_cuda.log_prob_per_variable_cuda, threads_per_block=256),
    ("log_prob of states", "cuda"): Twin(cpt_classes_cuda.log_prob_of_states_cuda, threads_per_block=256),
    ("count", "cuda"): Twin(cpt_cuda.count_cuda, threads_per_block=256),
    ("first bad row", "cuda"): Twin(cpt_cuda.in_range_cuda, threads_per_block=256),
}
