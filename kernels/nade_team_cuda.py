"""A team of threads, a block of its own, that takes a few rows of a NADE through all positions; see nade_cuda.py."""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import config, cuda, uint64

from .activations import RELU, relu, sigmoid
from .bernoulli import draw_likely_bit
from .nade import SIGMOID_BY_EXP

__all__ = [
    "CELLS",
    "MOST_ROWS",
    "MOST_UNITS",
    "TEAM_UNITS",
    "UNITS",
    "UNKNOWN",
    "places_of",
    "start",
    "team_of",
    "walk",
]

device: Any = cuda.jit(device=True)

UNITS = 8  # hidden units of a row that a thread keeps in registers
CELLS = 32  # hidden units in all rows of a thread
MOST_ROWS = 4  # of a team, in float32; 2 in float64
TINY = 1e-10  # nothing beside 1 in float32
LANES = 4 if config.ENABLE_CUDASIM else 32  # neighbours that read neighbouring weights: a warp
TEAM_UNITS = LANES * UNITS  # hidden units, padded, are a multiple of this
MOST_UNITS = 2048  # of a team of 256 threads: more have too few registers each
UNKNOWN = 2  # a bit that is to be drawn


class Team(NamedTuple):
    """A thread's place among those of its block."""

    thread: int
    threads: int
    rows: int
    own: int  # uint64: the first unit of this thread; the others are LANES apart
    share: int  # threads for each row, when sums are added
    part: int  # which part of which row's sums this thread adds
    row: int


class Places(NamedTuple):
    """Where things are in shared memory; all but ``sums`` by row, then thread or position."""

    sums: int  # of the parts of a row
    logits: int
    numbers: int  # uniforms, then terms of log p
    bits: int


@device
def _rows(number):
    """MOST_ROWS in float32, half as many in float64: a constant for the compiler, which an itemsize is not."""
    return MOST_ROWS if number(1) + number(TINY) == number(1) else MOST_ROWS // 2


@device
def team_of(plan):
    """This thread's place."""
    thread, threads, rows = cuda.threadIdx.x, cuda.blockDim.x, _rows(plan.W.dtype.type)
    share = threads // rows
    own = uint64((thread // LANES) * TEAM_UNITS + thread % LANES)
    return Team(thread, threads, rows, own, share, thread % share, thread // share)


@device
def places_of(team):
    """Of a block of so many threads; parts of sums come first, one more than rows apart."""
    cells = MOST_ROWS * team.threads
    sums = cells + team.threads
    return Places(sums, sums + team.threads, sums + team.threads + cells, sums + team.threads + 2 * cells)


@device
def _activate(mode, r, state, hidden):
    """The hidden units of row r by what is kept of them."""
    one = type(state[0])(1)
    if mode == SIGMOID_BY_EXP:
        for k in range(UNITS):
            hidden[r * UNITS + k] = one / (one + state[r * UNITS + k])
    elif mode == RELU:
        for k in range(UNITS):
            hidden[r * UNITS + k] = relu(state[r * UNITS + k])
    else:
        for k in range(UNITS):
            hidden[r * UNITS + k] = sigmoid(state[r * UNITS + k])


@device
def start(plan, team, state, hidden):
    """The units of all rows before the first variable."""
    for k in range(UNITS):
        state[k] = plan.first[team.own + uint64(k * LANES)]
    _activate(plan.mode, 0, state, hidden)
    for r in range(1, team.rows):
        for k in range(UNITS):
            state[r * UNITS + k], hidden[r * UNITS + k] = state[k], hidden[k]


@device
def _advance_row(mode, changes, r, state, hidden):
    """The units of row r after a variable that is 1."""
    if mode == SIGMOID_BY_EXP:
        for k in range(UNITS):
            state[r * UNITS + k] *= changes[k]
    else:
        for k in range(UNITS):
            state[r * UNITS + k] += changes[k]
    _activate(mode, r, state, hidden)


@device
def _read_weights(weights, variable, team, own):
    """Of this thread's units, which are neighbours to those of the threads beside it."""
    for k in range(UNITS):
        own[k] = weights[variable, team.own + uint64(k * LANES)]


@device
def _advance(mode, changes, team, bits, memory, state, hidden):
    """The units of all rows after a variable, by their bits."""
    if memory[bits] == 1:
        _advance_row(mode, changes, 0, state, hidden)
    if memory[bits + 1] == 1:
        _advance_row(mode, changes, 1, state, hidden)
    if team.rows == MOST_ROWS:
        if memory[bits + 2] == 1:
            _advance_row(mode, changes, 2, state, hidden)
        if memory[bits + 3] == 1:
            _advance_row(mode, changes, 3, state, hidden)


@device
def _add_products(weights, team, hidden, memory):
    """The parts of V . h of this thread's units, for each row."""
    for r in range(team.rows):
        total = weights[0] * hidden[r * UNITS]
        for k in range(1, UNITS):
            total += weights[k] * hidden[r * UNITS + k]
        memory[team.thread * (MOST_ROWS + 1) + r] = total  # one more, so that threads write to different banks


@device
def _add_parts(team, places, memory):
    """The sum of as many parts of one row as there are rows: one for each thread."""
    total = memory[team.part * (MOST_ROWS + 1) + team.row]
    for j in range(1, team.rows):
        total += memory[(team.part + j * team.share) * (MOST_ROWS + 1) + team.row]
    memory[places.sums + team.thread] = total


@device
def _decide(plan, variable, rule, team, places, at, memory):
    """The logit of this thread's row at a position, and its bit where it is not known."""
    z, parts = plan.b[variable], places.sums + team.thread * team.share
    for j in range(team.share):
        z += memory[parts + j]
    cell = at * MOST_ROWS + team.thread
    memory[places.logits + cell] = z
    if memory[places.bits + cell] == UNKNOWN:
        bit = draw_likely_bit(z / rule.temperature, memory[places.numbers + cell], rule.sure)
        memory[places.bits + cell] = 1 if bit else 0


@device
def walk(plan, rule, begin, end, team, state, hidden, memory):
    """Take the team's rows through positions [begin, end): logits, and bits where they are not known."""
    places, weights, changes = (
        places_of(team),
        cuda.local.array(UNITS, plan.V.dtype),
        cuda.local.array(UNITS, plan.V.dtype),
    )
    for d in range(begin, end):
        variable = uint64(plan.order[d])
        _read_weights(plan.V, variable, team, weights)
        _read_weights(plan.factor, variable, team, changes)
        _add_products(weights, team, hidden, memory)
        cuda.syncthreads()
        _add_parts(team, places, memory)
        cuda.syncthreads()
        if team.thread < team.rows:
            _decide(plan, variable, rule, team, places, d - begin, memory)
        cuda.syncthreads()
        _advance(plan.mode, changes, team, places.bits + (d - begin) * MOST_ROWS, memory, state, hidden)
