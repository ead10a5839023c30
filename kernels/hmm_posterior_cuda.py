"""CUDA twins of hmm_lanes.py: posteriors and expected transitions, a block of threads for sixteen sequences.

The lattice keeps alpha on the way there, and has the posterior on the way back. A cell of a group's expected
transitions belongs to one thread, which adds up its lanes in their order: nothing is atomic, every run gives the same.

Expected: three times the arithmetic of log_prob, twice its frames read, and a lattice that is written twice and read
once; three blocks fit on a multiprocessor. Of 16 states 0.6 ns a frame on an H100, 0.9 on an A100 (barriers), 7 on a T4
(float64). Expected
transitions are read and written in the first-level cache with every frame of a block.
"""

from __future__ import annotations

import math
from typing import Any

from numba import cuda, float64

from .hmm_lanes import KEPT, LANES, LOST, SMALL
from .hmm_lanes_cuda import (
    SPAN,
    STRIDE,
    TILE,
    active_lanes,
    begin_lanes,
    clear_trouble,
    copy_matrix,
    four_sums,
    inverse_of,
    load_frame,
    places_of,
    step_ahead,
    weigh,
    write_answers,
)

__all__ = ["posterior_cuda", "posterior_shared_cuda"]

device: Any = cuda.jit(device=True)


@device
def _keep(lanes, first, t, active, values, memory, at, lattice):
    """lattice[t] = alpha_t / its sum."""
    for q in range(cuda.threadIdx.x, active * SPAN, cuda.blockDim.x):
        lane = q // SPAN
        row, inverse = lanes.begin[first + lane] + t, memory[at.inverse + lane]
        for j in range(q % SPAN, lattice.shape[1], SPAN):
            lattice[row, j] = memory[values + j * STRIDE + lane] * inverse
    cuda.syncthreads()


@device
def _forward(chain, lanes, frames, first, count, matrix, begin, memory, at, lattice):
    active = count
    begin_lanes(memory, at)
    for t in range(lanes.length[first]):
        active = active_lanes(lanes, first, active, t)
        alpha = step_ahead(chain, lanes, frames, first, t, active, matrix, begin, memory, at)
        _keep(lanes, first, t, active, alpha, memory, at, lattice)


@device
def _step_back(chain, lanes, frames, first, t, following, matrix, begin, memory, at):
    """beta = what frame t + 1 of the ``following`` lanes and all later ones say of the state in frame t."""
    n, width = frames.shape[1], chain.width
    load_frame(chain, lanes, frames, first, t + 1, following, memory, at)
    for q in range(cuda.threadIdx.x, n * LANES, cuda.blockDim.x):
        lane, j = q % LANES, q // LANES
        if lane < following:
            weigh(memory[at.other + j * STRIDE + lane], j, lane, n, at.frame, memory, at)
    cuda.syncthreads()
    for q in range(cuda.threadIdx.x, width // TILE * LANES, cuda.blockDim.x):
        lane, j = q % LANES, q // LANES * TILE
        if lane < following:
            a, b, c, d = four_sums(matrix, begin + j, width, n, memory, at.frame, lane)
            own = at.other + j * STRIDE + lane  # vectors have width rows: what is beyond the states is never read
            memory[own] = a
            memory[own + STRIDE] = b
            memory[own + 2 * STRIDE] = c
            memory[own + 3 * STRIDE] = d
    cuda.syncthreads()


@device
def _level(n, following, active, memory, at):
    """beta = 1 in lanes that end here; ``shift`` = 1 / the largest number of beta."""
    for lane in range(cuda.threadIdx.x, active, cuda.blockDim.x):
        largest = -math.inf
        for j in range(n):
            own = at.other + j * STRIDE + lane
            if lane >= following:
                memory[own] = 1.0
            largest = memory[own] if memory[own] > largest else largest
        memory[at.shift + lane] = inverse_of(largest)
    cuda.syncthreads()


@device
def _share(lanes, first, t, active, memory, at, lattice):
    """alpha of the lattice / sum over states of alpha * beta, and lattice = the posterior."""
    n = lattice.shape[1]
    for q in range(cuda.threadIdx.x, active * SPAN, cuda.blockDim.x):
        lane = q // SPAN
        row = lanes.begin[first + lane] + t
        for j in range(q % SPAN, n, SPAN):
            memory[at.alpha + j * STRIDE + lane] = lattice[row, j]
            memory[at.other + j * STRIDE + lane] *= memory[at.shift + lane]
    cuda.syncthreads()
    for lane in range(cuda.threadIdx.x, active, cuda.blockDim.x):
        total = float64(0.0)
        for j in range(n):
            total += memory[at.alpha + j * STRIDE + lane] * memory[at.other + j * STRIDE + lane]
        memory[at.inverse + lane] = inverse_of(total)
        if not total > SMALL:
            memory[at.trouble + lane] = max(memory[at.trouble + lane], LOST)
    cuda.syncthreads()
    for q in range(cuda.threadIdx.x, active * SPAN, cuda.blockDim.x):
        lane = q // SPAN
        row, inverse = lanes.begin[first + lane] + t, memory[at.inverse + lane]
        sound = memory[at.trouble + lane] == KEPT
        for j in range(q % SPAN, n, SPAN):
            cell = j * STRIDE + lane
            own = memory[at.alpha + cell] * inverse
            lattice[row, j] = own * memory[at.other + cell]
            memory[at.alpha + cell] = own if sound else 0.0
            memory[at.frame + cell] = memory[at.frame + cell] * memory[at.shift + lane] if sound else 0.0
    cuda.syncthreads()


@device
def _add_transitions(n, following, memory, at, transitions):
    """transitions[i, j] += sum over lanes of alpha(i) times the frame (j) that beta was made of."""
    for q in range(cuda.threadIdx.x, n * SPAN, cuda.blockDim.x):
        i = q // SPAN
        for j in range(q % SPAN, n, SPAN):
            total = float64(0.0)
            for lane in range(following):
                total += memory[at.alpha + i * STRIDE + lane] * memory[at.frame + j * STRIDE + lane]
            transitions[i, j] += total
    cuda.syncthreads()


@device
def _backward(chain, lanes, frames, first, count, matrix, begin, memory, at, lattice, transitions):
    """lattice[t] = posterior of frame t, which was alpha_t; transitions += what the transitions are times."""
    n, following = frames.shape[1], 0
    for t in range(lanes.length[first] - 1, -1, -1):
        active = active_lanes(lanes, first, count, t)
        if following > 0:
            _step_back(chain, lanes, frames, first, t, following, matrix, begin, memory, at)
        _level(n, following, active, memory, at)
        _share(lanes, first, t, active, memory, at, lattice)
        if following > 0:
            _add_transitions(n, following, memory, at, transitions)
        following = active


@device
def _trouble(memory, at):
    """How much of it there is, which all threads of a block know."""
    total = float64(0.0)
    for lane in range(LANES):
        total += memory[at.trouble + lane]
    cuda.syncthreads()
    return total


@device
def _scale(n, factors, width, transitions):
    """transitions *= factors; a thread has the cells that are its own in _add_transitions."""
    for q in range(cuda.threadIdx.x, n * SPAN, cuda.blockDim.x):
        i = q // SPAN
        for j in range(q % SPAN, n, SPAN):
            transitions[i, j] *= factors[i * width + j]


@device
def _clear(n, transitions):
    for q in range(cuda.threadIdx.x, n * SPAN, cuda.blockDim.x):
        for j in range(q % SPAN, n, SPAN):
            transitions[q // SPAN, j] = 0.0


@cuda.jit
def posterior_cuda(chain, lanes, frames, lattice, transitions, answers):
    """lattice[t, j] = P(state j in frame t), transitions[g, i, j] = expected number of them in LANES sequences."""
    memory, at, n = cuda.shared.array(0, float64), places_of(chain.width), frames.shape[1]
    for group in range(cuda.blockIdx.x, transitions.shape[0], cuda.gridDim.x):
        first, own = group * LANES, transitions[group]
        count = min(LANES, lanes.begin.shape[0] - first)
        clear_trouble(memory, at)
        for _ in range(2):  # a second time where what is in trouble has added to transitions
            _clear(n, own)
            _forward(chain, lanes, frames, first, count, chain.ahead, 0, memory, at, lattice)
            before = _trouble(memory, at)
            _backward(chain, lanes, frames, first, count, chain.back, 0, memory, at, lattice, own)
            if _trouble(memory, at) == before:
                break
        write_answers(first, count, memory, at, answers)
        _scale(n, chain.ahead, chain.width, own)


@cuda.jit
def posterior_shared_cuda(chain, lanes, frames, lattice, transitions, answers):
    """The same with the transitions in shared memory, those of one direction after those of the other."""
    memory, at, n = cuda.shared.array(0, float64), places_of(chain.width), frames.shape[1]
    for group in range(cuda.blockIdx.x, transitions.shape[0], cuda.gridDim.x):
        first, own = group * LANES, transitions[group]
        count = min(LANES, lanes.begin.shape[0] - first)
        clear_trouble(memory, at)
        for _ in range(2):
            _clear(n, own)
            copy_matrix(chain.ahead, memory, at.matrix)
            _forward(chain, lanes, frames, first, count, memory, at.matrix, memory, at, lattice)
            before = _trouble(memory, at)
            copy_matrix(chain.back, memory, at.matrix)
            _backward(chain, lanes, frames, first, count, memory, at.matrix, memory, at, lattice, own)
            if _trouble(memory, at) == before:
                break
        write_answers(first, count, memory, at, answers)
        _scale(n, chain.ahead, chain.width, own)
