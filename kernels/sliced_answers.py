"""Answers about rows with hidden variables, from the programs of their components.

log p(e) is the sum of the logarithms of all components' values and of the tables that are observed. Rows that are
impossible have log p = -inf, those whose numbers became too small NaN and a status that says so.
"""

from __future__ import annotations

import math

from numba import uint32, uint64

from .jit import inlined, kernel, loop
from .philox import STREAM_EVIDENCE, one_word
from .sliced import (
    ANSWERED,
    BARREN,
    FAMILY,
    KIND,
    N_STATES,
    OUT,
    OUT_SIZE,
    PRODUCT,
    PROGRAM_CELLS,
    SUMMED,
    TOO_SMALL,
)
from .sliced_slopes import (
    SMALLEST_SHARE,
    add_shares,
    drawn_state,
    largest_weight,
    step_back,
    weigh_given,
    weigh_states,
)
from .sliced_sums import first_entry, forward, is_slice, is_wide, n_steps_of, scale, step_at, value_of

__all__ = ["draw_cpu", "expected_counts_cpu", "log_evidence_cpu", "marginals_cpu", "most_probable_cpu"]

LOG_2 = math.log(2.0)
SMALL, LARGE = 1e-140, 1e140  # a product of two numbers between them is no overflow


@loop
def collect(network, rows, i, words, maximise, counts, cells):
    """Runs all programs of row i, one behind the other in ``cells``; returns log p(e), or log max p(x, e)."""
    total, product, at = rows.log_p[i], 1.0, 0
    for c in range(rows.component_start[i], rows.component_start[i + 1]):
        if total == -math.inf:
            break
        program = rows.component[c]
        own = cells[at : at + words[program + PROGRAM_CELLS]]
        at += words[program + PROGRAM_CELLS]
        exponent, safe = forward(network, rows, i, words, program, maximise, counts, own)
        if not safe:
            rows.status[i] = TOO_SMALL
            return math.nan
        value = value_of(words, program, own)
        total += exponent * LOG_2
        if value > SMALL and value < LARGE:
            product *= value
        else:
            total += math.log(value) if value > 0.0 else -math.inf
        if product < SMALL or product > LARGE:
            total += math.log(product)
            product = 1.0
    return total + math.log(product)


@inlined
def is_possible(rows, i):
    """Whether there is something to answer."""
    return rows.status[i] == ANSWERED and rows.log_p[i] > -math.inf


@kernel
def log_evidence_cpu(row_begin, row_end, network, rows, programs, memory):
    """rows.log_p[i] = log sum_x p(x, e_i), nats."""
    for i in range(row_begin, row_end):
        if rows.status[i] == ANSWERED:
            rows.log_p[i] = collect(network, rows, i, programs.words, False, memory.counts[0], memory.cells[0])


# --- marginals ----------------------------------------------------------------------------------------------------


@inlined
def slopes_of_step(rows, i, words, program, step, counts, cells, slopes):
    """Those of the step's factors, where the slopes of what it fills are known."""
    if is_wide(words, program, rows.likelihood_bits[i]):
        scale(slopes, words[step + OUT], words[step + OUT_SIZE])
    step_back(words, step, counts, cells, slopes)


@inlined
def start_slopes(words, program, slopes):
    """The slope of the value by itself."""
    slopes[words[step_at(words, program, n_steps_of(words, program) - 1) + OUT]] = 1.0


@loop
def share_states(network, rows, i, words, program, memory, line, cells, posterior):
    """posterior[cell of state k of v] = P(x_v = k | e) of all variables of a component; False where shares vanish."""
    counts, slopes, weights = memory.counts[line], memory.slopes[line], memory.weights[line]
    start_slopes(words, program, slopes)
    for s in range(n_steps_of(words, program) - 1, -1, -1):
        step = step_at(words, program, s)
        if is_slice(words, step):
            continue
        slopes_of_step(rows, i, words, program, step, counts, cells, slopes)
        if words[step + KIND] == PRODUCT:
            continue
        total = weigh_states(words, step, cells, slopes, weights)
        if not total > SMALLEST_SHARE:
            return False
        first = network.first_cell[words[step + SUMMED]]
        for k in range(words[step + N_STATES]):
            posterior[first + k] = weights[k] / total
    return True


@loop
def marginals_of_row(network, rows, i, words, memory, line, posterior):
    """P(x_v = k | e_i) of all variables, after ``collect``; NaN where there is no answer."""
    posterior[:] = math.nan
    if not is_possible(rows, i):
        return
    at = 0
    for c in range(rows.component_start[i], rows.component_start[i + 1]):
        program = rows.component[c]
        cells = memory.cells[line, at : at + words[program + PROGRAM_CELLS]]
        at += words[program + PROGRAM_CELLS]
        if not share_states(network, rows, i, words, program, memory, line, cells, posterior):
            rows.status[i] = TOO_SMALL
            return
    for r in range(network.column.shape[0]):
        state = rows.states[i, r]
        if state >= 0:
            for k in range(network.n_states[r]):
                posterior[network.first_cell[r] + k] = 1.0 if k == state else 0.0


@kernel
def marginals_cpu(row_begin, row_end, network, rows, programs, memory, posterior):
    """posterior[i, cell of state k of v] = P(x_v = k | e_i), and rows.log_p[i] = log p(e_i)."""
    for i in range(row_begin, row_end):
        if rows.status[i] == ANSWERED:
            rows.log_p[i] = collect(network, rows, i, programs.words, False, memory.counts[0], memory.cells[0])
        marginals_of_row(network, rows, i, programs.words, memory, 0, posterior[i])


# --- expected counts ----------------------------------------------------------------------------------------------


@loop
def _count_component(network, rows, i, words, program, memory, cells, weight, counts):
    """counts += weight * P(configuration | e) of all tables of a component; False where shares vanish."""
    slopes = memory.slopes[0]
    start_slopes(words, program, slopes)
    for s in range(n_steps_of(words, program) - 1, -1, -1):
        step = step_at(words, program, s)
        if not is_slice(words, step):
            slopes_of_step(rows, i, words, program, step, memory.counts[0], cells, slopes)
        elif words[step + FAMILY] < network.column.shape[0]:
            entry = first_entry(words, step, rows.states[i])
            total = add_shares(words, step, entry, weight, memory.counts[0], cells, slopes, counts)
            if not total > SMALLEST_SHARE:
                return False
    return True


@loop
def _count_observed(network, states, weight, counts):
    """counts[entry] += weight for all tables that are observed."""
    for r in range(states.shape[0]):
        entry, known = network.table_start[r], True
        for m in range(network.member_start[r], network.member_start[r + 1]):
            known &= states[network.member[m]] >= 0
            entry += network.member_stride[m] * states[network.member[m]]
        if known:
            counts[uint64(entry)] += weight


@kernel
def expected_counts_cpu(row_begin, row_end, network, rows, programs, memory, weights, counts):
    """counts[entry] += weights[i] P(configuration of the table's variables | e_i), and rows.log_p[i] = log p(e_i)."""
    words = programs.words
    for i in range(row_begin, row_end):
        if rows.status[i] == ANSWERED:
            rows.log_p[i] = collect(network, rows, i, words, False, memory.counts[0], memory.cells[0])
        if not is_possible(rows, i):
            continue
        _count_observed(network, rows.states[i], weights[i], counts)
        at = 0
        for c in range(rows.component_start[i], rows.component_start[i + 1]):
            program = rows.component[c]
            cells = memory.cells[0, at : at + words[program + PROGRAM_CELLS]]
            at += words[program + PROGRAM_CELLS]
            if not _count_component(network, rows, i, words, program, memory, cells, weights[i], counts):
                rows.status[i] = TOO_SMALL
                break


# --- whole states -------------------------------------------------------------------------------------------------


@loop
def _fill_most_probable(words, program, cells, weights, states):
    """The states of a component that together have the largest value, after a maximising ``forward``."""
    for s in range(n_steps_of(words, program) - 1, -1, -1):
        step = step_at(words, program, s)
        if not is_slice(words, step) and words[step + KIND] != PRODUCT:
            weigh_given(words, step, states, cells, weights)
            states[words[step + SUMMED]] = largest_weight(weights, words[step + N_STATES])


@kernel
def most_probable_cpu(row_begin, row_end, network, rows, programs, memory):
    """rows.states[i] = argmax_x p(x, e_i), and rows.log_p[i] = its logarithm, nats."""
    words = programs.words
    for i in range(row_begin, row_end):
        if rows.status[i] == ANSWERED:
            rows.log_p[i] = collect(network, rows, i, words, True, memory.counts[0], memory.cells[0])
        if not is_possible(rows, i):
            continue
        at = 0
        for c in range(rows.component_start[i], rows.component_start[i + 1]):
            program = rows.component[c]
            cells = memory.cells[0, at : at + words[program + PROGRAM_CELLS]]
            at += words[program + PROGRAM_CELLS]
            _fill_most_probable(words, program, cells, memory.weights[0], rows.states[i])


@inlined
def _uniform(key, row, v):
    """53 bits in [0, 1): words 2 v and 2 v + 1 of the row."""
    high = one_word(key, row, uint64(2 * v), uint32(STREAM_EVIDENCE))
    low = one_word(key, row, uint64(2 * v + 1), uint32(STREAM_EVIDENCE))
    return float((uint64(high) << uint64(21)) | (uint64(low) >> uint64(11))) * 2.0**-53


@loop
def _draw_component(network, words, program, cells, weights, states, key, row):
    """States of a component by their joint posterior, after ``forward``."""
    for s in range(n_steps_of(words, program) - 1, -1, -1):
        step = step_at(words, program, s)
        if not is_slice(words, step) and words[step + KIND] != PRODUCT:
            total = weigh_given(words, step, states, cells, weights)
            v = words[step + SUMMED]
            states[v] = drawn_state(weights, words[step + N_STATES], _uniform(key, row, network.column[v]) * total)


@loop
def _draw_barren(network, weights, states, key, row):
    """Barren variables given their parents, from the tables: nothing that is known depends on them."""
    for place in range(states.shape[0] - 1, -1, -1):
        r = network.upwards[place]
        if states[r] != BARREN:
            continue
        entry, stride = network.table_start[r], 0
        for m in range(network.member_start[r], network.member_start[r + 1]):
            if network.member[m] == r:
                stride = network.member_stride[m]
            else:
                entry += network.member_stride[m] * states[network.member[m]]
        total = 0.0
        for k in range(network.n_states[r]):
            weights[k] = network.tables[uint64(entry + k * stride)]
            total += weights[k]
        states[r] = drawn_state(weights, network.n_states[r], _uniform(key, row, network.column[r]) * total)


@kernel
def draw_cpu(row_begin, row_end, network, rows, programs, memory, key, numbers):
    """rows.states[i] = a draw from p(x | e_i), by the words of global row numbers[i]: barren variables last, from the
    tables."""
    words, weights = programs.words, memory.weights[0]
    for i in range(row_begin, row_end):
        if rows.status[i] == ANSWERED:
            rows.log_p[i] = collect(network, rows, i, words, False, memory.counts[0], memory.cells[0])
        if not is_possible(rows, i):
            continue
        at, states = 0, rows.states[i]
        for c in range(rows.component_start[i], rows.component_start[i + 1]):
            program = rows.component[c]
            cells = memory.cells[0, at : at + words[program + PROGRAM_CELLS]]
            at += words[program + PROGRAM_CELLS]
            _draw_component(network, words, program, cells, weights, states, key, numbers[i])
        _draw_barren(network, weights, states, key, numbers[i])
