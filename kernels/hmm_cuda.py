"""CUDA twins of hmm.py: a block of threads has a sequence, a thread every so manieth state.

The vector of the frame before lies in shared memory, 16 bytes a state, where all threads read the same number of it;
neighbouring threads read neighbouring transitions and write neighbouring states of the lattice. Sums go over states in
their order: the CPU's numbers, but for what a multiply-add rounds once.

Expected time: a frame of K states takes two or three barriers and K reads one after the other, about 0.5 us plus 15 ns
a state on any card, so 1 us for 32 states; an H100 has 2000 blocks of 64 threads at once, so that long batches cost
0.5 ns a frame of 32 states, an A100 0.6, a T4 (500 blocks, slow float64) 10. Limiter: latency.
"""

from __future__ import annotations

import math
from typing import Any

from numba import cuda, float64

from .hmm import LOST, UNDERFLOW, log_sum_to, log_total

__all__ = [
    "THREADS",
    "backward_log_cuda",
    "backward_scaled_cuda",
    "forward_log_cuda",
    "forward_scaled_cuda",
    "sequence_bytes",
    "viterbi_cuda",
]

THREADS = 64

device: Any = cuda.jit(device=True)


def sequence_bytes(n_states):
    """Of shared memory of a block: two vectors."""
    return 16 * n_states


@device
def _exponentials(values, n):
    """Of values[:n] the largest, and values[n:] = exp(values[:n] - it), 0 if that is not finite; ends in a barrier."""
    largest = -math.inf
    for i in range(n):
        largest = max(largest, values[i])
    for i in range(cuda.threadIdx.x, n, cuda.blockDim.x):
        values[n + i] = math.exp(values[i] - largest) if math.isfinite(largest) else 0.0
    cuda.syncthreads()
    return largest


@device
def _log_step(chain, values, n, largest, j):
    """log sum_i exp(values[i]) step[i, j]."""
    total = float64(0.0)
    for i in range(n):
        total += values[n + i] * chain.step[i, j]
    return largest + math.log(total) if total > LOST else log_sum_to(values[:n], chain.log_step, j)


@cuda.jit
def forward_log_cuda(chain, ends, frames, lattice, log_prob):
    """lattice[t, j] = log alpha_t(j) of log-likelihoods, log_prob[s] = log sum_j alpha_last(j)."""
    values, n = cuda.shared.array(0, float64), frames.shape[1]
    for s in range(cuda.blockIdx.x, log_prob.shape[0], cuda.gridDim.x):
        first, last = ends[s], ends[s + 1] - 1
        for t in range(first, last + 1):
            largest = _exponentials(values, n) if t > first else 0.0
            for j in range(cuda.threadIdx.x, n, cuda.blockDim.x):
                own = chain.log_start[j] if t == first else _log_step(chain, values, n, largest, j)
                lattice[t, j] = own + frames[t, j]
            cuda.syncthreads()
            for j in range(cuda.threadIdx.x, n, cuda.blockDim.x):
                values[j] = lattice[t, j]
            cuda.syncthreads()
        if cuda.threadIdx.x == 0:
            log_prob[s] = log_total(values[:n])
        cuda.syncthreads()


@cuda.jit
def backward_log_cuda(chain, ends, frames, lattice):
    """lattice[t, i] = log beta_t(i) of log-likelihoods; the chain is transposed."""
    values, n = cuda.shared.array(0, float64), frames.shape[1]
    for s in range(cuda.blockIdx.x, ends.shape[0] - 1, cuda.gridDim.x):
        first, last = ends[s], ends[s + 1] - 1
        for t in range(last, first - 1, -1):
            largest = _exponentials(values, n) if t < last else 0.0
            for i in range(cuda.threadIdx.x, n, cuda.blockDim.x):
                lattice[t, i] = 0.0 if t == last else _log_step(chain, values, n, largest, i)
            cuda.syncthreads()
            for i in range(cuda.threadIdx.x, n, cuda.blockDim.x):
                values[i] = frames[t, i] + lattice[t, i]
            cuda.syncthreads()


@device
def _step(chain, values, n, j):
    """sum_i values[i] step[i, j]."""
    total = float64(0.0)
    for i in range(n):
        total += values[i] * chain.step[i, j]
    return total


@device
def _sum(values, begin, end):
    total = float64(0.0)
    for j in range(begin, end):
        total += values[j]
    return total


@cuda.jit
def forward_scaled_cuda(chain, ends, frames, lattice, scales, log_prob):
    """lattice[t] = alpha_t of likelihoods, times scales[t] = 1 / its sum; log_prob[s] = - sum_t log scales[t].

    A sequence with a frame whose sum is below UNDERFLOW ends there, with log_prob -inf.
    """
    values, n = cuda.shared.array(0, float64), frames.shape[1]
    for s in range(cuda.blockIdx.x, log_prob.shape[0], cuda.gridDim.x):
        first, found = ends[s], float64(0.0)
        for t in range(first, ends[s + 1]):
            for j in range(cuda.threadIdx.x, n, cuda.blockDim.x):
                own = chain.start[j] if t == first else _step(chain, values, n, j)
                values[n + j] = own * frames[t, j]
            cuda.syncthreads()
            total = _sum(values, n, 2 * n)
            if total < UNDERFLOW:  # of all threads alike
                found = -math.inf
                break
            scale = 1.0 / total
            found -= math.log(scale)
            for j in range(cuda.threadIdx.x, n, cuda.blockDim.x):
                values[j] = values[n + j] * scale
                lattice[t, j] = values[j]
            if cuda.threadIdx.x == 0:
                scales[t] = scale
            cuda.syncthreads()
        if cuda.threadIdx.x == 0:
            log_prob[s] = found
        cuda.syncthreads()


@cuda.jit
def backward_scaled_cuda(chain, ends, frames, scales, lattice):
    """lattice[t] = beta_t of likelihoods, times scales[t] and all later ones; the chain is transposed."""
    values, n = cuda.shared.array(0, float64), frames.shape[1]
    for s in range(cuda.blockIdx.x, ends.shape[0] - 1, cuda.gridDim.x):
        first, last = ends[s], ends[s + 1] - 1
        for t in range(last, first - 1, -1):
            for i in range(cuda.threadIdx.x, n, cuda.blockDim.x):
                lattice[t, i] = scales[t] if t == last else scales[t] * _step(chain, values, n, i)
            cuda.syncthreads()
            for i in range(cuda.threadIdx.x, n, cuda.blockDim.x):
                values[i] = frames[t, i] * lattice[t, i]
            cuda.syncthreads()


@device
def _best_step(chain, values, n, j):
    """max_i values[i] + log_step[i, j]."""
    best = -math.inf
    for i in range(n):
        own = values[i] + chain.log_step[i, j]
        best = own if own > best else best
    return best


@device
def _last_state(values, n):
    """The first of the best states in the last frame."""
    state = 0
    for j in range(1, n):
        state = j if values[j] > values[state] else state
    return state


@device
def _state_before(values, n):
    """The last of the best."""
    largest, state = -math.inf, 0
    for i in range(n):
        if values[i] >= largest:
            largest, state = values[i], i
    return state


@cuda.jit
def viterbi_cuda(chain, ends, frames, best, states, log_prob):
    """states[ends[s] : ends[s + 1]] = argmax log P(states, frames), of log-likelihoods; log_prob[s] = the maximum.

    ``best`` (frames, K) is scratch: of every state the best log-probability of a way to it.
    """
    values, n = cuda.shared.array(0, float64), frames.shape[1]
    for s in range(cuda.blockIdx.x, log_prob.shape[0], cuda.gridDim.x):
        first, last = ends[s], ends[s + 1] - 1
        for t in range(first, last + 1):
            for j in range(cuda.threadIdx.x, n, cuda.blockDim.x):
                own = chain.log_start[j] if t == first else _best_step(chain, values, n, j)
                best[t, j] = own + frames[t, j]
            cuda.syncthreads()
            for j in range(cuda.threadIdx.x, n, cuda.blockDim.x):
                values[j] = best[t, j]
            cuda.syncthreads()
        state = _last_state(values, n)
        if cuda.threadIdx.x == 0:
            log_prob[s] = values[state]
            states[last] = state
        cuda.syncthreads()
        for t in range(last - 1, first - 1, -1):
            for i in range(cuda.threadIdx.x, n, cuda.blockDim.x):
                values[i] = best[t, i] + chain.log_step[i, state]
            cuda.syncthreads()
            state = _state_before(values, n)
            if cuda.threadIdx.x == 0:
                states[t] = state
            cuda.syncthreads()
