"""Exact evidence on a GPU: one thread to a row, whose workspace is a column of memory shared by a block.

A program is that of ``junction.py``, packed into two arrays (``engines/junction/dense_packed.py``): places in it are
rows of the workspace times the threads of a block, so that a look-up is one addition, and neighbouring threads read
neighbouring numbers. Where the columns of 32 threads fit into 48 KiB they are shared memory, else slabs of global
memory, one for each block. All threads of a warp take the same steps: the program comes through the first cache. Rows
of a step are filled two at a time, because what limits a GPU here is the wait for memory: few columns fit.

ALARM, log p(e): 1071 cells of 1588 factors, 126 rows of workspace. 2055 numbers of shared memory to read and write a
row are 0.6 ns on an H100, and with the program's words 0.9 ns, fp64 0.1 ns, bytes 0.015 ns; seven warps to a
multiprocessor wait 1 to 2 ns. A100: 1.4 ns, waiting 3. T4: 12.5 ns of fp64, which is 1/32 there, and one warp, waiting
30 ns. The posterior of one variable: 1.5 times that. Marginals of all: 2659 cells of 4258 factors and 519 rows, in
slabs that the second cache does not hold; 42 KB a row are 14 ns on an H100, 25 on an A100, 140 on a T4.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import cuda, float64, int64

from . import junction
from .junction import INDICATORS, MARGINALS, SCALE, SOFTEST, SUMS, TURN, UNSCALE

__all__ = ["CudaAnswers", "CudaEvidence", "PackedProgram", "answer_cuda", "answer_shared_cuda"]

device: Any = cuda.jit(device=True)
log_scaled = device(junction.log_scaled)

ONES = 7  # one more operation: indicators of a variable whose values do not count

# Words of a program before its operations.
N_OPERATIONS, WIDEST, FIRST_VARIABLE, STATE, BLOCK_CELLS, HEAD = 0, 1, 2, 3, 4, 5
# Words of an operation.
KIND, SUBJECT, FIRST, N_ROWS, CELL, FACTOR, N_CELLS, N_FACTORS, OPERATION_WORDS = 0, 1, 2, 3, 4, 5, 6, 7, 8
# Rows of the workspace from STATE on, where numbers may be scaled.
EXPONENT, SOFTNESS, FLAG, STATE_ROWS = 0, 1, 2, 3
# What a call has to say of rows: the first of them, or beyond all.
FLAGGED, IMPOSSIBLE = 0, 1


class PackedProgram(NamedTuple):
    """A dense program in two arrays."""

    words: object  # uint32: the head, operations, and the places of factors
    weights: object  # float64, of each cell


class CudaEvidence(NamedTuple):
    """What is known of rows."""

    codes: object  # (n_vars, n); all bits set where nothing is known
    likelihoods: object  # float64 (sum of states, n); of no use without


class CudaAnswers(NamedTuple):
    """What is filled."""

    log_p: object  # float64 (n,): log p(e_i), -inf where it is 0; NaN in rows that are flagged
    cells: object  # float64: P(x_v = k | e_i) at first n + i states + k, NaN where e_i is impossible; or of no use
    status: object  # int64 (2,): first row that is flagged, and first that is impossible, where below what was there


class Column(NamedTuple):
    """The workspace of a thread."""

    cells: object  # float64, of a block
    thread: int
    stride: int  # threads of the block


@device
def _product(cells, words, factor, n_factors, thread):
    value = cells[int64(words[factor]) + thread]
    for f in range(1, n_factors):
        value *= cells[int64(words[factor + f]) + thread]
    return value


@device
def _fill_sums(program, o, work, n_factors, largest):
    """Rows of sums of cells, or the largest: two at a time, the last one twice where their number is odd."""
    words, weights, cells, thread = program.words, program.weights, work.cells, work.thread
    n, last = int64(words[o + N_CELLS]), int64(words[o + N_ROWS]) - 1
    cell, factor, first = int64(words[o + CELL]), int64(words[o + FACTOR]), int64(words[o + FIRST]) + thread
    for t in range(0, last + 1, 2):
        u = min(t + 1, last)
        one, two = 0.0, 0.0
        for c in range(n):
            a, b = t * n + c, u * n + c
            x = weights[cell + a] * _product(cells, words, factor + a * n_factors, n_factors, thread)
            y = weights[cell + b] * _product(cells, words, factor + b * n_factors, n_factors, thread)
            one = max(one, x) if largest else one + x
            two = max(two, y) if largest else two + y
        cells[first + t * work.stride] = one
        cells[first + u * work.stride] = two


@device
def fill_sums(program, o, work, largest):
    """The rows of an operation; loops over one, two and three factors are compiled apart."""
    n_factors = program.words[o + N_FACTORS]
    if n_factors == 1:
        _fill_sums(program, o, work, 1, largest)
    elif n_factors == 2:
        _fill_sums(program, o, work, 2, largest)
    else:
        _fill_sums(program, o, work, 3, largest)


@device
def _scale_rows(program, first, n, work):
    """Take a power of two out of n rows: returns it, and log2(largest / smallest)."""
    largest, smallest = 0.0, math.inf
    for t in range(n):
        value = work.cells[first + t * work.stride]
        largest = max(largest, value)
        if value > 0.0:
            smallest = min(smallest, value)
    if largest == 0.0:
        return 0, 0
    power = math.frexp(largest)[1]
    for t in range(n):
        work.cells[first + t * work.stride] = math.ldexp(work.cells[first + t * work.stride], -power)
    work.cells[state_place(program, EXPONENT, work)] += float64(power)
    return power, power - math.frexp(smallest)[1]


@device
def state_place(program, number, work):
    """Where one of the numbers about scaling is."""
    return int64(program.words[STATE]) + number * work.stride + work.thread


@device
def begin_row(program, work):
    """Nothing is scaled so far."""
    if program.words[STATE] != 0:
        for number in range(STATE_ROWS):
            work.cells[state_place(program, number, work)] = 0.0


@device
def row_is_flagged(program, work):
    """Whether numbers left the bounds within which they are exact."""
    return program.words[STATE] != 0 and work.cells[state_place(program, FLAG, work)] > 0.0


@device
def scaled_log(program, value, work):
    """The logarithm of the number that the workspace calls ``value``."""
    exponent = 0.0
    if program.words[STATE] != 0:
        exponent = work.cells[state_place(program, EXPONENT, work)]
    return log_scaled(value, exponent)


@device
def fill_indicators(program, o, known, code, a, work):
    """1 for the states that row a allows, whose code is given, or their likelihoods."""
    first, n = int64(program.words[o + FIRST]) + work.thread, int64(program.words[o + N_ROWS])
    row = int64(program.words[o + CELL]) - 1  # of the likelihoods
    missing = (1 << (8 * known.codes.itemsize)) - 1
    for k in range(n):
        value = 1.0 if code in (k, missing) else 0.0
        if row >= 0:
            value = known.likelihoods[row + k, a]
        work.cells[first + k * work.stride] = value
    if row >= 0:
        _, spread = _scale_rows(program, first, n, work)
        softness = state_place(program, SOFTNESS, work)
        work.cells[softness] += float64(spread)
        if work.cells[softness] > SOFTEST:
            work.cells[state_place(program, FLAG, work)] = 1.0


@device
def collect(program, o, work):
    """Operations that are rare on the way to p(e)."""
    words = program.words
    kind, first, n = words[o + KIND], int64(words[o + FIRST]) + work.thread, int64(words[o + N_ROWS])
    if kind == ONES:
        for k in range(n):
            work.cells[first + k * work.stride] = 1.0
    elif kind == SCALE:
        power, spread = _scale_rows(program, first, n, work)
        work.cells[int64(words[o + SUBJECT]) + work.thread] = math.ldexp(1.0, -power)
        if spread > int64(words[WIDEST]):
            work.cells[state_place(program, FLAG, work)] = 1.0


@device
def lower_to(status, which, a):
    """The first row of which something has to be said."""
    if a < status[which]:
        cuda.atomic.min(status, which, a)


@device
def is_certain(program, value, a, work, status):
    """Whether row a, whose p(e) the workspace calls ``value``, is possible and within bounds; if not, in the status."""
    if row_is_flagged(program, work):
        lower_to(status, FLAGGED, a)
    elif value > 0.0:
        return True
    else:
        lower_to(status, IMPOSSIBLE, a)
    return False


@device
def is_observed(known, v, a):
    """Whether row a has a value of variable v."""
    return int64(known.codes[v, a]) != (1 << (8 * known.codes.itemsize)) - 1


@device
def _fill_marginals(program, o, known, a, work, answers):
    words, n = program.words, int64(program.words[o + N_ROWS])
    slope, first = int64(words[o + FIRST]) + work.thread, int64(words[o + FACTOR]) + work.thread
    place = int64(words[o + CELL]) * answers.log_p.shape[0] + a * n
    is_known = words[o + N_CELLS] != 0 and is_observed(known, words[o + SUBJECT], a)
    for k in range(n):
        value = work.cells[first + k * work.stride]
        if not is_known:
            value = min(1.0, value * work.cells[slope + k * work.stride])
        answers.cells[place + k] = value if answers.log_p[a] > -math.inf else math.nan


@device
def _turn(program, o, a, work, answers):
    """log p(e), and the slope of it by p(e)."""
    value = work.cells[int64(program.words[o + FACTOR]) + work.thread]
    certain = is_certain(program, value, a, work, answers.status)
    answers.log_p[a] = math.nan if row_is_flagged(program, work) else scaled_log(program, value, work)
    work.cells[int64(program.words[o + FIRST]) + work.thread] = 1.0 / value if certain else 0.0


@device
def _unscale(program, o, work):
    words, cells, stride = program.words, work.cells, work.stride
    first, factor = int64(words[o + FIRST]) + work.thread, int64(words[o + FACTOR]) + work.thread
    scale = cells[int64(words[o + SUBJECT]) + work.thread]
    for t in range(int64(words[o + N_ROWS])):
        is_possible = cells[factor + t * stride] > 0.0
        cells[first + t * stride] = cells[first + t * stride] * scale if is_possible else 0.0


@device
def _go_back(program, o, known, a, work, answers):
    """Operations from p(e) on."""
    kind = program.words[o + KIND]
    if kind == MARGINALS:
        _fill_marginals(program, o, known, a, work, answers)
    elif kind == UNSCALE:
        _unscale(program, o, work)
    elif kind == TURN:
        _turn(program, o, a, work, answers)
    else:
        collect(program, o, work)


@device
def _answer_row(program, known, a, work, answers):
    """Run a program for row a. The code of a variable is read while what comes before its indicators is done."""
    words = program.words
    begin_row(program, work)
    code = int64(known.codes[words[FIRST_VARIABLE], a])
    for o in range(HEAD, HEAD + OPERATION_WORDS * int64(words[N_OPERATIONS]), OPERATION_WORDS):
        if words[o] == SUMS:
            fill_sums(program, o, work, False)
        elif words[o] == INDICATORS:
            fill_indicators(program, o, known, code, a, work)
            code = int64(known.codes[words[o + FACTOR], a])
        else:
            _go_back(program, o, known, a, work, answers)


@device
def n_blocks_with(program, slabs):
    """How many blocks have memory to work in."""
    return min(int64(cuda.gridDim.x), slabs.shape[0] // int64(program.words[BLOCK_CELLS]))


@device
def own_column(program, slabs):
    """The workspace of a thread of one of them."""
    size = int64(program.words[BLOCK_CELLS])
    first = size * cuda.blockIdx.x
    return Column(slabs[first : first + size], cuda.threadIdx.x, cuda.blockDim.x)


@cuda.jit
def answer_cuda(program, known, slabs, answers):
    """Run a program for all rows, in memory for some blocks: whatever it answers."""
    n_blocks = n_blocks_with(program, slabs)
    if cuda.blockIdx.x < n_blocks:
        work = own_column(program, slabs)
        for a in range(cuda.grid(1), answers.log_p.shape[0], n_blocks * cuda.blockDim.x):
            _answer_row(program, known, a, work, answers)


@cuda.jit
def answer_shared_cuda(program, known, answers):
    """The same with the workspaces of a block in shared memory."""
    work = Column(cuda.shared.array(0, float64), cuda.threadIdx.x, cuda.blockDim.x)
    for a in range(cuda.grid(1), answers.log_p.shape[0], cuda.gridsize(1)):
        _answer_row(program, known, a, work, answers)
