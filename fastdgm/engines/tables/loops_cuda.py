"""The CUDA twins of the loops over tables, by verb; imported on first use of a GPU.

Their registers let a processor hold three or four blocks of 256 threads: 24 to 32 warps, each with four rows a thread.
"""

from __future__ import annotations

from typing import Any

from ...kernels import cpt_counting_cuda, cpt_cuda, cpt_posterior_cuda, cpt_scoring_cuda
from ...runtime.cuda_launch import Twin, launch_on
from ...runtime.cuda_queue import CudaQueue

ROWS_PER_THREAD = 4
RESIDENT_BLOCKS = 528  # four on each of 132 processors: of a block with copies of tables, more would copy in vain

LOOPS: dict[tuple[str, str], Twin] = {
    ("sample", "cuda"): Twin(cpt_cuda.sample_cuda, threads_per_block=256),
    ("log_prob columns", "cuda"): Twin(cpt_scoring_cuda.log_prob_cuda, threads_per_block=256),
    ("log_prob per variable", "cuda"): Twin(cpt_scoring_cuda.log_prob_per_variable_cuda, threads_per_block=256),
    ("log_prob of states", "cuda"): Twin(cpt_scoring_cuda.log_prob_of_states_cuda, threads_per_block=256),
    ("count", "cuda"): Twin(cpt_counting_cuda.count_cuda, threads_per_block=256),
    ("count rows", "cuda"): Twin(cpt_counting_cuda.count_rows_cuda, threads_per_block=256),
    ("posterior of states", "cuda"): Twin(cpt_posterior_cuda.posterior_of_states_cuda, threads_per_block=256),
}


def launch_rows(queue: CudaQueue, verb: str, n: int, shared_bytes: int, *arguments: Any) -> None:
    """Run a twin on n rows, four to a thread, with so much shared memory to a block."""
    twin = LOOPS[verb, "cuda"]._replace(shared_bytes=shared_bytes)
    threads = -(-n // ROWS_PER_THREAD)
    if shared_bytes:
        threads = min(threads, RESIDENT_BLOCKS * twin.threads_per_block)
    launch_on(queue, twin, threads, *arguments)
