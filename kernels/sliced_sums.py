"""The steps of a program on one row: forwards for its value, backwards for the slopes of the value by every cell.

Loops over the axes of a step move a place in each factor by *jumps*: what is added once the axes inside have been
walked to their end. Offsets are unsigned, so that an index costs no check of its sign; a jump may wrap around.
"""

from __future__ import annotations

import math

from numba import uint64

from .jit import inlined, loop
from .sliced import (
    AXIS_WORDS,
    COPY,
    FAMILY,
    FIRST,
    FIRST_ENTRY,
    FIRST_JUMP,
    FIRST_SIZE,
    KIND,
    MULTIPLY,
    N_AXES,
    N_HIDDEN,
    N_OBSERVED,
    N_STATES,
    OUT,
    OUT_SIZE,
    PAIR_SUM,
    PROGRAM_BITS,
    PROGRAM_STARTS,
    PROGRAM_STEPS,
    SECOND,
    SECOND_JUMP,
    SECOND_SIZE,
    SLICE_HEAD,
    STATES,
    SUM,
    axis_at,
)

__all__ = ["forward", "is_wide", "n_steps_of", "step_at", "value_of"]

MOST_BITS = 1000  # of a product of numbers that float64 holds in full precision
SMALLEST = 2.0**-MOST_BITS


# --- programs -----------------------------------------------------------------------------------------------------


@inlined
def n_steps_of(words, program):
    """Number of steps."""
    return words[program + PROGRAM_STEPS]


@inlined
def step_at(words, program, s):
    """Where step s begins."""
    return program + words[program + words[program + PROGRAM_STARTS] + s]


@inlined
def bits_of(words, program):
    """Below 1 no number of a program is smaller than 2 to the power of minus these, and none above is larger."""
    return words[program + PROGRAM_BITS]


@inlined
def is_wide(words, program, likelihood_bits):
    """Whether numbers may leave the range of float64, so that each step is scaled."""
    return bits_of(words, program) + likelihood_bits > MOST_BITS


@inlined
def value_of(words, program, cells):
    """What the last step gave."""
    return cells[words[step_at(words, program, n_steps_of(words, program) - 1) + OUT]]


# --- slices -------------------------------------------------------------------------------------------------------


@inlined
def first_entry(words, step, states):
    """Where the slice of a table begins, given what is observed."""
    entry = uint64(words[step + FIRST_ENTRY])
    place = step + SLICE_HEAD
    for _ in range(words[step + N_OBSERVED]):
        entry += uint64(words[place + 1]) * uint64(states[words[place]])
        place += 2
    return entry


@inlined
def next_entry(words, step, axes, counts):
    """What to add to the entry after a run along the innermost hidden variable."""
    moved = uint64(0)
    for axis in range(1, words[step + N_HIDDEN]):
        moved += uint64(words[axes + AXIS_WORDS * axis + FIRST_JUMP])
        counts[axis] += 1
        if counts[axis] < words[axes + AXIS_WORDS * axis + STATES]:
            return moved
        counts[axis] = 0
    return moved


@loop
def _slice(words, step, source, entry, counts, cells):
    """COPY or MULTIPLY: cells = (or *=) source along the hidden variables."""
    axes = step + SLICE_HEAD + 2 * words[step + N_OBSERVED]
    n, stride = uint64(words[axes + STATES]), uint64(words[axes + FIRST_JUMP])
    out = uint64(words[step + OUT])
    end = out + uint64(words[step + OUT_SIZE])
    for axis in range(1, words[step + N_HIDDEN]):
        counts[axis] = 0
    while out < end:
        if words[step + KIND] == COPY:
            for k in range(n):
                cells[out + k] = source[entry + k * stride]
        else:
            for k in range(n):
                cells[out + k] *= source[entry + k * stride]
        out += n
        entry += n * stride + next_entry(words, step, axes, counts)


@inlined
def slice_step(network, rows, i, words, step, counts, cells):
    """Of a table, or of likelihoods."""
    family = words[step + FAMILY]
    if family < network.column.shape[0]:
        _slice(words, step, network.tables, first_entry(words, step, rows.states[i]), counts, cells)
    else:
        entry = uint64(family - network.column.shape[0])
        _slice(words, step, rows.likelihoods[i], entry, counts, cells)


# --- sums and products --------------------------------------------------------------------------------------------


@inlined
def start_axes(words, step, counts):
    """Before the first configuration."""
    for axis in range(1, words[step + N_AXES]):
        counts[axis] = 0


@inlined
def next_run(words, step, counts, first, second):
    """The places of both factors, after a run along the innermost axis."""
    place = axis_at(step, 1)
    for axis in range(1, words[step + N_AXES]):
        first += uint64(words[place + FIRST_JUMP])
        second += uint64(words[place + SECOND_JUMP])
        counts[axis] += 1
        if counts[axis] < words[place + STATES]:
            break
        counts[axis] = 0
        place += AXIS_WORDS
    return first, second


@inlined
def innermost(words, step):
    """States of the innermost axis, and how far it moves both factors; one configuration where there is no axis."""
    if words[step + N_AXES] == 0:
        return uint64(1), uint64(0), uint64(0)
    place = axis_at(step, 0)
    return uint64(words[place + STATES]), uint64(words[place + FIRST_JUMP]), uint64(words[place + SECOND_JUMP])


@inlined
def _sum(cells, a, k):
    total = 0.0
    for j in range(k):
        total += cells[a + j]
    return total


@inlined
def _pair_sum(cells, a, b, k):
    total = 0.0
    for j in range(k):
        total += cells[a + j] * cells[b + j]
    return total


@inlined
def _largest(cells, a, k):
    found = 0.0
    for j in range(k):
        found = max(found, cells[a + j])
    return found


@inlined
def _largest_of_pair(cells, a, b, k):
    found = 0.0
    for j in range(k):
        found = max(found, cells[a + j] * cells[b + j])
    return found


@loop
def _sums(words, step, maximise, counts, cells):
    """SUM: cells = sum_k first, or max_k. One factor has all axes, so that it is walked from end to end."""
    k, a = uint64(words[step + N_STATES]), uint64(words[step + FIRST])
    begin = uint64(words[step + OUT])
    for e in range(uint64(words[step + OUT_SIZE])):
        cells[begin + e] = _largest(cells, a, k) if maximise else _sum(cells, a, k)
        a += k


@loop
def _pair_sums(words, step, maximise, counts, cells):
    """PAIR_SUM: cells = sum_k first * second, or max_k."""
    k, a, b = uint64(words[step + N_STATES]), uint64(words[step + FIRST]), uint64(words[step + SECOND])
    n, move_a, move_b = innermost(words, step)
    out = uint64(words[step + OUT])
    end = out + uint64(words[step + OUT_SIZE])
    start_axes(words, step, counts)
    while out < end:
        for j in range(n):
            cells[out + j] = _largest_of_pair(cells, a, b, k) if maximise else _pair_sum(cells, a, b, k)
            a += move_a
            b += move_b
        out += n
        a, b = next_run(words, step, counts, a, b)


@loop
def _products(words, step, counts, cells):
    """PRODUCT: cells = first * second."""
    k, a, b = uint64(words[step + N_STATES]), uint64(words[step + FIRST]), uint64(words[step + SECOND])
    n, move_a, move_b = innermost(words, step)
    out = uint64(words[step + OUT])
    end = out + uint64(words[step + OUT_SIZE])
    start_axes(words, step, counts)
    while out < end:
        for _ in range(n):
            for j in range(k):
                cells[out + j] = cells[a + j] * cells[b + j]
            out += k
            a += move_a
            b += move_b
        a, b = next_run(words, step, counts, a, b)


@inlined
def sum_step(words, step, maximise, counts, cells):
    """Any step that is no slice."""
    kind = words[step + KIND]
    if kind == SUM:
        _sums(words, step, maximise, counts, cells)
    elif kind == PAIR_SUM:
        _pair_sums(words, step, maximise, counts, cells)
    else:
        _products(words, step, counts, cells)


# --- whole programs -----------------------------------------------------------------------------------------------


@inlined
def is_slice(words, step):
    """Whether a step copies or multiplies in a part of a table."""
    return words[step + KIND] <= MULTIPLY


@inlined
def _run_step(network, rows, i, words, step, maximise, counts, cells):
    if is_slice(words, step):
        slice_step(network, rows, i, words, step, counts, cells)
    else:
        sum_step(words, step, maximise, counts, cells)


@loop
def smallest(cells, begin, size):
    """The smallest that is not 0; infinite where all are."""
    found = math.inf
    for e in range(begin, begin + size):
        if cells[e] > 0.0:
            found = min(found, cells[e])
    return found


@loop
def scale(cells, begin, size):
    """Multiply by a power of two, so that the largest is in [0.5, 1); returns what of, for the original."""
    largest = 0.0
    for e in range(begin, begin + size):
        largest = max(largest, cells[e])
    if largest == 0.0:
        return 0
    exponent = max(math.frexp(largest)[1], -MOST_BITS)
    factor = math.ldexp(1.0, -exponent)
    for e in range(begin, begin + size):
        cells[e] *= factor
    return exponent


@inlined
def _bits_of_source(network, rows, i, words, step):
    """No entry that a slice reads is smaller than 2 to the power of minus these."""
    family = words[step + FAMILY]
    return network.small_bits[family] if family < network.column.shape[0] else rows.likelihood_bits[i]


@loop
def _is_safe(network, rows, i, words, step, cells):
    """Whether products of a step are numbers of full precision."""
    kind = words[step + KIND]
    if kind in (COPY, SUM):
        return True
    if kind == MULTIPLY:
        bits = min(_bits_of_source(network, rows, i, words, step), 1074)
        return smallest(cells, words[step + OUT], words[step + OUT_SIZE]) * math.ldexp(1.0, -bits) > SMALLEST
    first = smallest(cells, words[step + FIRST], words[step + FIRST_SIZE])
    return first * smallest(cells, words[step + SECOND], words[step + SECOND_SIZE]) > SMALLEST


@loop
def _forward_scaled(network, rows, i, words, program, maximise, counts, cells):
    """As ``forward``, the cells of every step scaled."""
    exponent = 0
    for s in range(n_steps_of(words, program)):
        step = step_at(words, program, s)
        if not _is_safe(network, rows, i, words, step, cells):
            return exponent, False
        _run_step(network, rows, i, words, step, maximise, counts, cells)
        exponent += scale(cells, words[step + OUT], words[step + OUT_SIZE])
    return exponent, True


@loop
def forward(network, rows, i, words, program, maximise, counts, cells):
    """Runs a program on row i; its value is to be multiplied by 2 to the power of what is returned first.

    The second is False where numbers became too small to go on.
    """
    if is_wide(words, program, rows.likelihood_bits[i]):
        return _forward_scaled(network, rows, i, words, program, maximise, counts, cells)
    for s in range(n_steps_of(words, program)):
        _run_step(network, rows, i, words, step_at(words, program, s), maximise, counts, cells)
    return 0, True
