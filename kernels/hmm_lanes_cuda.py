"""CUDA twins of hmm_lanes.py: a block of threads has sixteen sequences side by side.

Vectors of states are in shared memory, a lane to a column, padded so that neither rows nor columns meet in a bank; a
thread adds up four states of a lane, so that a number read serves four transitions. These are in shared memory, too,
where they fit. A step is the product of the transitions with sixteen vectors, and five barriers around it.
Nothing is added atomically: a cell of a group's expected transitions belongs to one thread.

Expected time per frame of 16 states: reading it, 128 bytes, takes 0.04 ns on an H100, 0.08 on an A100, 0.4 on a T4. The
barriers of a step, about 2000 cycles for the sixteen frames of a block, take longer: six blocks fit on a
multiprocessor, so 0.09 ns on an H100, 0.14 on an A100; on a T4 the 256 multiply-adds of float64 do, 2 ns. With 64
states reads of shared memory are the limit, five for four multiply-adds: 0.6 ns on an H100, 1.1 on an A100; on a T4
float64 is, 33 ns.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import cuda, float64

from .hmm import UNDERFLOW
from .hmm_lanes import EMPTY, KEPT, LANES, LOST, LOWEST, SMALL

__all__ = [
    "SPAN",
    "STRIDE",
    "THREADS",
    "TILE",
    "active_lanes",
    "begin_lanes",
    "clear_trouble",
    "copy_matrix",
    "four_sums",
    "inverse_of",
    "lanes_bytes",
    "load_frame",
    "log_prob_cuda",
    "log_prob_shared_cuda",
    "places_of",
    "step_ahead",
    "weigh",
    "write_answers",
]

THREADS = 128
STRIDE = LANES + 1  # of a vector's rows: an odd number of float64
SPAN = 8  # threads that read a row of frames: 64 bytes
TILE = 4  # states of a thread
NUMBERS = 5  # of a lane

device: Any = cuda.jit(device=True)


class _Places(NamedTuple):
    """Where a block's numbers begin in its shared memory: vectors of (width, STRIDE), then numbers of (LANES,)."""

    alpha: int  # of even frames
    other: int  # alpha of odd frames, or beta
    frame: int
    shift: int  # the largest of a frame
    inverse: int  # 1 / a sum, by which a vector is still to be divided
    log_prob: int  # of the frames so far
    product: int  # of frames whose logarithms are not in log_prob yet
    trouble: int
    matrix: int


def lanes_bytes(n_states, transitions):
    """Of shared memory of a block, with or without the transitions there."""
    width = -(-n_states // TILE) * TILE
    return 8 * (3 * width * STRIDE + NUMBERS * LANES + transitions * n_states * width)


@device
def places_of(width):
    """Of a block whose vectors have so many rows."""
    size = width * STRIDE
    numbers = 3 * size
    return _Places(
        0,
        size,
        2 * size,
        numbers,
        numbers + LANES,
        numbers + 2 * LANES,
        numbers + 3 * LANES,
        numbers + 4 * LANES,
        numbers + NUMBERS * LANES,
    )


@device
def copy_matrix(values, memory, at):
    """Transitions into shared memory."""
    for k in range(cuda.threadIdx.x, values.shape[0], cuda.blockDim.x):
        memory[at + k] = values[k]
    cuda.syncthreads()


@device
def _log(x):
    """Also of 0."""
    if x > 0.0:
        return math.log(x)
    return -math.inf if x == 0.0 else x


@device
def inverse_of(x):
    """1 / x, 0 of what is too small: such a lane is in trouble."""
    if x >= UNDERFLOW:
        return 1.0 / x
    return 0.0 if x < UNDERFLOW else x


@device
def active_lanes(lanes, first, before, t):
    """How many of the first ``before`` lanes have a frame t."""
    while before > 0 and lanes.length[first + before - 1] <= t:
        before -= 1
    return before


@device
def _relative(x, shift, logs):
    """A likelihood divided by the largest of its frame; 0 of what is impossible alone."""
    if logs == 0:
        return x / shift
    if x < -1e308:
        return 0.0
    x -= shift
    return math.exp(LOWEST if x < LOWEST else x)


@device
def load_frame(chain, lanes, frames, first, t, active, memory, at):
    """The likelihoods of frame t of the lanes, divided by their largest, which is ``shift``."""
    n = frames.shape[1]
    for q in range(cuda.threadIdx.x, active * SPAN, cuda.blockDim.x):
        lane = q // SPAN
        row = lanes.begin[first + lane] + t
        for j in range(q % SPAN, n, SPAN):
            memory[at.frame + j * STRIDE + lane] = frames[row, j]
    cuda.syncthreads()
    for lane in range(cuda.threadIdx.x, active, cuda.blockDim.x):
        largest = -math.inf
        for j in range(n):
            own = memory[at.frame + j * STRIDE + lane]
            largest = own if own > largest else largest
        if chain.logs == 0:
            memory[at.shift + lane] = largest if largest > 0.0 else 1.0
        else:
            memory[at.shift + lane] = largest if largest > -1e308 else 0.0
    cuda.syncthreads()
    for q in range(cuda.threadIdx.x, active * SPAN, cuda.blockDim.x):
        lane = q // SPAN
        for j in range(q % SPAN, n, SPAN):
            own = at.frame + j * STRIDE + lane
            memory[own] = _relative(memory[own], memory[at.shift + lane], chain.logs)
    cuda.syncthreads()


@device
def four_sums(matrix, at, width, n, memory, values, lane):
    """sum_i matrix[i, j] values[i, lane] of four neighbours j, the first of them at ``at``."""
    a, b, c, d = float64(0.0), float64(0.0), float64(0.0), float64(0.0)
    for i in range(n):
        value = memory[values + i * STRIDE + lane]
        a += value * matrix[at]
        b += value * matrix[at + 1]
        c += value * matrix[at + 2]
        d += value * matrix[at + 3]
        at += width
    return a, b, c, d


@device
def weigh(own, j, lane, n, out, memory, at):
    """out[j] = own times the frame; trouble where a number that is not 0 became small."""
    if j < n:
        factor = memory[at.frame + j * STRIDE + lane]
        number = own * factor
        memory[out + j * STRIDE + lane] = number
        if number < SMALL and own > 0.0 and factor > 0.0:
            memory[at.trouble + lane] = max(memory[at.trouble + lane], LOST)


@device
def _start(chain, j):
    return chain.start[j] if j < chain.start.shape[0] else 0.0


@device
def _add_logs(logs, n, values, lane, memory, at):
    """Add the logarithm of a frame to those of a lane: of a few in a row, one of their product."""
    own = float64(0.0)
    for j in range(n):
        own += memory[values + j * STRIDE + lane]
    memory[at.inverse + lane] = inverse_of(own)
    if logs == 0:
        own *= memory[at.shift + lane]
    else:
        memory[at.log_prob + lane] += memory[at.shift + lane]
    product = memory[at.product + lane] * own
    memory[at.product + lane] = product
    if product > 1e-7 and product < 1e7:
        return
    memory[at.log_prob + lane] += _log(product)
    memory[at.product + lane] = 1.0
    if own < UNDERFLOW:
        memory[at.trouble + lane] = EMPTY
    elif own != own:
        memory[at.trouble + lane] = max(memory[at.trouble + lane], LOST)


@device
def step_ahead(chain, lanes, frames, first, t, active, matrix, begin, memory, at):
    """alpha_t of the lanes, still to be divided by its sum; returns its place."""
    n, width = frames.shape[1], chain.width
    before, out = (at.alpha, at.other) if t % 2 else (at.other, at.alpha)
    load_frame(chain, lanes, frames, first, t, active, memory, at)
    for q in range(cuda.threadIdx.x, width // TILE * LANES, cuda.blockDim.x):
        lane, j = q % LANES, q // LANES * TILE
        if lane < active:
            inverse = 1.0
            if t == 0:
                a, b, c, d = _start(chain, j), _start(chain, j + 1), _start(chain, j + 2), _start(chain, j + 3)
            else:
                a, b, c, d = four_sums(matrix, begin + j, width, n, memory, before, lane)
                inverse = memory[at.inverse + lane]
            weigh(a * inverse, j, lane, n, out, memory, at)
            weigh(b * inverse, j + 1, lane, n, out, memory, at)
            weigh(c * inverse, j + 2, lane, n, out, memory, at)
            weigh(d * inverse, j + 3, lane, n, out, memory, at)
    cuda.syncthreads()
    for lane in range(cuda.threadIdx.x, active, cuda.blockDim.x):
        _add_logs(chain.logs, n, out, lane, memory, at)
    cuda.syncthreads()
    return out


@device
def begin_lanes(memory, at):
    """Lanes without frames; what is in trouble stays so."""
    for lane in range(cuda.threadIdx.x, LANES, cuda.blockDim.x):
        memory[at.log_prob + lane] = 0.0
        memory[at.product + lane] = 1.0
    cuda.syncthreads()


@device
def clear_trouble(memory, at):
    """Of all lanes."""
    for lane in range(cuda.threadIdx.x, LANES, cuda.blockDim.x):
        memory[at.trouble + lane] = KEPT
    cuda.syncthreads()


@device
def write_answers(first, count, memory, at, answers):
    """Of the lanes of a group."""
    for lane in range(cuda.threadIdx.x, count, cuda.blockDim.x):
        answers[0, first + lane] = memory[at.log_prob + lane] + _log(memory[at.product + lane])
        answers[1, first + lane] = memory[at.trouble + lane]
    cuda.syncthreads()


@device
def _score(chain, lanes, frames, answers, matrix, begin, memory, at):
    """All groups of a block."""
    n_sequences = lanes.begin.shape[0]
    for group in range(cuda.blockIdx.x, (n_sequences + LANES - 1) // LANES, cuda.gridDim.x):
        first = group * LANES
        count = min(LANES, n_sequences - first)
        active = count
        clear_trouble(memory, at)
        begin_lanes(memory, at)
        for t in range(lanes.length[first]):
            active = active_lanes(lanes, first, active, t)
            step_ahead(chain, lanes, frames, first, t, active, matrix, begin, memory, at)
        write_answers(first, count, memory, at, answers)


@cuda.jit
def log_prob_cuda(chain, lanes, frames, answers):
    """answers[0, s] = log P(frames of sequence s), answers[1, s] = 0 or what is wrong; a block has LANES of them."""
    memory, at = cuda.shared.array(0, float64), places_of(chain.width)
    _score(chain, lanes, frames, answers, chain.ahead, 0, memory, at)


@cuda.jit
def log_prob_shared_cuda(chain, lanes, frames, answers):
    """The same with the transitions in shared memory."""
    memory, at = cuda.shared.array(0, float64), places_of(chain.width)
    copy_matrix(chain.ahead, memory, at.matrix)
    _score(chain, lanes, frames, answers, memory, at.matrix, memory, at)
