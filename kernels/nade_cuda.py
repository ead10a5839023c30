"""CUDA twins of nade.py: a team of threads, a block of its own, takes a few rows at a time through all positions.

    z_d = b_d + sum over threads of (sum over its units of V_d h);   at a 1: E <- E exp(-W_d), h = 1 / (1 + E)

A thread keeps UNITS hidden units of 4 rows (2 in float64) in registers, so that every weight that it reads, coalesced
over the threads of a warp, serves all of these rows. Partial sums meet in shared memory in an order that depends on the
number of units alone, and the thread of a row draws its bit. Uniforms, codes and log-probabilities are made, read and
written for as many positions at a time as a team has threads, by all of them.

At 784-500 a cell of V costs a multiply-add and a quarter of a load, and where a bit is 1 a product, a sum and a
reciprocal, so with half of the bits 1 about 7 instructions: 0.12 us a row on an H100 (0.17 us on an A100, 0.8 us on a
T4), limited by the rate of instructions. Weights are 3.1 MB: a row that read its own would wait 0.6 us for L2; those of
a team, and of the 24 rows that 150 registers leave room for on a multiprocessor, come once, from L1: 0.05 us.
"""

from __future__ import annotations

from typing import Any

from numba import cuda, uint64

from .bernoulli import bit_log_prob, bit_slope, likely_bit_log_prob
from .nade import NADERule
from .nade_team_cuda import CELLS, MOST_ROWS, UNKNOWN, places_of, start, team_of, walk
from .uniforms_cuda import uniform

__all__ = ["nade_log_prob_cuda", "nade_sample_cuda", "nade_slopes_cuda"]

device: Any = cuda.jit(device=True)


@device
def _sum_terms(team, places, begin, end, memory):
    """The sum of this thread's row's terms of positions [begin, end) of those in memory, in order."""
    total = 0.0
    for at in range(begin, end):
        total += memory[places.numbers + at * MOST_ROWS + team.thread]
    return total


@device
def _read_codes(plan, x, first, d, team, memory):
    """The bits of the rows from ``first`` on at position d; beyond the last row, those of that."""
    if d < plan.order.shape[0]:
        bits = places_of(team).bits + team.thread * MOST_ROWS
        for r in range(team.rows):
            bit = x[min(first + r, x.shape[0] - 1), plan.order[d]] != 0
            memory[bits + r] = 1 if bit else 0


@device
def _score(plan, terms, first, d, team, memory):
    """Terms of log p at position d, for the sums and, where they are asked for, in ``terms``."""
    if d < plan.order.shape[0]:
        places, cell = places_of(team), team.thread * MOST_ROWS
        for r in range(team.rows):
            term = bit_log_prob(memory[places.bits + cell + r] == 1, memory[places.logits + cell + r])
            memory[places.numbers + cell + r] = term
            if first + r < terms.shape[0]:
                terms[first + r, plan.order[d]] = term


@cuda.jit
def nade_log_prob_cuda(plan, x, scores):
    """As ``nade_log_prob_cpu``, for all rows."""
    state, hidden = cuda.local.array(CELLS, plan.W.dtype), cuda.local.array(CELLS, plan.W.dtype)
    memory, one = cuda.shared.array(0, plan.W.dtype), plan.W.dtype.type(1)
    team, n_vars = team_of(plan), plan.order.shape[0]
    for first in range(cuda.blockIdx.x * team.rows, x.shape[0], cuda.gridDim.x * team.rows):
        start(plan, team, state, hidden)
        total, row = 0.0, first + team.thread
        for begin in range(0, n_vars, team.threads):
            end = min(begin + team.threads, n_vars)
            _read_codes(plan, x, first, begin + team.thread, team, memory)
            walk(plan, NADERule(one, one), begin, end, team, state, hidden, memory)
            _score(plan, scores.terms, first, begin + team.thread, team, memory)
            cuda.syncthreads()
            if team.thread < team.rows:
                total += _sum_terms(team, places_of(team), 0, end - begin, memory)
            cuda.syncthreads()
        if team.thread < team.rows and row < x.shape[0]:
            scores.log_prob[row] = total


@device
def _write_slopes(plan, x, row_weights, slopes, first, d, team, memory):
    """Slopes by the logits of position d; call it before ``_score``."""
    if d < plan.order.shape[0]:
        places, cell = places_of(team), team.thread * MOST_ROWS
        for r in range(team.rows):
            if first + r < x.shape[0]:
                slope = bit_slope(memory[places.bits + cell + r] == 1, memory[places.logits + cell + r])
                slopes[first + r, plan.order[d]] = row_weights[first + r] * slope


@cuda.jit
def nade_slopes_cuda(plan, x, row_weights, log_prob, slopes):
    """log_prob (n,) of all rows of x, and in ``slopes`` (n, n_vars) the gradient of its weighted sum by the logits."""
    state, hidden = cuda.local.array(CELLS, plan.W.dtype), cuda.local.array(CELLS, plan.W.dtype)
    memory, one = cuda.shared.array(0, plan.W.dtype), plan.W.dtype.type(1)
    team, n_vars = team_of(plan), plan.order.shape[0]
    for first in range(cuda.blockIdx.x * team.rows, x.shape[0], cuda.gridDim.x * team.rows):
        start(plan, team, state, hidden)
        total, row = 0.0, first + team.thread
        for begin in range(0, n_vars, team.threads):
            end = min(begin + team.threads, n_vars)
            _read_codes(plan, x, first, begin + team.thread, team, memory)
            walk(plan, NADERule(one, one), begin, end, team, state, hidden, memory)
            _write_slopes(plan, x, row_weights, slopes, first, begin + team.thread, team, memory)
            _score(plan, slopes[:0], first, begin + team.thread, team, memory)
            cuda.syncthreads()
            if team.thread < team.rows:
                total += _sum_terms(team, places_of(team), 0, end - begin, memory)
            cuda.syncthreads()
        if team.thread < team.rows and row < x.shape[0]:
            log_prob[row] = total


@device
def _prepare(plan, draw, n, first, d, team, memory):
    """What is known of the rows from ``first`` on at position d: their bits, or the uniforms that draw them."""
    if d < plan.order.shape[0]:
        places, cell = places_of(team), team.thread * MOST_ROWS
        for r in range(team.rows):
            row = min(first + r, n - 1)
            if d < draw.prefix.shape[1]:
                memory[places.bits + cell + r] = 1 if draw.prefix[row // draw.n_per_row, d] != 0 else 0
            else:
                memory[places.bits + cell + r] = UNKNOWN
                memory[places.numbers + cell + r] = _uniform(plan, draw, d, row)


@device
def _uniform(plan, draw, d, i):
    """The uniform of position d of row i: drawn, or given."""
    if draw.uniforms.shape[0] > 0:
        return draw.uniforms[i, d]
    single = plan.W.itemsize == 4
    return plan.W.dtype.type(uniform(draw.key, uint64(draw.start) + uint64(i), d, single))


@device
def _write_bits(plan, values, first, d, team, memory):
    """values[:, order[d]] of the rows from ``first`` on."""
    if d < plan.order.shape[0]:
        bits = places_of(team).bits + team.thread * MOST_ROWS
        for r in range(team.rows):
            if first + r < values.shape[0]:
                values[first + r, plan.order[d]] = 1 if memory[bits + r] == 1 else 0


@device
def _score_draws(plan, draw, d, team, memory):
    """Terms at position d of what the bits were drawn from."""
    if d < plan.order.shape[0]:
        places, cell = places_of(team), team.thread * MOST_ROWS
        for r in range(team.rows):
            t = memory[places.logits + cell + r] / draw.temperature
            memory[places.numbers + cell + r] = likely_bit_log_prob(memory[places.bits + cell + r] == 1, t, draw.sure)


@device
def _undefined(draw, begin, end, team, memory):
    """Whether a tempered logit of this thread's row is NaN, which would draw 0."""
    found, logits = False, places_of(team).logits + team.thread
    for at in range(begin, end):
        t = memory[logits + at * MOST_ROWS] / draw.temperature
        found |= t != t
    return found


@device
def _sums_of_draws(plan, draw, begin, end, team, memory):
    """(log p, log p of what was drawn from) of this thread's row at positions [begin, end)."""
    places, mine = places_of(team), team.thread < team.rows
    drawn, n = max(0, draw.prefix.shape[1] - begin), end - begin
    cuda.syncthreads()
    _score(plan, draw.uniforms[:0], 0, begin + team.thread, team, memory)
    cuda.syncthreads()
    total = _sum_terms(team, places, 0, n, memory) if mine else 0.0
    cuda.syncthreads()
    _score_draws(plan, draw, begin + team.thread, team, memory)
    cuda.syncthreads()
    return total, _sum_terms(team, places, drawn, n, memory) if mine else 0.0


@cuda.jit
def nade_sample_cuda(plan, draw, draws):
    """As ``nade_sample_cpu``, for all rows."""
    state, hidden = cuda.local.array(CELLS, plan.W.dtype), cuda.local.array(CELLS, plan.W.dtype)
    memory, team = cuda.shared.array(0, plan.W.dtype), team_of(plan)
    n, n_vars, n_given = draws.values.shape[0], plan.order.shape[0], draw.prefix.shape[1]
    for first in range(cuda.blockIdx.x * team.rows, n, cuda.gridDim.x * team.rows):
        start(plan, team, state, hidden)
        total, sampling_total, undefined, row = 0.0, 0.0, False, first + team.thread
        for begin in range(0, n_vars, team.threads):
            end = min(begin + team.threads, n_vars)
            _prepare(plan, draw, n, first, begin + team.thread, team, memory)
            walk(plan, NADERule(draw.temperature, draw.sure), begin, end, team, state, hidden, memory)
            _write_bits(plan, draws.values, first, begin + team.thread, team, memory)
            if team.thread < team.rows:
                undefined |= _undefined(draw, max(0, n_given - begin), end - begin, team, memory)
            if draw.want_log_prob:
                own, sampling_own = _sums_of_draws(plan, draw, begin, end, team, memory)
                total, sampling_total = total + own, sampling_total + sampling_own
            cuda.syncthreads()
        if team.thread < team.rows and row < n:
            draws.undefined[row] = undefined
            if draw.want_log_prob:
                draws.log_prob[row], draws.sampling_log_prob[row] = total, sampling_total
