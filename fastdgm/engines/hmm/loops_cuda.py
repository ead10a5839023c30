"""The CUDA twins of the loops of hidden Markov chains, by verb; imported on first use of a GPU.

A block takes LANES sequences of a batch, or one; ``lanes_twin`` and ``sequence_twin`` give it the shared memory that
its states need.
"""

from __future__ import annotations

from ...kernels import hmm_cuda, hmm_lanes_cuda, hmm_posterior_cuda
from ...kernels.hmm_cuda import sequence_bytes
from ...kernels.hmm_lanes import LANES
from ...kernels.hmm_lanes_cuda import lanes_bytes
from ...runtime.cuda_launch import Twin

__all__ = ["LOOPS", "MOST_SHARED_BYTES", "lanes_twin", "sequence_twin"]

MOST_SHARED_BYTES = 48 << 10  # of a block on any card
IN_SHARED_MEMORY = ", transitions in shared memory"
_LANES: dict[str, int] = {"threads_per_block": hmm_lanes_cuda.THREADS, "rows_per_team": LANES}
_ONE: dict[str, int] = {"threads_per_block": hmm_cuda.THREADS, "rows_per_team": 1}

LOOPS: dict[tuple[str, str], Twin] = {
    ("log_prob", "cuda"): Twin(hmm_lanes_cuda.log_prob_cuda, **_LANES),
    ("log_prob" + IN_SHARED_MEMORY, "cuda"): Twin(hmm_lanes_cuda.log_prob_shared_cuda, **_LANES),
    ("posterior", "cuda"): Twin(hmm_posterior_cuda.posterior_cuda, **_LANES),
    ("posterior" + IN_SHARED_MEMORY, "cuda"): Twin(hmm_posterior_cuda.posterior_shared_cuda, **_LANES),
    ("forward log", "cuda"): Twin(hmm_cuda.forward_log_cuda, **_ONE),
    ("backward log", "cuda"): Twin(hmm_cuda.backward_log_cuda, **_ONE),
    ("forward scaled", "cuda"): Twin(hmm_cuda.forward_scaled_cuda, **_ONE),
    ("backward scaled", "cuda"): Twin(hmm_cuda.backward_scaled_cuda, **_ONE),
    ("viterbi in a lattice", "cuda"): Twin(hmm_cuda.viterbi_cuda, **_ONE),
}


def lanes_twin(verb: str, n_states: int) -> Twin:
    """Of many sequences side by side, its transitions in shared memory where they fit.

    :raises ValueError: so many states that not even their vectors fit; one sequence at a time takes 3072.
    """
    for name, transitions in ((verb + IN_SHARED_MEMORY, True), (verb, False)):
        size = lanes_bytes(n_states, transitions)
        if size <= MOST_SHARED_BYTES:
            return LOOPS[name, "cuda"]._replace(shared_bytes=size)
    raise ValueError(f"sequences side by side on a GPU have at most 116 hidden states, got {n_states}")


def sequence_twin(verb: str, n_states: int) -> Twin:
    """Of one sequence to a block of threads.

    :raises ValueError: so many states that a vector of them does not fit into shared memory.
    """
    size = sequence_bytes(n_states)
    if size > MOST_SHARED_BYTES:
        raise ValueError(f"a sequence on a GPU has at most 3072 hidden states, got {n_states}")
    return LOOPS[verb, "cuda"]._replace(shared_bytes=size)
