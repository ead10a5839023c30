"""From which variables of a row are hidden to the programs that sum them out.

Hidden variables that share tables are a component; its *pattern* are these variables, which of them have
likelihoods, and their barren children, in the order in which a search finds them. A program depends on its pattern
alone, so that what comes again is only looked up. Lowering works on sizes and places, never on numbers; a program's
cells are known before any is computed.

Small functions are inlined: handing over a dozen pointers costs more than what they do.
"""

from __future__ import annotations

from numba import uint64

from .jit import inlined, kernel, loop
from .pointers import bare
from .sliced import (
    BARREN,
    COMPONENTS,
    FACTORS,
    FREE,
    HIDDEN,
    LARGE_BITS,
    N_FOUND,
    N_PATTERN,
    NOTHING,
    PROGRAM_BITS,
    PROGRAM_CELLS,
    PROGRAM_HEAD,
    PROGRAM_PATTERN,
    PROGRAM_STARTS,
    PROGRAM_STEPS,
    SMALL_BITS,
    STEPS,
    TOO_LARGE,
    WORD,
    is_hidden,
)
from .sliced_buckets import is_full, sum_out

__all__ = ["lower_rows_cpu"]

FULL = -1  # instead of a place in the words
MUCH = -2  # instead of a program: it has too many cells


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
        if not is_full(network, lowering, programs):
            sum_out(network, rows, line, lowering.hidden[place], program, programs, lowering)
    if is_full(network, lowering, programs):
        for r in range(network.n_vars):
            lowering.head[r] = NOTHING
        return FULL
    if lowering.cells[0] > lowering.cells[1]:
        if lowering.cells[2] == 0.0:  # of the first row that is too large
            lowering.cells[2] = lowering.cells[0]
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
            if lowering.cells[2] == 0.0:
                lowering.cells[2] = float(cells)
            cells = 0
        rows.component_start[i + 1] = end
        programs.used[2] = max(programs.used[2], cells)
    return row_end
