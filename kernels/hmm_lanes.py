"""Hidden Markov chains, sixteen sequences side by side: log-probabilities, posteriors and expected transitions.

A step of all sixteen is one product of a matrix of transitions with a block (states, LANES). Every frame is divided by
its largest likelihood, every forward vector by its sum and every backward vector by its largest number, so that there
is one exponential for each log-likelihood and one logarithm for each frame: none for a pair of states.

Nothing that is possible may vanish. A lane in which a number that is not 0 falls below SMALL has ``answers[1]`` = LOST:
it is to be taken again in logarithms (hmm.py), and so is a chain with transitions below SMALL. Otherwise no
product underflows, and the answers are exact but for rounding.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import float64, types
from numba.extending import intrinsic

from .hmm import UNDERFLOW
from .jit import inlined, kernel, loop
from .portable import multiply_add, polynomial
from .products import LANES, Matrix, Size, add_product

__all__ = ["LANES", "SMALL", "Lanes", "LanesChain", "log_prob_cpu", "posterior_cpu"]

SMALL = 1e-140
LOWEST = -345.0  # exp of it is below SMALL
KEPT, LOST, EMPTY = 0.0, 1.0, 2.0  # answers[1]: EMPTY is a frame whose sum is below UNDERFLOW
LOG_2_HIGH, LOG_2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
SHIFT = 6755399441055744.0  # 1.5 * 2**52: float64 numbers of this size are whole
TAYLOR = tuple(1.0 / math.factorial(k) for k in range(13, -1, -1))
INT64 = ir.IntType(64)


class LanesChain(NamedTuple):
    """Start and transitions, their rows filled up with zeros to ``width``, a multiple of 4."""

    start: np.ndarray  # float64 (K,)
    ahead: np.ndarray  # float64 (K * width,): A(i, j) at i width + j
    back: np.ndarray  # float64 (K * width,): A(i, j) at j width + i
    width: int
    logs: int  # 1: frames are log-likelihoods


class Lanes(NamedTuple):
    """Where sequences are in the frames; of every LANES in a row the longest first."""

    begin: np.ndarray  # int64 (n,)
    length: np.ndarray  # int64 (n,), at least 1


class _Scratch(NamedTuple):
    """Blocks (width, LANES) but for those of which something else is said."""

    frame: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray
    sums: np.ndarray
    rows: np.ndarray  # (LANES, K up to a multiple of LANES): what follows, a lane to a row
    xi: np.ndarray  # (width, as many)
    shift: np.ndarray  # (LANES,): the largest of a frame
    total: np.ndarray  # (LANES,)
    log_prob: np.ndarray  # (LANES,)
    trouble: np.ndarray  # (LANES,)
    product: np.ndarray  # (LANES,): of frames whose logarithms are not in log_prob yet
    lost: np.ndarray  # (LANES,): scratch


@loop
def _new_scratch(chain, n_states):
    width, wide = chain.width, (n_states + LANES - 1) // LANES * LANES
    block, lane = (width, LANES), LANES
    return _Scratch(
        np.zeros(block), np.zeros(block), np.zeros(block), np.zeros(block), np.zeros((LANES, wide)),
        np.zeros((width, wide)), np.zeros(lane), np.zeros(lane), np.zeros(lane), np.zeros(lane),
        np.zeros(lane), np.zeros(lane),
    )  # fmt: skip


@intrinsic
def _times_power_of_two(typing_context, number, shifted):
    """number * 2**n, where the lowest bits of ``shifted`` = n + SHIFT are n."""

    def generate(context, builder, signature, arguments):
        number, shifted = (builder.bitcast(argument, INT64) for argument in arguments)
        power = builder.shl(shifted, ir.Constant(INT64, 52))
        return builder.bitcast(builder.add(number, power), ir.DoubleType())

    return types.float64(types.float64, types.float64), generate


@inlined
def _exp(x):
    """e**x for LOWEST <= x <= 0, by Taylor's polynomial: within 2 ulp; what LLVM makes vectors of."""
    shifted = multiply_add(x, float64(1.4426950408889634), float64(SHIFT))
    n = shifted - float64(SHIFT)
    r = multiply_add(n, float64(-LOG_2_LOW), multiply_add(n, float64(-LOG_2_HIGH), x))
    return _times_power_of_two(polynomial(TAYLOR, r), shifted)


@loop
def _exponentials(values):
    """values = e**values, 0 of -inf alone."""
    for k in range(values.shape[0]):
        x = values[k]
        y = _exp(x if x > LOWEST else float64(LOWEST))
        y = y if x >= -1e308 else float64(0.0)
        values[k] = y if x == x else x


@loop
def _divide(values, numbers, n_states, inverse):
    """values[j] /= numbers, lane by lane; ``inverse`` is scratch."""
    for lane in range(LANES):
        inverse[lane] = 1.0 / numbers[lane]
    for j in range(n_states):
        own = values[j]
        for lane in range(LANES):
            own[lane] *= inverse[lane]


@loop
def _load(chain, lanes, frames, first, t, active, scratch):
    """scratch.frame = the likelihoods of frame t of the lanes, divided by their largest, which is ``shift``."""
    n_states = frames.shape[1]
    frame, shift = scratch.frame, scratch.shift
    for lane in range(active):
        row = lanes.begin[first + lane] + t
        largest = -math.inf
        for j in range(n_states):
            value = frames[row, j]
            frame[j, lane] = value
            largest = value if value > largest else largest
        shift[lane] = largest
    if chain.logs:
        for lane in range(LANES):
            shift[lane] = shift[lane] if shift[lane] > -1e308 else 0.0
        for j in range(n_states):
            for lane in range(LANES):
                frame[j, lane] -= shift[lane]
        _exponentials(frame.reshape(frame.size)[: n_states * LANES])
    else:
        for lane in range(LANES):
            shift[lane] = shift[lane] if shift[lane] > 0.0 else 1.0
        _divide(frame, shift, n_states, scratch.lost)


@loop
def _multiply(values, n_states, active, scratch, out):
    """out = values * frame; trouble where that is small but not 0."""
    lost = scratch.lost
    lost[:] = KEPT
    for j in range(n_states):
        own, factor, product = values[j], scratch.frame[j], out[j]
        for lane in range(LANES):
            number = own[lane] * factor[lane]
            small = (number < SMALL) & (own[lane] > 0.0) & (factor[lane] > 0.0)
            lost[lane] = LOST if small else lost[lane]
            product[lane] = number
    for lane in range(active):
        scratch.trouble[lane] = max(scratch.trouble[lane], lost[lane])


@loop
def _normalise(values, n_states, scratch):
    """Divide by the sums over states, which become ``total``."""
    total = scratch.total
    total[:] = 0.0
    for j in range(n_states):
        for lane in range(LANES):
            total[lane] += values[j, lane]
    _divide(values, total, n_states, scratch.lost)


@loop
def _add_logs(logs, active, scratch):
    """Add the logarithm of a frame to those of the lanes: of many in a row, one of their product."""
    for lane in range(active):
        total, shift = scratch.total[lane], scratch.shift[lane]
        own = total if logs else total * shift
        if logs:
            scratch.log_prob[lane] += shift
        if own < UNDERFLOW:
            scratch.trouble[lane] = EMPTY
        elif own != own:
            scratch.trouble[lane] = max(scratch.trouble[lane], LOST)
        if own > 1e-100 and own < 1e100:
            scratch.product[lane] *= own
            if not (scratch.product[lane] > 1e-100 and scratch.product[lane] < 1e100):
                scratch.log_prob[lane] += math.log(scratch.product[lane])
                scratch.product[lane] = 1.0
        else:
            scratch.log_prob[lane] += math.log(own)


@loop
def _active(lanes, first, before, t):
    """How many of the first ``before`` lanes have a frame t."""
    while before > 0 and lanes.length[first + before - 1] <= t:
        before -= 1
    return before


@loop
def _store(block, lanes, first, t, active, lattice):
    for lane in range(active):
        row = lanes.begin[first + lane] + t
        for j in range(lattice.shape[1]):
            lattice[row, j] = block[j, lane]


@loop
def _forward(chain, lanes, frames, first, count, lattice, scratch):
    """log_prob and trouble of the lanes; lattice[t] = alpha_t / its sum, if it has rows."""
    n_states = frames.shape[1]
    size = Size(chain.width, n_states, LANES)
    scratch.log_prob[:], scratch.product[:] = 0.0, 1.0
    active = count
    for t in range(lanes.length[first]):
        active = _active(lanes, first, active, t)
        _load(chain, lanes, frames, first, t, active, scratch)
        if t == 0:
            for j in range(n_states):
                scratch.sums[j] = chain.start[j]
        else:
            scratch.sums[:] = 0.0
            add_product(chain.ahead, Matrix(0, 1, chain.width), scratch.alpha, 0, scratch.sums, 0, size)
        _multiply(scratch.sums, n_states, active, scratch, scratch.alpha)
        _normalise(scratch.alpha, n_states, scratch)
        _add_logs(chain.logs, active, scratch)
        if lattice.shape[0] > 0:
            _store(scratch.alpha, lanes, first, t, active, lattice)
    for lane in range(count):
        scratch.log_prob[lane] += math.log(scratch.product[lane])


@kernel
def log_prob_cpu(begin, end, chain, lanes, frames, answers):
    """answers[0, s] = log P(frames of sequence s), answers[1, s] = 0 or what is wrong; the range is of LANES each."""
    scratch = _new_scratch(chain, frames.shape[1])
    none = np.empty((0, 0))
    for group in range(begin, end):
        first = group * LANES
        count = min(LANES, lanes.begin.shape[0] - first)
        scratch.trouble[:] = KEPT
        _forward(chain, lanes, frames, first, count, none, scratch)
        answers[0, first : first + count] = scratch.log_prob[:count]
        answers[1, first : first + count] = scratch.trouble[:count]


@loop
def _load_alpha(lanes, first, t, active, lattice, alpha):
    for lane in range(active):
        row = lanes.begin[first + lane] + t
        for j in range(lattice.shape[1]):
            alpha[j, lane] = lattice[row, j]


@loop
def _step_back(chain, lanes, frames, first, t, following, scratch):
    """beta = what frame t + 1 of the ``following`` lanes and all later ones say of the state in frame t."""
    n_states = frames.shape[1]
    _load(chain, lanes, frames, first, t + 1, following, scratch)
    _multiply(scratch.beta, n_states, following, scratch, scratch.frame)
    for lane in range(following):
        for j in range(n_states):
            scratch.rows[lane, j] = scratch.frame[j, lane]
    scratch.beta[:] = 0.0
    size = Size(chain.width, n_states, LANES)
    add_product(chain.back, Matrix(0, 1, chain.width), scratch.frame, 0, scratch.beta, 0, size)


@loop
def _divide_by_largest(n_states, scratch):
    """beta / its largest number, as are the rows that it was made of."""
    beta, total = scratch.beta, scratch.total
    total[:] = 0.0
    for j in range(n_states):
        for lane in range(LANES):
            total[lane] = beta[j, lane] if beta[j, lane] > total[lane] else total[lane]
    _divide(beta, total, n_states, scratch.lost)


@loop
def _share(n_states, active, scratch):
    """alpha /= sum over states of alpha * beta, and sums = the posterior."""
    alpha, beta, total = scratch.alpha, scratch.beta, scratch.shift
    total[:] = 0.0
    for j in range(n_states):
        for lane in range(LANES):
            total[lane] += alpha[j, lane] * beta[j, lane]
    for lane in range(active):
        if not total[lane] > SMALL:
            scratch.trouble[lane] = max(scratch.trouble[lane], LOST)
    _divide(alpha, total, n_states, scratch.lost)
    for j in range(n_states):
        for lane in range(LANES):
            scratch.sums[j, lane] = alpha[j, lane] * beta[j, lane]


@loop
def _add_transitions(chain, n_states, following, scratch):
    """xi[i, j] += sum over lanes of alpha(i) rows(j); ``total`` is what beta was divided by."""
    for lane in range(following):
        if scratch.trouble[lane] > KEPT:
            for j in range(n_states):
                scratch.rows[lane, j] = 0.0
                scratch.alpha[j, lane] = 0.0
        else:
            inverse = 1.0 / scratch.total[lane]
            for j in range(n_states):
                scratch.rows[lane, j] *= inverse
    size = Size(chain.width, following, scratch.rows.shape[1])
    a = scratch.alpha.reshape(scratch.alpha.size)
    add_product(a, Matrix(0, LANES, 1), scratch.rows, 0, scratch.xi, 0, size)


@loop
def _backward(chain, lanes, frames, first, count, lattice, scratch):
    """lattice[t] = posterior of frame t, which was alpha_t; xi += what the transitions are times."""
    n_states = frames.shape[1]
    following = 0
    for t in range(lanes.length[first] - 1, -1, -1):
        active = _active(lanes, first, count, t)
        if following > 0:
            _step_back(chain, lanes, frames, first, t, following, scratch)
        for lane in range(following, active):
            for j in range(n_states):
                scratch.beta[j, lane] = 1.0
        _divide_by_largest(n_states, scratch)
        _load_alpha(lanes, first, t, active, lattice, scratch.alpha)
        _share(n_states, active, scratch)
        _store(scratch.sums, lanes, first, t, active, lattice)
        if following > 0:
            _add_transitions(chain, n_states, following, scratch)
        following = active


@loop
def _both_ways(chain, lanes, frames, first, count, lattice, scratch):
    _forward(chain, lanes, frames, first, count, lattice, scratch)
    scratch.xi[:] = 0.0
    before = scratch.trouble.sum()
    _backward(chain, lanes, frames, first, count, lattice, scratch)
    return scratch.trouble.sum() > before


@kernel
def posterior_cpu(begin, end, chain, lanes, frames, lattice, transitions, answers):
    """lattice[t, j] = P(state j in frame t), transitions[g, i, j] = expected number of them in LANES sequences.

    The range is of LANES each. ``answers`` are those of log_prob_cpu. Sequences whose answers[1] is not 0 have nothing
    in ``transitions``.
    """
    n_states = frames.shape[1]
    scratch = _new_scratch(chain, n_states)
    for group in range(begin, end):
        first = group * LANES
        count = min(LANES, lanes.begin.shape[0] - first)
        scratch.trouble[:] = KEPT
        if _both_ways(chain, lanes, frames, first, count, lattice, scratch):  # what is in trouble has added to xi
            _both_ways(chain, lanes, frames, first, count, lattice, scratch)
        answers[0, first : first + count] = scratch.log_prob[:count]
        answers[1, first : first + count] = scratch.trouble[:count]
        for i in range(n_states):
            for j in range(n_states):
                transitions[group, i, j] = scratch.xi[i, j] * chain.ahead[i * chain.width + j]
