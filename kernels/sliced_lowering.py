"""From which variables of a row are hidden to the programs that sum them out.

Hidden variables that share tables are a component; its *pattern* are these variables, which of them have
likelihoods, and their barren children, in the order in which a search finds them. A program depends on its pattern
alone, so that what comes again is only looked up. Lowering works on sizes and places, never on numbers; a program's
cells are known before any is computed.

Small functions are inlined: handing over a dozen pointers costs more than what they do.
"""

from __future__ import annotations

import numpy as np
from numba import uint64

from .jit import inlined, kernel, loop
from .pointers import bare
from .sliced import (
    AXIS_WORDS,
    BARREN,
    COMPONENTS,
    COPY,
    FACTORS,
    FAMILY,
    FIRST,
    FIRST_ENTRY,
    FIRST_JUMP,
    FIRST_SIZE,
    FREE,
    HIDDEN,
    KIND,
    LARGE_BITS,
    LIKELY,
    MESSAGES,
    MULTIPLY,
    N_AXES,
    N_FOUND,
    N_HIDDEN,
    N_OBSERVED,
    N_PATTERN,
    N_STATES,
    NOTHING,
    OUT,
    OUT_SIZE,
    PAIR_SUM,
    PRODUCT,
    PROGRAM_BITS,
    PROGRAM_CELLS,
    PROGRAM_HEAD,
    PROGRAM_PATTERN,
    PROGRAM_STARTS,
    PROGRAM_STEPS,
    RANK,
    SECOND,
    SECOND_JUMP,
    SECOND_SIZE,
    SLICE_HEAD,
    SMALL_BITS,
    STATES,
    STEPS,
    SUM,
    SUMMED,
    TOO_LARGE,
    WAITING,
    WORD,
    axis_at,
    is_hidden,
)

__all__ = ["lower_rows_cpu"]

FULL = -1  # instead of a place in the words
MUCH = -2  # instead of a program: it has too many cells
LARGEST = 2.0**31 - 1.0


# --- components ---------------------------------------------------------------------------------------------------


@inlined
def _mixed(found, word):
    return (found ^ uint64(word)) * uint64(0x9E3779B97F4A7C15)


@inlined
def _add_hidden(states, line, u, n_hidden, lowering):
    """One more variable of the component, where it is hidden and new; returns how many there are."""
    if is_hidden(states[line + u]) and lowering.component_of[u] != lowering.counters[COMPONENTS]:
        lowering.component_of[u] = lowering.counters[COMPONENTS]
        lowering.hidden[n_hidden] = u
        return n_hidden + 1
    return n_hidden


@inlined
def _find_component(network, states, line, start, lowering):
    """The component of hidden variable ``start``, the first by rank: its hidden variables as they are found, and its
    pattern, which lists each of them and its barren children; returns a hash of it."""
    pattern, n_hidden, place, n_words, found = lowering.pattern, 1, 0, 0, uint64(0)
    lowering.hidden[0], lowering.component_of[start] = start, lowering.counters[COMPONENTS]
    while place < n_hidden:
        v = lowering.hidden[place]
        place += 1
        pattern[n_words] = v if states[line + v] == HIDDEN else v + network.n_vars
        found = _mixed(found, pattern[n_words])
        n_words += 1
        before = n_words
        for t in range(network.touching_start[v], network.touching_start[v + 1]):
            if states[line + network.touching[t]] == BARREN:
                pattern[n_words] = network.touching[t] + 2 * network.n_vars
                found = _mixed(found, pattern[n_words])
                n_words += 1
        if n_words == before:
            for u in range(network.neighbour_start[v], network.neighbour_start[v + 1]):
                n_hidden = _add_hidden(states, line, network.neighbour[u], n_hidden, lowering)
            continue
        for t in range(network.touching_start[v], network.touching_start[v + 1]):
            table = network.touching[t]
            if states[line + table] != BARREN:
                for m in range(network.member_start[table], network.member_start[table + 1]):
                    n_hidden = _add_hidden(states, line, network.member[m], n_hidden, lowering)
    lowering.counters[N_FOUND], lowering.counters[N_PATTERN] = n_hidden, n_words
    return found ^ (found >> uint64(32))


@inlined
def _slot_of(found, programs, lowering):
    """Where the program of the pattern with this hash is, or the free slot where it belongs."""
    n_words, last = lowering.counters[N_PATTERN], uint64(programs.n_slots - 1)
    slot = found & last
    while programs.slots[slot] != FREE:
        program = programs.slots[slot]
        if programs.words[program + PROGRAM_PATTERN] == n_words:
            same = True
            for w in range(n_words):
                same &= programs.words[program + PROGRAM_HEAD + w] == lowering.pattern[w]
            if same:
                break
        slot = (slot + uint64(1)) & last
    return slot


@loop
def _sort(values, n):
    """Ascending (Shell 1959): components are small."""
    gap = 1
    while gap < n:
        gap = 3 * gap + 1
    while gap > 1:
        gap //= 3
        for i in range(gap, n):
            value, j = values[i], i
            while j >= gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value


# --- steps --------------------------------------------------------------------------------------------------------


@inlined
def _clipped(size):
    """A size as a word; programs with more cells are never run."""
    return np.int32(min(size, LARGEST))


@inlined
def _write_slice(network, states, line, table, step, words):
    """Head and observed variables of the slice of a table, then its axes; returns (number of axes, cells)."""
    place = step + SLICE_HEAD
    for m in range(network.member_start[table], network.member_start[table + 1]):
        if states[line + network.member[m]] >= 0:
            words[place] = network.member[m]
            words[place + 1] = network.member_stride[m]
            place += 2
    words[step + FAMILY], words[step + FIRST_ENTRY] = table, network.table_start[table]
    words[step + N_OBSERVED] = (place - step - SLICE_HEAD) >> 1
    n_axes, size, moved = 0, 1.0, 0
    for m in range(network.member_start[table], network.member_start[table + 1]):
        u = network.member[m]
        if is_hidden(states[line + u]):
            words[place + RANK], words[place + STATES] = u, network.n_states[u]
            words[place + FIRST_JUMP] = network.member_stride[m] - moved
            moved = network.member_stride[m] * network.n_states[u]
            size *= network.n_states[u]
            place += AXIS_WORDS
            n_axes += 1
    words[step + N_HIDDEN] = n_axes
    words[step + OUT_SIZE] = _clipped(size)
    return n_axes, size


@loop
def _write_likelihoods(network, v, step, words):
    """Slice of the likelihoods of a variable."""
    words[step + FAMILY] = network.n_vars + v
    words[step + FIRST_ENTRY] = 0
    words[step + N_OBSERVED], words[step + N_HIDDEN] = 0, 1
    place = step + SLICE_HEAD
    words[place + RANK], words[place + STATES] = v, network.n_states[v]
    words[place + FIRST_JUMP] = 1
    words[step + OUT_SIZE] = network.n_states[v]


@inlined
def _merge_axes(network, lowering, first, second, inner, step, words):
    """The axes of two factors, but for the innermost, that both have with ``inner`` states; returns their
    configurations. ``second`` may be NOTHING."""
    i, n_i, at_i = 0, lowering.n_axes[first], lowering.axes[first]
    j, n_j, at_j = 0, 0, 0
    if second != NOTHING:
        n_j, at_j = lowering.n_axes[second], lowering.axes[second]
    stride_i, stride_j, moved_i, moved_j = inner, inner, 0, 0
    n_axes, size = 0, 1.0
    while i < n_i or j < n_j:
        rank_i = words[at_i + AXIS_WORDS * i] if i < n_i else 1 << 30
        rank_j = words[at_j + AXIS_WORDS * j] if j < n_j else 1 << 30
        rank = min(rank_i, rank_j)
        n_states = network.n_states[rank]
        in_i, in_j = rank_i == rank, rank_j == rank
        by_i, by_j = stride_i if in_i else 0, stride_j if in_j else 0
        place = axis_at(step, n_axes)
        words[place + RANK], words[place + STATES] = rank, n_states
        words[place + FIRST_JUMP], words[place + SECOND_JUMP] = by_i - moved_i, by_j - moved_j
        moved_i, moved_j = by_i * n_states, by_j * n_states
        if in_i:
            stride_i, i = moved_i, i + 1
        if in_j:
            stride_j, j = moved_j, j + 1
        size *= n_states
        n_axes += 1
    words[step + N_AXES] = n_axes
    return size


@inlined
def _write_sum(network, lowering, v, first, second, keeps, step, words):
    """A sum over variable v, or where it ``keeps`` v a product; returns its cells."""
    inner = network.n_states[v]
    size = _merge_axes(network, lowering, first, second, inner, step, words)
    words[step + KIND] = PRODUCT if keeps else (SUM if second == NOTHING else PAIR_SUM)
    words[step + SUMMED], words[step + N_STATES] = v, inner
    words[step + FIRST], words[step + FIRST_SIZE] = lowering.out[first], _clipped(lowering.size[first])
    words[step + SECOND], words[step + SECOND_SIZE] = 0, 0
    if second != NOTHING:
        words[step + SECOND], words[step + SECOND_SIZE] = lowering.out[second], _clipped(lowering.size[second])
    size = size * inner if keeps else size
    words[step + OUT_SIZE] = _clipped(size)
    return size


# --- buckets ------------------------------------------------------------------------------------------------------


@inlined
def _is_full(network, lowering, programs):
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
    words[lowering.counters[WORD] + OUT] = _clipped(lowering.cells[0])
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
            and not _is_full(network, lowering, programs)
        ):
            lowering.used_in[table] = number
            lowering.counters[SMALL_BITS] += network.small_bits[table]
            n_axes, size = _write_slice(network, states, line, table, lowering.counters[WORD], words)
            _add_slice(lowering, program, words, size, n_axes)
    if states[line + v] == LIKELY:
        _write_likelihoods(network, v, lowering.counters[WORD], words)
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
    while lowering.counters[WAITING] > 2 and not _is_full(network, lowering, programs):
        first, second = _take_smallest(lowering), _take_smallest(lowering)
        step = lowering.counters[WORD]
        size = _write_sum(network, lowering, v, first, second, True, step, words)
        n_axes = words[step + N_AXES]
        _wait(lowering, _add_factor(lowering, words, size, axis_at(step, 0), n_axes))
        _end_step(lowering, program, axis_at(0, n_axes))


@inlined
def _sum_out(network, rows, line, v, program, programs, lowering):
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
    if _is_full(network, lowering, programs):
        return
    first = _take_smallest(lowering)
    second = _take_smallest(lowering) if lowering.counters[WAITING] else NOTHING
    step = lowering.counters[WORD]
    size = _write_sum(network, lowering, v, first, second, False, step, words)
    n_axes = words[step + N_AXES]
    factor = _add_factor(lowering, words, size, axis_at(step, 1), n_axes - 1)
    if n_axes:
        to = words[axis_at(step, 0) + RANK]
        lowering.next[factor] = lowering.head[to]
        lowering.head[to] = factor
    _end_step(lowering, program, axis_at(0, n_axes))


# --- programs -----------------------------------------------------------------------------------------------------


@loop
def _lower_component(network, rows, line, programs, lowering):
    """The program of the component that was found last; returns where it begins, FULL or MUCH."""
    words, program, counters = programs.words, programs.used[0], lowering.counters
    counters[WORD], counters[STEPS], counters[FACTORS] = program + PROGRAM_HEAD + counters[N_PATTERN], 0, 0
    counters[SMALL_BITS], counters[LARGE_BITS] = 0, 0
    lowering.cells[0] = 0.0
    _sort(lowering.hidden, counters[N_FOUND])
    for place in range(counters[N_FOUND]):
        counters[LARGE_BITS] += network.state_bits[lowering.hidden[place]]
        if not _is_full(network, lowering, programs):
            _sum_out(network, rows, line, lowering.hidden[place], program, programs, lowering)
    if _is_full(network, lowering, programs):
        for r in range(network.n_vars):
            lowering.head[r] = NOTHING
        return FULL
    if lowering.cells[0] > lowering.cells[1]:
        lowering.cells[2] = max(lowering.cells[2], lowering.cells[0])
        return MUCH
    words[program + PROGRAM_CELLS], words[program + PROGRAM_STEPS] = int(lowering.cells[0]), counters[STEPS]
    words[program + PROGRAM_STARTS] = counters[WORD] - program
    words[program + PROGRAM_BITS] = max(counters[SMALL_BITS], counters[LARGE_BITS])
    words[program + PROGRAM_PATTERN] = counters[N_PATTERN]
    for w in range(counters[N_PATTERN]):
        words[program + PROGRAM_HEAD + w] = lowering.pattern[w]
    for s in range(counters[STEPS]):
        words[counters[WORD] + s] = lowering.begins[s]
    programs.used[0] = counters[WORD] + counters[STEPS]
    return program


@inlined
def _program_of(network, rows, line, start, programs, lowering):
    """The program of the component of hidden variable ``start``, lowered where its pattern is new; or FULL, MUCH."""
    lowering.counters[COMPONENTS] += 1
    slot = _slot_of(_find_component(network, rows.states, line, start, lowering), programs, lowering)
    if programs.slots[slot] != FREE:
        return programs.slots[slot] + 0
    if 2 * programs.used[1] >= programs.n_slots:
        return FULL
    begin = _lower_component(network, rows, line, programs, lowering)
    if begin >= 0:
        programs.slots[slot] = begin
        programs.used[1] += 1
    return begin


@inlined
def _is_alone(network, states, line, r):
    """Whether r is hidden without likelihoods, and all its neighbours are observed."""
    together = 0
    for place in range(network.neighbour_start[r], network.neighbour_start[r + 1]):
        together |= states[line + network.neighbour[place]]  # negative as soon as one of them is
    return together >= 0 and states[line + r] == HIDDEN


@inlined
def _program_at(network, rows, line, r, programs, lowering):
    """As ``_program_of``; most components are one variable, whose program has a place of its own."""
    alone = _is_alone(network, rows.states, line, r)
    if alone and programs.alone[r] != FREE:
        return programs.alone[r] + 0
    program = _program_of(network, rows, line, r, programs, lowering)
    if alone and program >= 0:
        programs.alone[r] = program
    return program


@kernel
def lower_rows_cpu(row_begin, row_end, network, rows, programs, lowering):
    """rows.component[start[i] : start[i + 1]] = where the programs of the components of row i's hidden variables begin,
    for rows from row_begin on as long as there is room for programs; returns the first row without."""
    network, rows, programs, lowering = bare(network), bare(rows), bare(programs), bare(lowering)
    for i in range(row_begin, row_end):
        line, before = i * network.n_vars, lowering.counters[COMPONENTS]
        end, cells = rows.component_start[i], 0
        for r in range(network.n_vars):
            if is_hidden(rows.states[line + r]) and lowering.component_of[r] <= before:
                program = _program_at(network, rows, line, r, programs, lowering)
                if program == FULL:
                    return i
                if program == MUCH:
                    rows.status[i] = TOO_LARGE
                    break
                rows.component[end] = program
                cells += programs.words[program + PROGRAM_CELLS]
                end += 1
        if cells > lowering.cells[1]:
            rows.status[i] = TOO_LARGE
            lowering.cells[2] = max(lowering.cells[2], float(cells))
            cells = 0
        rows.component_start[i + 1] = end
        programs.used[2] = max(programs.used[2], cells)
    return row_end
