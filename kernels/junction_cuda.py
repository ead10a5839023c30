"""CUDA twins of junction.py and junction_states.py: one thread to a row, whose workspace is a column of ``scratch.w``.

Threads beyond the columns of the scratch have nothing to do, the others walk rows that many apart. Sums are in the
order of the CPU loops, which fuse multiplications with additions.
"""

from __future__ import annotations

import math

from numba import cuda, int64, uint32, uint64

from . import junction, uniforms
from .junction import COUNTS, INDICATORS, MARGINALS, SCALE, SOFTEST, SUMS, TURN, UNSCALE
from .junction_vectors import COUNT_LANES
from .philox import STREAM_EVIDENCE
from .philox_cuda import one_word

__all__ = ["answer_cuda", "draw_cuda", "most_probable_cuda"]

device = cuda.jit(device=True)
log_scaled = device(junction.log_scaled)
uniform53 = device(uniforms.uniform53)


@device
def _cell_value(w, program, cell, factor, n_factors, i):
    """The value of one cell in column i."""
    value = w[program.factor_row[factor], i]
    for f in range(1, n_factors):
        value *= w[program.factor_row[factor + f], i]
    return program.weight[cell] * value


@device
def _fill_rows(program, o, w, i, largest):
    """The rows of an operation: sums of cells, or the largest."""
    n, n_factors = int64(program.n_cells[o]), int64(program.n_factors[o])
    cell, factor = int64(program.cell[o]), int64(program.factor[o])
    for t in range(int64(program.n_rows[o])):
        total = 0.0
        for _ in range(n):
            value = _cell_value(w, program, cell, factor, n_factors, i)
            total = max(total, value) if largest else total + value
            cell += 1
            factor += n_factors
        w[int64(program.first_row[o]) + t, i] = total


@device
def _scale(w, first, n, i, scratch):
    """Take a power of two out of n rows: returns it, and log2(largest / smallest)."""
    largest, smallest = 0.0, math.inf
    for t in range(first, first + n):
        largest = max(largest, w[t, i])
        if w[t, i] > 0.0:
            smallest = min(smallest, w[t, i])
    if largest == 0.0:
        return 0, 0
    power = math.frexp(largest)[1]
    for t in range(first, first + n):
        w[t, i] = math.ldexp(w[t, i], -power)
    scratch.exponent[i] += power
    return power, power - math.frexp(smallest)[1]


@device
def _fill_indicators(program, o, evidence, missing, a, scratch, i):
    """Of row a."""
    v, first, n = int64(program.subject[o]), int64(program.first_row[o]), int64(program.n_rows[o])
    code = int64(evidence.codes[v * evidence.stride + a])
    row = int64(evidence.likelihood_row[v])
    for k in range(n):
        known = 1.0 if code in (k, missing) else 0.0
        scratch.w[first + k, i] = known if row < 0 else evidence.likelihoods[row + k, a]
    if row >= 0:
        _, spread = _scale(scratch.w, first, n, i, scratch)
        scratch.softness[i] += spread
        scratch.flags[i] |= scratch.softness[i] > SOFTEST


@device
def _fill_marginals(program, o, evidence, missing, a, scratch, i, answers):
    v, first = int64(program.subject[o]), int64(program.first_row[o])
    observed = int64(evidence.codes[v * evidence.stride + a]) != missing
    for k in range(int64(program.n_rows[o])):
        value = scratch.w[int64(program.factor[o]) + k, i]
        place = (int64(evidence.first_cell[v]) + k) * answers.stride + a
        answers.marginals[place] = value if observed else scratch.w[first + k, i] * value


@device
def _count_cells(program, o, scratch, i, counts):
    n_factors = int64(program.n_factors[o])
    for c in range(int64(program.n_rows[o])):
        factor = int64(program.factor[o]) + c * n_factors
        value = _cell_value(scratch.w, program, int64(program.cell[o]) + c, factor, n_factors, i)
        cuda.atomic.add(counts, (int64(program.subject[o]) + c, i % COUNT_LANES), value)


@device
def _turn(program, o, weights, a, scratch, i, answers):
    value = scratch.w[int64(program.factor[o]), i]
    answers.log_p[a] = log_scaled(value, scratch.exponent[i])
    answers.flagged[a] = scratch.flags[i]
    weight = weights[a] if weights.shape[0] else 1.0
    certain = value > 0.0 and not scratch.flags[i]
    scratch.w[int64(program.first_row[o]), i] = weight / value if certain else 0.0


@device
def _collect(program, o, evidence, missing, a, scratch, i, largest):
    """An operation that fills rows on the way to p(e)."""
    kind, first, n = program.operation[o], int64(program.first_row[o]), int64(program.n_rows[o])
    if kind == SUMS:
        _fill_rows(program, o, scratch.w, i, largest)
    elif kind == INDICATORS:
        _fill_indicators(program, o, evidence, missing, a, scratch, i)
    elif kind == SCALE:
        power, spread = _scale(scratch.w, first, n, i, scratch)
        scratch.scales[int64(program.subject[o]), i] = math.ldexp(1.0, -power)
        scratch.flags[i] |= spread > int64(program.size[2])


@device
def _answer(program, o, evidence, weights, missing, a, scratch, i, answers):
    """Any operation."""
    kind, first = program.operation[o], int64(program.first_row[o])
    if kind == MARGINALS:
        _fill_marginals(program, o, evidence, missing, a, scratch, i, answers)
    elif kind == COUNTS:
        _count_cells(program, o, scratch, i, answers.counts)
    elif kind == UNSCALE:
        for t in range(int64(program.n_rows[o])):
            value = scratch.w[int64(program.factor[o]) + t, i]
            scaled = scratch.w[first + t, i] * scratch.scales[int64(program.subject[o]), i]
            scratch.w[first + t, i] = scaled if value > 0.0 else 0.0
    elif kind == TURN:
        _turn(program, o, weights, a, scratch, i, answers)
    else:
        _collect(program, o, evidence, missing, a, scratch, i, False)


@device
def _begin(scratch, i):
    scratch.exponent[i] = 0
    scratch.softness[i] = 0
    scratch.flags[i] = False


@cuda.jit
def answer_cuda(program, evidence, weights, scratch, answers):
    """Run a program for all rows: whatever it answers. Weights (n,) are those of the counts, or empty: 1."""
    i = cuda.grid(1)
    if i >= scratch.w.shape[1]:
        return
    missing = (1 << (8 * evidence.codes.itemsize)) - 1
    for a in range(i, answers.log_p.shape[0], min(cuda.gridsize(1), scratch.w.shape[1])):
        _begin(scratch, i)
        for o in range(program.operation.shape[0]):
            _answer(program, o, evidence, weights, missing, a, scratch, i, answers)
        if answers.stride and answers.log_p[a] == -math.inf:
            for place in range(a, answers.marginals.shape[0], answers.stride):
                answers.marginals[place] = math.nan


@device
def _place(plan, d, codes, a):
    """First cell, number of cells and first factor of a variable, for states before it."""
    number = int64(plan.first_configuration[d])
    for j in range(plan.scope_start[d], plan.scope_start[d + 1]):
        number += int64(plan.scope_stride[j]) * int64(codes[plan.scope_variable[j], a])
    first = int64(plan.first_cell[number])
    factor = int64(plan.step_factor[d]) + (first - int64(plan.step_cell[d])) * int64(plan.n_factors[d])
    return first, int64(plan.n_cells[number]), factor


@device
def _largest_cell(w, program, first, n, factor, n_factors, i):
    """The first of the largest cells."""
    best, largest = first, -1.0
    for c in range(n):
        value = _cell_value(w, program, first + c, factor + c * n_factors, n_factors, i)
        if value > largest:
            best, largest = first + c, value
    return best


@device
def _cell_with_share(w, program, first, n, factor, n_factors, i, u):
    """The cell whose share of the sum has u in it; never one of value 0."""
    total = 0.0
    for c in range(n):
        total += _cell_value(w, program, first + c, factor + c * n_factors, n_factors, i)
    goal, reached, found = u * total, 0.0, first
    for c in range(n):
        value = _cell_value(w, program, first + c, factor + c * n_factors, n_factors, i)
        if value > 0.0 and reached <= goal:
            found = first + c
        reached += value
    return found


@device
def _collect_all(plan, evidence, missing, a, scratch, i, found, largest):
    """Fill all rows; whether the evidence of row a is possible, all its codes being missing ones if not."""
    _begin(scratch, i)
    for o in range(plan.program.operation.shape[0]):
        _collect(plan.program, o, evidence, missing, a, scratch, i, largest)
    found.log_p[a] = log_scaled(scratch.w[plan.result, i], scratch.exponent[i])
    found.flagged[a] = scratch.flags[i]
    for v in range(found.codes.shape[0]):
        found.codes[v, a] = evidence.codes[v * evidence.stride + a] if found.log_p[a] > -math.inf else missing
    return found.log_p[a] > -math.inf


@cuda.jit
def most_probable_cuda(plan, evidence, scratch, found):
    """codes[:, i] = argmax p(x, e_i)."""
    i = cuda.grid(1)
    if i >= scratch.w.shape[1]:
        return
    missing = (1 << (8 * evidence.codes.itemsize)) - 1
    for a in range(i, found.log_p.shape[0], min(cuda.gridsize(1), scratch.w.shape[1])):
        if _collect_all(plan, evidence, missing, a, scratch, i, found, True):
            for d in range(plan.variable.shape[0]):
                v, n_factors = int64(plan.variable[d]), int64(plan.n_factors[d])
                if int64(evidence.codes[v * evidence.stride + a]) == missing:
                    first, n, factor = _place(plan, d, found.codes, a)
                    best = _largest_cell(scratch.w, plan.program, first, n, factor, n_factors, i)
                    found.codes[v, a] = plan.state[best]


@cuda.jit
def draw_cuda(key, rows, plan, evidence, scratch, found):
    """codes[:, i] = a draw from p(x | e_i), by the words of global row rows[i]."""
    i = cuda.grid(1)
    if i >= scratch.w.shape[1]:
        return
    missing = (1 << (8 * evidence.codes.itemsize)) - 1
    for a in range(i, found.log_p.shape[0], min(cuda.gridsize(1), scratch.w.shape[1])):
        if _collect_all(plan, evidence, missing, a, scratch, i, found, False):
            for d in range(plan.variable.shape[0]):
                v, n_factors = int64(plan.variable[d]), int64(plan.n_factors[d])
                if int64(evidence.codes[v * evidence.stride + a]) == missing:
                    first, n, factor = _place(plan, d, found.codes, a)
                    word = uint64(2) * uint64(v)
                    high = one_word(key, rows[a], word, uint32(STREAM_EVIDENCE))
                    low = one_word(key, rows[a], word + uint64(1), uint32(STREAM_EVIDENCE))
                    u = uniform53(high, low)
                    drawn = _cell_with_share(scratch.w, plan.program, first, n, factor, n_factors, i, u)
                    found.codes[v, a] = plan.state[drawn]
