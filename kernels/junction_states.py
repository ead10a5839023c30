"""States given evidence: draws from the posterior and the most probable ones, from the rows of a dense program.

The cells of one row of a step are, scaled, the distribution of the variable that it sums out given those that are
summed out later. So variables get their states in the reverse order, each from the row that belongs to the states
before it: drawn, or that of the largest cell where the rows are largest cells (Dawid 1992).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint32, uint64

from .jit import inlined, kernel, loop, scalar
from .junction import DenseAnswers, DenseProgram, log_scaled, run_largest, run_sums
from .junction_vectors import COUNT_LANES, LANES, cell_value
from .philox import LOW, STREAM_EVIDENCE, philox4x32
from .uniforms import uniform53

__all__ = ["FoundStates", "StatePlan", "cell_with_share", "draw_cpu", "largest_cell", "most_probable_cpu"]


class StatePlan(NamedTuple):
    """Variables, the last one that is summed out first, and where the cells of each are in the program."""

    program: DenseProgram  # with all rows of all steps
    variable: np.ndarray  # uint32
    n_factors: np.ndarray  # uint32: of its cells
    step_cell: np.ndarray  # uint32: its first cell
    step_factor: np.ndarray  # uint32: its first factor
    scope_start: np.ndarray  # uint32: run of variables that it depends on then, one entry more
    scope_variable: np.ndarray  # uint32
    scope_stride: np.ndarray  # uint32: in the configurations of the scope
    first_configuration: np.ndarray  # uint32
    first_cell: np.ndarray  # uint32, of each configuration
    n_cells: np.ndarray  # uint32, of each configuration
    state: np.ndarray  # uint32, of each cell of the program
    result: np.uint32  # the row of p(e)


class FoundStates(NamedTuple):
    """What is filled."""

    flagged: np.ndarray  # (n,) bool: a number fell below what the bound allows
    log_p: np.ndarray  # (n,) log p(e_i), or of the most probable states; -inf where it is 0
    codes: np.ndarray  # (n_vars, n), all ones where log_p is -inf


@inlined
def _configuration(plan, d, codes, i):
    """That of the scope of variable d, for states drawn before."""
    number = np.int64(plan.first_configuration[d])
    for j in range(plan.scope_start[d], plan.scope_start[d + 1]):
        number += np.int64(plan.scope_stride[j]) * np.int64(codes[plan.scope_variable[j], i])
    return number


@scalar
def largest_cell(w, program, first, n, factor, n_factors, i):
    """The first of the largest cells."""
    best, largest = first, -1.0
    for c in range(n):
        value = cell_value(w, program.weight, first + c, program.factor_row, factor + c * n_factors, n_factors, i)
        if value > largest:
            best, largest = first + c, value
    return best


@scalar
def cell_with_share(w, program, first, n, factor, n_factors, i, u):
    """The cell whose share of the sum has u in it, from [0, 1); never one of value 0."""
    weight, factor_row = program.weight, program.factor_row
    total = 0.0
    for c in range(n):
        total += cell_value(w, weight, first + c, factor_row, factor + c * n_factors, n_factors, i)
    goal, reached, found = u * total, 0.0, first
    for c in range(n):  # the last one that is reached: no branch that depends on what is drawn
        value = cell_value(w, weight, first + c, factor_row, factor + c * n_factors, n_factors, i)
        found = first + c if (value > 0.0) & (reached <= goal) else found
        reached += value
    return found


@loop
def _fill_words(key, rows, a, words):
    """words[w, i] = word w of row rows[a + i]."""
    low = uint64(LOW)
    for block in range(words.shape[0] // 4):
        own = words[4 * block : 4 * block + 4]
        for i in range(LANES):
            row = uint64(rows[a + i])
            w0, w1, w2, w3 = philox4x32(
                row & low, row >> uint64(32), uint64(block), uint64(STREAM_EVIDENCE), key & low, key >> uint64(32)
            )
            own[0, i], own[1, i], own[2, i], own[3, i] = uint32(w0), uint32(w1), uint32(w2), uint32(w3)


@inlined
def _cells_of(plan, d, codes, i):
    """First cell, number of cells and first factor of a variable given those before."""
    configuration = _configuration(plan, d, codes, i)
    first = np.int64(plan.first_cell[configuration])
    at = first - np.int64(plan.step_cell[d])
    factor = np.int64(plan.step_factor[d]) + at * np.int64(plan.n_factors[d])
    return first, np.int64(plan.n_cells[configuration]), factor


@loop
def _begin(plan, evidence, scratch, a, found):
    """log p, flags, and what is known; all codes of rows whose evidence is impossible are missing ones."""
    missing, w, known, codes = np.iinfo(found.codes.dtype).max, scratch.w, evidence.codes, found.codes
    for i in range(LANES):
        found.log_p[a + i] = log_scaled(w[plan.result, i], scratch.exponent[i])
        found.flagged[a + i] = scratch.flags[i]
    for v in range(codes.shape[0]):
        for i in range(LANES):
            codes[v, a + i] = known[v * evidence.stride + a + i] if w[plan.result, i] > 0.0 else missing


@kernel
def most_probable_cpu(row_begin, row_end, plan, evidence, scratch, found):
    """codes[:, i] = argmax p(x, e_i), for rows [row_begin, row_end), so many times LANES."""
    program, codes, known, w, result = plan.program, found.codes, evidence.codes, scratch.w, plan.result
    missing = np.iinfo(known.dtype).max
    answers = DenseAnswers(found.flagged, found.log_p, np.empty(0), 0, np.empty((0, COUNT_LANES)))
    for a in range(row_begin, row_end, LANES):
        run_largest(program, evidence, np.empty(0), a, scratch, answers)
        _begin(plan, evidence, scratch, a, found)
        for d in range(uint64(plan.variable.shape[0])):
            v, n_factors = np.int64(plan.variable[d]), np.int64(plan.n_factors[d])
            for i in range(LANES):  # innermost: the rows of a step are in the cache
                if known[v * evidence.stride + a + i] == missing and w[result, i] > 0.0:
                    first, count, factor = _cells_of(plan, d, codes, a + i)
                    best = largest_cell(w, program, first, count, factor, n_factors, i)
                    codes[v, a + i] = plan.state[best]


@kernel
def draw_cpu(row_begin, row_end, key, rows, plan, evidence, scratch, found):
    """codes[:, i] = a draw from p(x | e_i), by the words of global row rows[i]; so many rows times LANES."""
    program, codes, known, w, result = plan.program, found.codes, evidence.codes, scratch.w, plan.result
    missing = np.iinfo(known.dtype).max
    answers = DenseAnswers(found.flagged, found.log_p, np.empty(0), 0, np.empty((0, COUNT_LANES)))
    words = np.empty((4 * ((codes.shape[0] + 1) // 2), LANES), np.uint32)
    for a in range(row_begin, row_end, LANES):
        run_sums(program, evidence, np.empty(0), a, scratch, answers)
        _begin(plan, evidence, scratch, a, found)
        _fill_words(key, rows, a, words)
        for d in range(uint64(plan.variable.shape[0])):
            v, n_factors = np.int64(plan.variable[d]), np.int64(plan.n_factors[d])
            for i in range(LANES):
                if known[v * evidence.stride + a + i] == missing and w[result, i] > 0.0:
                    first, count, factor = _cells_of(plan, d, codes, a + i)
                    u = uniform53(words[2 * v, i], words[2 * v + 1, i])
                    drawn = cell_with_share(w, program, first, count, factor, n_factors, i, u)
                    codes[v, a + i] = plan.state[drawn]
