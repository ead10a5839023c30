"""The bucket of one hidden variable as steps: which factors are in it, and in which order they are multiplied."""

from __future__ import annotations

from .jit import inlined
from .sliced import (
    AXIS_WORDS,
    BARREN,
    COMPONENTS,
    COPY,
    FACTORS,
    KIND,
    LIKELY,
    MESSAGES,
    MULTIPLY,
    N_AXES,
    N_OBSERVED,
    NOTHING,
    OUT,
    RANK,
    SLICE_HEAD,
    SMALL_BITS,
    STEPS,
    WAITING,
    WORD,
    axis_at,
)
from .sliced_steps import clipped, write_likelihoods, write_slice, write_sum

__all__ = ["is_full", "sum_out"]


@inlined
def is_full(network, lowering, programs):
    """Whether there may be no room for another step and the list of all."""
    return lowering.counters[WORD] > programs.n_words - 16 * network.n_vars - 64


@inlined
def _end_step(lowering, program, length):
    """The next step is written down behind this one."""
    counters = lowering.counters
    lowering.begins[counters[STEPS]] = counters[WORD] - program
    counters[STEPS] += 1
    counters[WORD] += length


@inlined
def _add_factor(lowering, words, size, axes, n_axes):
    """New cells, for the step that is being written down; returns the number of the factor."""
    factor = lowering.counters[FACTORS]
    lowering.counters[FACTORS] += 1
    words[lowering.counters[WORD] + OUT] = clipped(lowering.cells[0])
    lowering.out[factor] = words[lowering.counters[WORD] + OUT]
    lowering.size[factor] = size
    lowering.axes[factor] = axes
    lowering.n_axes[factor] = n_axes
    lowering.cells[0] += size
    return factor


@inlined
def _wait(lowering, factor):
    """The factor is in the bucket that is worked on."""
    lowering.bucket[lowering.counters[WAITING]] = factor
    lowering.counters[WAITING] += 1


@inlined
def _with_axes(lowering, words, axes, n_axes):
    """The slice in the bucket that has these axes, besides the variable that is summed out; NOTHING without one.

    The result of a sum has to stay as it is, because its slope is asked for.
    """
    for b in range(lowering.counters[MESSAGES], lowering.counters[WAITING]):
        factor = lowering.bucket[b]
        if lowering.n_axes[factor] == n_axes:
            same = True
            for axis in range(n_axes):
                place = AXIS_WORDS * axis
                same &= words[lowering.axes[factor] + place] == words[axes + place]
            if same:
                return factor
    return NOTHING


@inlined
def _add_slice(lowering, program, words, size, n_axes):
    """The slice that is written down becomes a factor of the bucket, or is multiplied into one with the same axes."""
    step = lowering.counters[WORD]
    first = step + SLICE_HEAD + 2 * words[step + N_OBSERVED]
    same = _with_axes(lowering, words, first + AXIS_WORDS, n_axes - 1)
    if same != NOTHING:
        words[step + KIND], words[step + OUT] = MULTIPLY, lowering.out[same]
    else:
        words[step + KIND] = COPY
        _wait(lowering, _add_factor(lowering, words, size, first + AXIS_WORDS, n_axes - 1))
    _end_step(lowering, program, first - step + AXIS_WORDS * n_axes)


@inlined
def _take_tables(network, rows, line, v, program, programs, lowering):
    """The tables that no earlier bucket took, then the likelihoods of v."""
    states, words, number = rows.states, programs.words, lowering.counters[COMPONENTS]
    for t in range(network.touching_start[v], network.touching_start[v + 1]):
        table = network.touching[t]
        if (
            states[line + table] != BARREN
            and lowering.used_in[table] != number
            and not is_full(network, lowering, programs)
        ):
            lowering.used_in[table] = number
            lowering.counters[SMALL_BITS] += network.small_bits[table]
            n_axes, size = write_slice(network, states, line, table, lowering.counters[WORD], words)
            _add_slice(lowering, program, words, size, n_axes)
    if states[line + v] == LIKELY:
        write_likelihoods(network, v, lowering.counters[WORD], words)
        _add_slice(lowering, program, words, float(network.n_states[v]), 1)


@inlined
def _take_smallest(lowering):
    """Takes the factor with the fewest cells out of the bucket, the first of them."""
    best = 0
    for b in range(1, lowering.counters[WAITING]):
        if lowering.size[lowering.bucket[b]] < lowering.size[lowering.bucket[best]]:
            best = b
    factor = lowering.bucket[best]
    lowering.counters[WAITING] -= 1
    for b in range(best, lowering.counters[WAITING]):
        lowering.bucket[b] = lowering.bucket[b + 1]
    return factor


@inlined
def _join_factors(network, v, program, programs, lowering):
    """Multiply the smallest factors of the bucket until two are left: their product has few configurations."""
    words = programs.words
    while lowering.counters[WAITING] > 2 and not is_full(network, lowering, programs):
        first, second = _take_smallest(lowering), _take_smallest(lowering)
        step = lowering.counters[WORD]
        size = write_sum(network, lowering, v, first, second, True, step, words)
        n_axes = words[step + N_AXES]
        _wait(lowering, _add_factor(lowering, words, size, axis_at(step, 0), n_axes))
        _end_step(lowering, program, axis_at(0, n_axes))


@inlined
def sum_out(network, rows, line, v, program, programs, lowering):
    """The steps of the bucket of v; what they give waits for the next variable of its scope."""
    words = programs.words
    lowering.counters[WAITING] = 0
    factor = lowering.head[v]
    lowering.head[v] = NOTHING
    while factor != NOTHING:
        _wait(lowering, factor)
        factor = lowering.next[factor]
    lowering.counters[MESSAGES] = lowering.counters[WAITING]
    _take_tables(network, rows, line, v, program, programs, lowering)
    _join_factors(network, v, program, programs, lowering)
    if is_full(network, lowering, programs):
        return
    first = _take_smallest(lowering)
    second = _take_smallest(lowering) if lowering.counters[WAITING] else NOTHING
    step = lowering.counters[WORD]
    size = write_sum(network, lowering, v, first, second, False, step, words)
    n_axes = words[step + N_AXES]
    factor = _add_factor(lowering, words, size, axis_at(step, 1), n_axes - 1)
    if n_axes:
        to = words[axis_at(step, 0) + RANK]
        lowering.next[factor] = lowering.head[to]
        lowering.head[to] = factor
    _end_step(lowering, program, axis_at(0, n_axes))
