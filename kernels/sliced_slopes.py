"""Backwards through a program, once it has been run: slopes of its value, shares of states, whole states.

The slope by a cell of a factor, times the cell, is the probability of the evidence together with the configuration that
the cell stands for (Darwiche 2003): shares of it are posteriors of variables and of whole tables. Slopes lie as the
cells of their program do, from the beginning of their memory on.
"""

from __future__ import annotations

from .jit import inlined, loop
from .sliced import (
    FIRST,
    FIRST_JUMP,
    FIRST_SIZE,
    KIND,
    N_AXES,
    N_OBSERVED,
    N_STATES,
    OUT,
    OUT_SIZE,
    PAIR_SUM,
    RANK,
    SECOND,
    SECOND_JUMP,
    SECOND_SIZE,
    SLICE_HEAD,
    STATES,
    SUM,
    axis_at,
)
from .sliced_sums import (
    innermost,
    is_wide,
    n_steps_of,
    next_entry,
    next_run,
    scale,
    start_axes,
    start_entries,
    step_at,
)

__all__ = [
    "add_shares",
    "drawn_state",
    "largest_weight",
    "least_share",
    "start_slopes",
    "step_back",
    "weigh_given",
    "weigh_states",
]

SMALLEST_SHARE = 2.0**-900  # of a sum of shares below it some may have vanished, where steps are scaled


@inlined
def least_share(words, program, likelihood_bits):
    """What a sum of shares has to exceed."""
    return SMALLEST_SHARE if is_wide(words, program, likelihood_bits) else 0.0


@inlined
def start_slopes(words, program, slopes):
    """The slope of the value by itself."""
    slopes[words[step_at(words, program, n_steps_of(words, program) - 1) + OUT]] = 1.0


@loop
def _clear_slopes(slopes, begin, size):
    for j in range(begin, begin + size):
        slopes[j] = 0.0


@loop
def _sums_back(words, step, slopes):
    """Of SUM: each cell of the factor has the slope of its sum."""
    k, a, out = words[step + N_STATES], words[step + FIRST] + 0, words[step + OUT]
    for e in range(words[step + OUT_SIZE]):
        slope = slopes[out + e]
        for j in range(k):
            slopes[a + j] = slope
        a += k


@loop
def _pair_sums_back(words, step, memory, at):
    """Of PAIR_SUM: the slope of the sum times the other factor."""
    cells, slopes, counts = memory.cells, memory.slopes, memory.counts
    k, a, b = words[step + N_STATES], words[step + FIRST] + 0, words[step + SECOND] + 0
    n, move_a, move_b = innermost(words, step)
    out = words[step + OUT] + 0
    end = out + words[step + OUT_SIZE]
    start_axes(words, step, counts)
    while out < end:
        for e in range(n):
            slope = slopes[out + e]
            for j in range(k):
                slopes[a + j] += slope * cells[at + b + j]
                slopes[b + j] += slope * cells[at + a + j]
            a += move_a
            b += move_b
        out += n
        a, b = next_run(words, step, counts, a, b)


@loop
def _products_back(words, step, memory, at):
    """Of PRODUCT: the slope of the product times the other factor."""
    cells, slopes, counts = memory.cells, memory.slopes, memory.counts
    k, a, b = words[step + N_STATES], words[step + FIRST] + 0, words[step + SECOND] + 0
    n, move_a, move_b = innermost(words, step)
    out = words[step + OUT] + 0
    end = out + words[step + OUT_SIZE]
    start_axes(words, step, counts)
    while out < end:
        for _ in range(n):
            for j in range(k):
                slopes[a + j] += slopes[out + j] * cells[at + b + j]
                slopes[b + j] += slopes[out + j] * cells[at + a + j]
            out += k
            a += move_a
            b += move_b
        a, b = next_run(words, step, counts, a, b)


@loop
def step_back(words, program, step, likelihood_bits, memory, at):
    """The slopes by the factors of a step, from those by what it fills."""
    slopes = memory.slopes
    if is_wide(words, program, likelihood_bits):
        scale(slopes, words[step + OUT] + 0, words[step + OUT_SIZE])
    if words[step + KIND] == SUM:
        _sums_back(words, step, slopes)
        return
    _clear_slopes(slopes, words[step + FIRST] + 0, words[step + FIRST_SIZE])
    _clear_slopes(slopes, words[step + SECOND] + 0, words[step + SECOND_SIZE])
    if words[step + KIND] == PAIR_SUM:
        _pair_sums_back(words, step, memory, at)
    else:
        _products_back(words, step, memory, at)


# --- shares -------------------------------------------------------------------------------------------------------


@loop
def weigh_states(words, step, memory, at):
    """weights[k] = shares of the states of the variable that a step sums out, from its smaller factor; returns their
    sum."""
    cells, slopes, weights = memory.cells, memory.slopes, memory.weights
    k, a, size = words[step + N_STATES], words[step + FIRST], words[step + FIRST_SIZE]
    for j in range(k):
        weights[j] = 0.0
    for e in range(a, a + size, k):
        for j in range(k):
            weights[j] += cells[at + e + j] * slopes[e + j]
    total = 0.0
    for j in range(k):
        total += weights[j]
    return total


@loop
def add_shares(words, step, entry, weight, least, memory, at, totals):
    """Of a slice: totals[entry of the table] += weight * share of the cell; False where shares vanish."""
    cells, slopes, counts = memory.cells, memory.slopes, memory.counts
    axes = step + SLICE_HEAD + 2 * words[step + N_OBSERVED]
    n, stride = words[axes + STATES], words[axes + FIRST_JUMP]
    out = words[step + OUT] + 0
    end = out + words[step + OUT_SIZE]
    total = 0.0
    for e in range(out, end):
        total += cells[at + e] * slopes[e]
    if not total > least:
        return False
    start_entries(words, step, counts)
    while out < end:
        for k in range(n):
            totals[entry + k * stride] += cells[at + out + k] * slopes[out + k] * (weight / total)
        out += n
        entry += n * stride + next_entry(words, step, axes, counts)
    return True


# --- states of the variables that are summed out later known ----------------------------------------------------------


@loop
def weigh_given(words, step, states, line, memory, at):
    """weights[k] = what a step sums over, at the states of the variables of its axes; returns their sum."""
    cells, weights = memory.cells, memory.weights
    k, a, b = words[step + N_STATES], at + words[step + FIRST], at + words[step + SECOND]
    moved_a, moved_b = 0, 0
    for axis in range(words[step + N_AXES]):
        place = axis_at(step, axis)
        by_a, by_b = words[place + FIRST_JUMP] + moved_a, words[place + SECOND_JUMP] + moved_b
        a += by_a * states[line + words[place + RANK]]
        b += by_b * states[line + words[place + RANK]]
        moved_a, moved_b = by_a * words[place + STATES], by_b * words[place + STATES]
    total = 0.0
    for j in range(k):
        weights[j] = cells[a + j]
        if words[step + KIND] == PAIR_SUM:
            weights[j] *= cells[b + j]
        total += weights[j]
    return total


@inlined
def largest_weight(weights, n):
    """The first state that has it."""
    best = 0
    for k in range(1, n):
        if weights[k] > weights[best]:
            best = k
    return best


@inlined
def drawn_state(weights, n, threshold):
    """The first state up to which the weights exceed the threshold; none of weight 0."""
    state, total = 0, 0.0
    for k in range(n):
        if weights[k] > 0.0:
            state = k
            total += weights[k]
            if total > threshold:
                break
    return state
