"""The steps of a program on one row, forwards for its value.

Loops over the axes of a step move a place in each factor by *jumps*: what is added once the axes inside have been
walked to their end. ``at`` is where the cells of the program begin, ``line`` where the states of the row do.
"""

from __future__ import annotations

import math

from numba.extending import register_jitable

from .jit import INLINED, inlined, loop
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

__all__ = [
    "first_entry",
    "forward",
    "innermost",
    "is_slice",
    "is_wide",
    "n_steps_of",
    "next_entry",
    "next_run",
    "scale",
    "start_axes",
    "step_at",
    "value_of",
]

MOST_BITS = 1000  # of a product of numbers that float64 holds in full precision
SMALLEST = 2.0**-MOST_BITS
DENORMAL_BITS = 1074


def reordered(function):
    """A loop whose sums may be taken in any order, one that the compiler chooses once: several states side by side."""
    return register_jitable(**INLINED, fastmath={"reassoc", "contract"})(function)


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
def is_wide(words, program, likelihood_bits):
    """Whether numbers may leave the range of float64, so that each step is scaled."""
    return words[program + PROGRAM_BITS] + likelihood_bits > MOST_BITS


@inlined
def value_of(words, program, cells, at):
    """What the last step gave."""
    return cells[at + words[step_at(words, program, n_steps_of(words, program) - 1) + OUT]]


@inlined
def is_slice(words, step):
    """Whether a step copies or multiplies in a part of a table."""
    return words[step + KIND] <= MULTIPLY


# --- slices -------------------------------------------------------------------------------------------------------


@inlined
def first_entry(words, step, states, line):
    """Where the slice of a table begins, given what is observed."""
    entry, place = words[step + FIRST_ENTRY], step + SLICE_HEAD
    for _ in range(words[step + N_OBSERVED]):
        entry += words[place + 1] * states[line + words[place]]
        place += 2
    return entry


@inlined
def start_entries(words, step, counts):
    """Before the first run of a slice."""
    for axis in range(1, words[step + N_HIDDEN]):
        counts[axis] = 0


@inlined
def next_entry(words, step, axes, counts):
    """What to add to the entry after a run along the innermost hidden variable."""
    moved = 0
    for axis in range(1, words[step + N_HIDDEN]):
        moved += words[axes + AXIS_WORDS * axis + FIRST_JUMP]
        counts[axis] += 1
        if counts[axis] < words[axes + AXIS_WORDS * axis + STATES]:
            break
        counts[axis] = 0
    return moved


@inlined
def _slice(words, step, source, entry, memory, at):
    """COPY or MULTIPLY: cells = (or *=) source along the hidden variables."""
    cells, axes = memory.cells, step + SLICE_HEAD + 2 * words[step + N_OBSERVED]
    n, stride = words[axes + STATES], words[axes + FIRST_JUMP]
    out = at + words[step + OUT]
    end = out + words[step + OUT_SIZE]
    start_entries(words, step, memory.counts)
    while True:
        if words[step + KIND] == COPY:
            for k in range(n):
                cells[out + k] = source[entry + k * stride]
        else:
            for k in range(n):
                cells[out + k] *= source[entry + k * stride]
        out += n
        if out >= end:
            return
        entry += n * stride + next_entry(words, step, axes, memory.counts)


@inlined
def slice_step(network, rows, i, words, step, memory, at):
    """Of a table, or of likelihoods."""
    family = words[step + FAMILY]
    if family < network.n_vars:
        entry = first_entry(words, step, rows.states, i * network.n_vars)
        _slice(words, step, network.tables, entry, memory, at)
    else:
        entry = i * rows.n_likelihoods + rows.likelihood_start[family - network.n_vars]
        _slice(words, step, rows.likelihoods, entry, memory, at)


# --- sums and products --------------------------------------------------------------------------------------------


@inlined
def start_axes(words, step, counts):
    """Before the first run."""
    for axis in range(1, words[step + N_AXES]):
        counts[axis] = 0


@inlined
def next_run(words, step, counts, first, second):
    """The places of both factors, after a run along the innermost axis."""
    place = axis_at(step, 1)
    for axis in range(1, words[step + N_AXES]):
        first += words[place + FIRST_JUMP]
        second += words[place + SECOND_JUMP]
        counts[axis] += 1
        if counts[axis] < words[place + STATES]:
            break
        counts[axis] = 0
        place += AXIS_WORDS
    return first, second


@inlined
def innermost(words, step):
    """States of the innermost axis, and how far it moves both factors; one configuration where there is no axis."""
    n, first, second = 1, 0, 0
    if words[step + N_AXES]:
        place = axis_at(step, 0)
        n, first, second = words[place + STATES] + 0, words[place + FIRST_JUMP] + 0, words[place + SECOND_JUMP] + 0
    return n, first, second


@reordered
def _sums(words, step, maximise, cells, at):
    """SUM: cells = sum_k first, or max_k. The factor has all axes, so that it is walked from end to end."""
    k, a, out = words[step + N_STATES], at + words[step + FIRST], at + words[step + OUT]
    for e in range(words[step + OUT_SIZE]):
        total = 0.0
        for j in range(k):
            total = max(total, cells[a + j]) if maximise else total + cells[a + j]
        cells[out + e] = total
        a += k


@reordered
def _pair_sums(words, step, maximise, memory, at):
    """PAIR_SUM: cells = sum_k first * second, or max_k."""
    cells, k, a, b = memory.cells, words[step + N_STATES], at + words[step + FIRST], at + words[step + SECOND]
    n, move_a, move_b = innermost(words, step)
    out = at + words[step + OUT]
    end = out + words[step + OUT_SIZE]
    start_axes(words, step, memory.counts)
    while out < end:
        for e in range(n):
            total = 0.0
            for j in range(k):
                product = cells[a + j] * cells[b + j]
                total = max(total, product) if maximise else total + product
            cells[out + e] = total
            a += move_a
            b += move_b
        out += n
        a, b = next_run(words, step, memory.counts, a, b)


@inlined
def _products(words, step, memory, at):
    """PRODUCT: cells = first * second."""
    cells, k, a, b = memory.cells, words[step + N_STATES], at + words[step + FIRST], at + words[step + SECOND]
    n, move_a, move_b = innermost(words, step)
    out = at + words[step + OUT]
    end = out + words[step + OUT_SIZE]
    start_axes(words, step, memory.counts)
    while out < end:
        for _ in range(n):
            for j in range(k):
                cells[out + j] = cells[a + j] * cells[b + j]
            out += k
            a += move_a
            b += move_b
        a, b = next_run(words, step, memory.counts, a, b)


# --- whole programs -----------------------------------------------------------------------------------------------


@inlined
def _run_step(network, rows, i, words, step, maximise, memory, at):
    kind = words[step + KIND]
    if kind <= MULTIPLY:
        slice_step(network, rows, i, words, step, memory, at)
    elif kind == SUM:
        _sums(words, step, maximise, memory.cells, at)
    elif kind == PAIR_SUM:
        _pair_sums(words, step, maximise, memory, at)
    else:
        _products(words, step, memory, at)


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
    """Multiply by a power of two, so that the largest is in [0.5, 1); returns the power that the original has."""
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
    bits = network.small_bits[family] if family < network.n_vars else rows.likelihood_bits[i] + 0
    return min(bits, DENORMAL_BITS)


@loop
def _is_safe(network, rows, i, words, step, memory, at):
    """Whether products of a step are numbers of full precision."""
    cells, kind = memory.cells, words[step + KIND]
    first, second = 1.0, 1.0
    if kind == MULTIPLY:
        first = smallest(cells, at + words[step + OUT], words[step + OUT_SIZE])
        second = math.ldexp(1.0, -_bits_of_source(network, rows, i, words, step))
    elif kind != COPY and kind != SUM:
        first = smallest(cells, at + words[step + FIRST], words[step + FIRST_SIZE])
        second = smallest(cells, at + words[step + SECOND], words[step + SECOND_SIZE])
    return first * second > SMALLEST


@inlined
def forward(network, rows, i, words, program, maximise, memory, at):
    """Runs a program on row i; its value is to be multiplied by 2 to the power of what is returned first.

    The second is False where numbers became too small to go on.
    """
    wide, exponent = is_wide(words, program, rows.likelihood_bits[i]), 0
    for s in range(n_steps_of(words, program)):
        step = step_at(words, program, s)
        if wide and not _is_safe(network, rows, i, words, step, memory, at):
            return exponent, False
        _run_step(network, rows, i, words, step, maximise, memory, at)
        if wide:
            exponent += scale(memory.cells, at + words[step + OUT], words[step + OUT_SIZE])
    return exponent, True
