"""Backwards through a program, once it has been run: slopes of its value, most probable states, draws.

The slope by a cell of a factor, times the cell, is the probability of the evidence together with the configuration that
the cell stands for (Darwiche 2003): shares of it are posteriors of variables and of whole tables.
"""

from __future__ import annotations

from numba import uint64

from .jit import inlined, loop
from .sliced import (
    FIRST,
    FIRST_JUMP,
    FIRST_SIZE,
    KIND,
    N_AXES,
    N_HIDDEN,
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
    next_entry,
    next_run,
    start_axes,
)

__all__ = []

SMALLEST_SHARE = 2.0**-900  # of a sum of shares below it some may have vanished


# --- slopes -------------------------------------------------------------------------------------------------------


@loop
def _clear_slopes(words, step, slopes):
    a = uint64(words[step + FIRST])
    for j in range(uint64(words[step + FIRST_SIZE])):
        slopes[a + j] = 0.0
    b = uint64(words[step + SECOND])
    for j in range(uint64(words[step + SECOND_SIZE])):
        slopes[b + j] = 0.0


@loop
def _sums_back(words, step, slopes):
    """Of SUM: each cell of the factor has the slope of its sum."""
    k, a = uint64(words[step + N_STATES]), uint64(words[step + FIRST])
    begin = uint64(words[step + OUT])
    for e in range(uint64(words[step + OUT_SIZE])):
        slope = slopes[begin + e]
        for j in range(k):
            slopes[a + j] = slope
        a += k


@loop
def _pair_sums_back(words, step, counts, cells, slopes):
    """Of PAIR_SUM: the slope of the sum times the other factor."""
    k, a, b = uint64(words[step + N_STATES]), uint64(words[step + FIRST]), uint64(words[step + SECOND])
    n, move_a, move_b = innermost(words, step)
    out = uint64(words[step + OUT])
    end = out + uint64(words[step + OUT_SIZE])
    start_axes(words, step, counts)
    while out < end:
        for _ in range(n):
            slope = slopes[out]
            for j in range(k):
                slopes[a + j] += slope * cells[b + j]
                slopes[b + j] += slope * cells[a + j]
            out += uint64(1)
            a += move_a
            b += move_b
        a, b = next_run(words, step, counts, a, b)


@loop
def _products_back(words, step, counts, cells, slopes):
    """Of PRODUCT: the slope of the product times the other factor."""
    k, a, b = uint64(words[step + N_STATES]), uint64(words[step + FIRST]), uint64(words[step + SECOND])
    n, move_a, move_b = innermost(words, step)
    out = uint64(words[step + OUT])
    end = out + uint64(words[step + OUT_SIZE])
    start_axes(words, step, counts)
    while out < end:
        for _ in range(n):
            for j in range(k):
                slopes[a + j] += slopes[out + j] * cells[b + j]
                slopes[b + j] += slopes[out + j] * cells[a + j]
            out += k
            a += move_a
            b += move_b
        a, b = next_run(words, step, counts, a, b)


@inlined
def step_back(words, step, counts, cells, slopes):
    """The slopes by the factors of a step, from those by what it fills."""
    kind = words[step + KIND]
    if kind == SUM:
        _sums_back(words, step, slopes)
        return
    _clear_slopes(words, step, slopes)
    if kind == PAIR_SUM:
        _pair_sums_back(words, step, counts, cells, slopes)
    else:
        _products_back(words, step, counts, cells, slopes)


# --- shares -------------------------------------------------------------------------------------------------------


@loop
def weigh_states(words, step, cells, slopes, weights):
    """weights[k] = shares of the states of the variable that a step sums out, from its smaller factor; returns their
    sum."""
    k, a, size = uint64(words[step + N_STATES]), uint64(words[step + FIRST]), words[step + FIRST_SIZE]
    for j in range(k):
        weights[j] = 0.0
    for e in range(a, a + uint64(size), k):
        for j in range(k):
            weights[j] += cells[e + j] * slopes[e + j]
    total = 0.0
    for j in range(k):
        total += weights[j]
    return total


@loop
def add_shares(words, step, entry, weight, counts, cells, slopes, totals):
    """Of a slice: totals[entry of the table] += weight * share of the cell; returns the sum of the shares."""
    axes = step + SLICE_HEAD + 2 * words[step + N_OBSERVED]
    n, stride = uint64(words[axes + STATES]), uint64(words[axes + FIRST_JUMP])
    out = uint64(words[step + OUT])
    end = out + uint64(words[step + OUT_SIZE])
    total = 0.0
    for e in range(out, end):
        total += cells[e] * slopes[e]
    for axis in range(1, words[step + N_HIDDEN]):
        counts[axis] = 0
    while out < end:
        for k in range(n):
            totals[entry + k * stride] += cells[out + k] * slopes[out + k] * (weight / total)
        out += n
        entry += n * stride + next_entry(words, step, axes, counts)
    return total


# --- states of all other variables known -----------------------------------------------------------------------------


@loop
def weigh_given(words, step, states, cells, weights):
    """weights[k] = what a step sums over, at the states of the variables of its axes; returns their sum."""
    k, a, b = uint64(words[step + N_STATES]), uint64(words[step + FIRST]), uint64(words[step + SECOND])
    moved_a, moved_b = uint64(0), uint64(0)
    for axis in range(words[step + N_AXES]):
        place = axis_at(step, axis)
        by_a, by_b = uint64(words[place + FIRST_JUMP]) + moved_a, uint64(words[place + SECOND_JUMP]) + moved_b
        a += by_a * uint64(states[words[place + RANK]])
        b += by_b * uint64(states[words[place + RANK]])
        moved_a, moved_b = by_a * uint64(words[place + STATES]), by_b * uint64(words[place + STATES])
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
