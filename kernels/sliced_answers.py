"""Answers about rows with hidden variables, from the programs of their components.

log p(e) is the sum of the logarithms of all components' values and of the tables that are observed. Rows that are
impossible have log p = -inf, those whose numbers became too small NaN and a status that says so.
"""

from __future__ import annotations

import math

from numba import uint32, uint64

from .jit import inlined, kernel, loop
from .philox import STREAM_EVIDENCE, one_word
from .pointers import bare, pointer
from .sliced import (
    ANSWERED,
    BARREN,
    FAMILY,
    KIND,
    N_STATES,
    PRODUCT,
    PROGRAM_CELLS,
    SUMMED,
    TOO_SMALL,
)
from .sliced_slopes import (
    add_shares,
    drawn_state,
    largest_weight,
    least_share,
    start_slopes,
    step_back,
    weigh_given,
    weigh_states,
)
from .sliced_sums import first_entry, forward, is_slice, is_wide, n_steps_of, step_at, value_of
from .uniforms import uniform53

__all__ = ["draw_cpu", "expected_counts_cpu", "log_evidence_cpu", "marginals_cpu", "most_probable_cpu"]

LOG_2 = math.log(2.0)
SMALL, LARGE = 1e-140, 1e140  # the product of two numbers between them is no overflow


@loop
def collect(network, rows, i, words, maximise, memory):
    """Runs all programs of row i, one behind the other in the cells: rows.log_p[i] = log p(e), or log max p(x, e)."""
    total, product, at = rows.log_p[i], 1.0, 0
    for c in range(rows.component_start[i], rows.component_start[i + 1]):
        program = rows.component[c]
        exponent, safe = forward(network, rows, i, words, program, maximise, memory, at)
        if not safe:
            rows.status[i], total = TOO_SMALL, math.nan
            break
        value = value_of(words, program, memory.cells, at)
        at += words[program + PROGRAM_CELLS]
        total += exponent * LOG_2
        if value > SMALL and value < LARGE:
            product *= value
        else:
            total += math.log(value) if value > 0.0 else -math.inf
        if product < SMALL or product > LARGE:
            total += math.log(product)
            product = 1.0
    rows.log_p[i] = total + math.log(product)


@inlined
def is_possible(rows, i):
    """Whether there is something to answer."""
    return rows.status[i] == ANSWERED and rows.log_p[i] > -math.inf


@kernel
def log_evidence_cpu(row_begin, row_end, network, rows, programs, memory):
    """rows.log_p[i] = log sum_x p(x, e_i), nats."""
    network, rows, programs, memory = bare(network), bare(rows), bare(programs), bare(memory)
    for i in range(row_begin, row_end):
        if is_possible(rows, i):
            collect(network, rows, i, programs.words, False, memory)


# --- marginals ----------------------------------------------------------------------------------------------------


@loop
def share_states(network, words, program, likelihood_bits, memory, at, posterior, line):
    """posterior[line + cell of state k of v] = P(x_v = k | e) of all variables of a component; False where shares
    vanish."""
    start_slopes(words, program, memory.slopes)
    for s in range(n_steps_of(words, program) - 1, -1, -1):
        step = step_at(words, program, s)
        if is_slice(words, step):
            continue
        step_back(words, program, step, likelihood_bits, memory, at)
        if words[step + KIND] == PRODUCT:
            continue
        total = weigh_states(words, step, memory, at)
        if not total > least_share(words, program, likelihood_bits):
            return False
        first = line + network.first_cell[words[step + SUMMED]]
        for k in range(words[step + N_STATES]):
            posterior[first + k] = memory.weights[k] / total
    return True


@loop
def share_all(network, rows, i, words, memory, posterior, line):
    """P(x_v = k | e_i) of all variables, after ``collect``; NaN where there is no answer."""
    n_cells = network.n_cells
    if not is_possible(rows, i):
        for c in range(n_cells):
            posterior[line + c] = math.nan
        return
    at = 0
    for c in range(rows.component_start[i], rows.component_start[i + 1]):
        program = rows.component[c]
        if not share_states(network, words, program, rows.likelihood_bits[i], memory, at, posterior, line):
            rows.status[i] = TOO_SMALL
            return
        at += words[program + PROGRAM_CELLS]
    for r in range(network.n_vars):
        state = rows.states[i * network.n_vars + r]
        if state >= 0:
            for k in range(network.n_states[r]):
                posterior[line + network.first_cell[r] + k] = 1.0 if k == state else 0.0


@kernel
def marginals_cpu(row_begin, row_end, network, rows, programs, memory, posterior):
    """posterior[i, cell of state k of v] = P(x_v = k | e_i), and rows.log_p[i] = log p(e_i)."""
    network, rows, programs, memory = bare(network), bare(rows), bare(programs), bare(memory)
    posterior = pointer(posterior)
    for i in range(row_begin, row_end):
        if is_possible(rows, i):
            collect(network, rows, i, programs.words, False, memory)
        share_all(network, rows, i, programs.words, memory, posterior, i * network.n_cells)


# --- expected counts ----------------------------------------------------------------------------------------------


@loop
def _count_components(network, rows, i, words, memory, weight, counts):
    """Adds weight times the share of every configuration to all tables of a row's components; False where shares
    vanish."""
    at, bits = 0, rows.likelihood_bits[i]
    for c in range(rows.component_start[i], rows.component_start[i + 1]):
        program = rows.component[c]
        least = least_share(words, program, bits)
        start_slopes(words, program, memory.slopes)
        for s in range(n_steps_of(words, program) - 1, -1, -1):
            step = step_at(words, program, s)
            if not is_slice(words, step):
                step_back(words, program, step, bits, memory, at)
            elif words[step + FAMILY] < network.n_vars:
                entry = first_entry(words, step, rows.states, i * network.n_vars)
                if not add_shares(words, step, entry, weight, least, memory, at, counts):
                    return False
        at += words[program + PROGRAM_CELLS]
    return True


@inlined
def _has_wide(rows, i, words):
    """Whether shares of a row may vanish."""
    wide = False
    for c in range(rows.component_start[i], rows.component_start[i + 1]):
        wide |= is_wide(words, rows.component[c], rows.likelihood_bits[i])
    return wide


@loop
def _count_observed(network, states, line, weight, counts):
    """counts[entry] += weight for all tables that are observed."""
    for r in range(network.n_vars):
        entry, known = network.table_start[r], True
        for m in range(network.member_start[r], network.member_start[r + 1]):
            state = states[line + network.member[m]]
            known &= state >= 0
            entry += network.member_stride[m] * state
        if known:
            counts[entry] += weight


@kernel
def expected_counts_cpu(row_begin, row_end, network, rows, programs, memory, totals):
    """counts[entry] += weights[i] P(configuration of the table's variables | e_i), and rows.log_p[i] = log p(e_i)."""
    network, rows, programs, memory = bare(network), bare(rows), bare(programs), bare(memory)
    totals, words = bare(totals), programs.words
    for i in range(row_begin, row_end):
        if is_possible(rows, i):
            collect(network, rows, i, words, False, memory)
        if not is_possible(rows, i):
            continue
        if _has_wide(rows, i, words) and not _count_components(network, rows, i, words, memory, 0.0, totals.counts):
            rows.status[i] = TOO_SMALL  # before anything was added
            continue
        _count_observed(network, rows.states, i * network.n_vars, totals.weights[i], totals.counts)
        _count_components(network, rows, i, words, memory, totals.weights[i], totals.counts)


# --- whole states -------------------------------------------------------------------------------------------------


@loop
def _fill_most_probable(words, program, memory, at, states, line):
    """The states of a component that together have the largest value, after a maximising ``forward``."""
    for s in range(n_steps_of(words, program) - 1, -1, -1):
        step = step_at(words, program, s)
        if not is_slice(words, step) and words[step + KIND] != PRODUCT:
            weigh_given(words, step, states, line, memory, at)
            states[line + words[step + SUMMED]] = largest_weight(memory.weights, words[step + N_STATES])


@kernel
def most_probable_cpu(row_begin, row_end, network, rows, programs, memory):
    """rows.states[i] = argmax_x p(x, e_i), and rows.log_p[i] = its logarithm, nats."""
    network, rows, programs, memory = bare(network), bare(rows), bare(programs), bare(memory)
    words = programs.words
    for i in range(row_begin, row_end):
        if is_possible(rows, i):
            collect(network, rows, i, words, True, memory)
        if not is_possible(rows, i):
            continue
        at = 0
        for c in range(rows.component_start[i], rows.component_start[i + 1]):
            program = rows.component[c]
            _fill_most_probable(words, program, memory, at, rows.states, i * network.n_vars)
            at += words[program + PROGRAM_CELLS]


@inlined
def _uniform(key, row, v):
    """53 bits in [0, 1): words 2 v and 2 v + 1 of the row."""
    high = one_word(key, row, uint64(2 * v), uint32(STREAM_EVIDENCE))
    low = one_word(key, row, uint64(2 * v + 1), uint32(STREAM_EVIDENCE))
    return uniform53(high, low)


@loop
def _draw_component(network, words, program, memory, at, rows, i, random):
    """States of a component by their joint posterior, after ``forward``."""
    line = i * network.n_vars
    for s in range(n_steps_of(words, program) - 1, -1, -1):
        step = step_at(words, program, s)
        if not is_slice(words, step) and words[step + KIND] != PRODUCT:
            total = weigh_given(words, step, rows.states, line, memory, at)
            v = words[step + SUMMED]
            threshold = _uniform(random.key, random.rows[i], network.column[v]) * total
            rows.states[line + v] = drawn_state(memory.weights, words[step + N_STATES], threshold)


@loop
def _draw_barren(network, weights, rows, i, random):
    """Barren variables given their parents, from the tables: nothing that is known depends on them."""
    line = i * network.n_vars
    for place in range(network.n_vars - 1, -1, -1):
        r = network.upwards[place]
        if rows.states[line + r] != BARREN:
            continue
        entry, stride = network.table_start[r], 0
        for m in range(network.member_start[r], network.member_start[r + 1]):
            if network.member[m] == r:
                stride = network.member_stride[m]
            else:
                entry += network.member_stride[m] * rows.states[line + network.member[m]]
        total = 0.0
        for k in range(network.n_states[r]):
            weights[k] = network.tables[entry + k * stride]
            total += weights[k]
        threshold = _uniform(random.key, random.rows[i], network.column[r]) * total
        rows.states[line + r] = drawn_state(weights, network.n_states[r], threshold)


@kernel
def draw_cpu(row_begin, row_end, network, rows, programs, memory, random):
    """rows.states[i] = a draw from p(x | e_i), by the words of global row random.rows[i]: barren variables last, from
    the tables."""
    network, rows, programs, memory = bare(network), bare(rows), bare(programs), bare(memory)
    random, words = bare(random), programs.words
    for i in range(row_begin, row_end):
        if is_possible(rows, i):
            collect(network, rows, i, words, False, memory)
        if not is_possible(rows, i):
            continue
        at = 0
        for c in range(rows.component_start[i], rows.component_start[i + 1]):
            program = rows.component[c]
            _draw_component(network, words, program, memory, at, rows, i, random)
            at += words[program + PROGRAM_CELLS]
        _draw_barren(network, memory.weights, rows, i, random)
