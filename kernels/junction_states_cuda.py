"""States given evidence on a GPU: draws from the posterior, and the most probable ones.

One thread to a row of evidence, as in ``junction_cuda.py``, from whose rows all draws of it are made: each variable's
state by the cells of the row that belongs to the states before it. The workspace keeps all rows of all steps, so that
it is global memory, more than the second cache holds. ALARM: 710 rows, 5.7 KB; 2534 numbers to read and write on the
way to p(e), and some 40 for a draw: 20 KB a row, 7 ns on an H100, 12 ns on an A100, 68 ns on a T4.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import cuda, int64, uint32, uint64

from . import uniforms
from .junction import INDICATORS, SUMS
from .junction_cuda import (
    FACTOR,
    FIRST_VARIABLE,
    HEAD,
    N_OPERATIONS,
    OPERATION_WORDS,
    begin_row,
    collect,
    fill_indicators,
    fill_sums,
    is_certain,
    is_observed,
    n_blocks_with,
    own_column,
)
from .philox import STREAM_EVIDENCE
from .philox_cuda import block_words, lane_word

__all__ = ["CudaDraws", "CudaStates", "draw_cuda", "most_probable_cuda"]

device: Any = cuda.jit(device=True)
uniform53 = device(uniforms.uniform53)

# Words of the plan of states before its variables.
N_VARIABLES, RESULT, FIRST_STATE, STATES_HEAD = 0, 1, 2, 3
# Words of a variable.
VARIABLE, OWN_FACTORS, STEP_CELL, STEP_FACTOR, SCOPE, SCOPE_SIZE, CONFIGURATIONS, VARIABLE_WORDS = range(8)


class CudaDraws(NamedTuple):
    """Whose random words draw."""

    key: int  # uint64
    start: int  # uint64: global row of the first draw
    n_per_row: int


class CudaStates(NamedTuple):
    """What is filled."""

    codes: object  # (n_vars, n * n_per_row); where a row has no answer those of its evidence
    status: object  # int64 (2,), as that of CudaAnswers


class Cells(NamedTuple):
    """The distribution of a variable given the states before it, not normalised."""

    first: int
    n: int
    factor: int  # where the places of the first one's factors are
    n_factors: int


@device
def _collect_all(program, states, known, a, work, status, largest):
    """Fill all rows of the workspace; whether row a has an answer."""
    words = program.words
    begin_row(program, work)
    code = int64(known.codes[words[FIRST_VARIABLE], a])
    for o in range(HEAD, HEAD + OPERATION_WORDS * int64(words[N_OPERATIONS]), OPERATION_WORDS):
        if words[o] == SUMS:
            fill_sums(program, o, work, largest)
        elif words[o] == INDICATORS:
            fill_indicators(program, o, known, code, a, work)
            code = int64(known.codes[words[o + FACTOR], a])
        else:
            collect(program, o, work)
    return is_certain(program, work.cells[int64(states[RESULT]) + work.thread], a, work, status)


@device
def _value(program, work, cells, c):
    """Of one cell."""
    factor = cells.factor + c * cells.n_factors
    value = work.cells[int64(program.words[factor]) + work.thread]
    for f in range(1, cells.n_factors):
        value *= work.cells[int64(program.words[factor + f]) + work.thread]
    return program.weights[cells.first + c] * value


@device
def _cells_of(states, own, codes, i):
    """Those of a variable for the states before it, which column i of the codes has."""
    number = int64(0)
    for j in range(int64(states[own + SCOPE_SIZE])):
        at = int64(states[own + SCOPE]) + 2 * j
        number += int64(states[at + 1]) * int64(codes[states[at], i])
    at = int64(states[own + CONFIGURATIONS]) + 2 * number
    first, n_factors = int64(states[at]), int64(states[own + OWN_FACTORS])
    factor = int64(states[own + STEP_FACTOR]) + (first - int64(states[own + STEP_CELL])) * n_factors
    return Cells(first, int64(states[at + 1]), factor, n_factors)


@device
def _largest_cell(program, work, cells):
    """The first of the largest."""
    best, largest = 0, -1.0
    for c in range(cells.n):
        value = _value(program, work, cells, c)
        if value > largest:
            best, largest = c, value
    return best


@device
def _cell_with_share(program, work, cells, u):
    """The one whose share of the sum has u in it; never one of value 0."""
    total = 0.0
    for c in range(cells.n):
        total += _value(program, work, cells, c)
    goal, reached, found = u * total, 0.0, 0
    for c in range(cells.n):
        value = _value(program, work, cells, c)
        if value > 0.0 and reached <= goal:
            found = c
        reached += value
    return found


@device
def _copy_known(known, a, codes, first, n):
    """Row a of the evidence as columns ``first`` to ``first + n`` of the codes."""
    for v in range(codes.shape[0]):
        for i in range(first, first + n):
            codes[v, i] = known.codes[v, a]


@device
def _uniform(draws, i, v):
    """Of variable v in draw i, by two random words of its own."""
    row = uint64(draws.start) + uint64(i)
    words = block_words(uint64(draws.key), row, uint64(v) >> uint64(1), uint32(STREAM_EVIDENCE))
    lane = uint64(2) * (uint64(v) & uint64(1))
    return uniform53(lane_word(words, lane), lane_word(words, lane + uint64(1)))


@cuda.jit
def most_probable_cuda(program, states, known, slabs, found):
    """codes[:, i] = argmax p(x, e_i)."""
    n_blocks = n_blocks_with(program, slabs)
    if cuda.blockIdx.x >= n_blocks:
        return
    work = own_column(program, slabs)
    for a in range(cuda.grid(1), known.codes.shape[1], n_blocks * cuda.blockDim.x):
        _copy_known(known, a, found.codes, a, 1)
        if _collect_all(program, states, known, a, work, found.status, True):
            for d in range(int64(states[N_VARIABLES])):
                own = STATES_HEAD + VARIABLE_WORDS * d
                if not is_observed(known, states[own + VARIABLE], a):
                    cells = _cells_of(states, own, found.codes, a)
                    best = cells.first + _largest_cell(program, work, cells)
                    found.codes[states[own + VARIABLE], a] = states[int64(states[FIRST_STATE]) + best]


@device
def _draw_row(program, states, known, a, work, draws, i, codes):
    """Column i of the codes: a draw of what row a does not know."""
    for d in range(int64(states[N_VARIABLES])):
        own = STATES_HEAD + VARIABLE_WORDS * d
        v = int64(states[own + VARIABLE])
        if not is_observed(known, v, a):
            cells = _cells_of(states, own, codes, i)
            drawn = cells.first + _cell_with_share(program, work, cells, _uniform(draws, i, v))
            codes[v, i] = states[int64(states[FIRST_STATE]) + drawn]


@cuda.jit
def draw_cuda(draws, program, states, known, slabs, found):
    """codes[:, i * n_per_row + j] = draw j from p(x | e_i), by the words of global row start + i * n_per_row + j."""
    n_blocks = n_blocks_with(program, slabs)
    if cuda.blockIdx.x >= n_blocks:
        return
    work = own_column(program, slabs)
    for a in range(cuda.grid(1), known.codes.shape[1], n_blocks * cuda.blockDim.x):
        first = a * draws.n_per_row
        _copy_known(known, a, found.codes, first, draws.n_per_row)
        if _collect_all(program, states, known, a, work, found.status, False):
            for i in range(first, first + draws.n_per_row):
                _draw_row(program, states, known, a, work, draws, i, found.codes)
