"""Exact evidence by elimination of the hidden variables of each row alone: what is observed slices the tables.

Variables are numbered by *rank*, their place in a fixed order of elimination. Hidden variables fall into *components*,
connected through tables; each component is lowered once into a *program*, from its pattern alone, and run on every row
that has it. A program is a stream of steps on cells of scratch memory:

    COPY, MULTIPLY    cells = (or *=) the slice of a table, or the likelihoods of a variable
    PRODUCT           cells = first * second, over the union of their variables
    SUM, PAIR_SUM     cells = sum_k first [* second], where k is the state of the variable that is summed out

All factors of a variable that is summed out have it innermost, so every sum runs over neighbouring cells. Each factor
is used once: a program is a tree of sums (bucket elimination, Dechter 1999), and walking it back gives the slope of
its value by every cell (Darwiche 2003).

Here is what the loops share: the forms of memory, and how a step is written down.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .jit import scalar

# States of a row where there is no code.
HIDDEN = -1
LIKELY = -2  # hidden, with likelihoods
BARREN = -3  # hidden, and so is all that descends from it: its tables sum to one

# What became of a row.
ANSWERED = 0
TOO_SMALL = 1  # numbers left the range of float64
TOO_LARGE = 2  # its program has too many cells

# A program: the words of its head, its pattern, then steps, then where each step begins (counted from the head).
PROGRAM_CELLS = 0  # of scratch memory
PROGRAM_STEPS = 1
PROGRAM_STARTS = 2  # where the list of beginnings is
PROGRAM_BITS = 3  # below 1 no number is smaller than 2 to the power of minus these, above none larger
PROGRAM_PATTERN = 4  # words of its pattern, which comes next
PROGRAM_HEAD = 5

# Every step: its kind, first cell and number of cells.
COPY, MULTIPLY, SUM, PAIR_SUM, PRODUCT = 0, 1, 2, 3, 4
KIND, OUT, OUT_SIZE = 0, 1, 2

# Axes of the cells that a step fills, the innermost first: (rank, states, jump of the first, of the second factor).
RANK, STATES, FIRST_JUMP, SECOND_JUMP = 0, 1, 2, 3
AXIS_WORDS = 4

# A slice: of a table, then (rank, stride) of what is observed, then the axes: what is hidden.
FAMILY = 3  # rank, or number of variables + the rank whose likelihoods these are
FIRST_ENTRY = 4
N_OBSERVED = 5
N_HIDDEN = 6
SLICE_HEAD = 7

# A sum or product, then the axes but for the variable that a product keeps innermost.
SUMMED = 3  # rank of the innermost variable of the factors
N_STATES = 4  # of it
N_AXES = 5
FIRST, FIRST_SIZE = 6, 7
SECOND, SECOND_SIZE = 8, 9
SUM_HEAD = 10


class SlicedNetwork(NamedTuple):
    """A network of tables, by rank. ``*_start`` has one entry more than there are variables.

    A table's axes lie in descending rank, so that of its variables the one that is summed out first is innermost.
    """

    n_vars: int
    n_cells: int  # states of all variables
    column: np.ndarray  # int64: number of the variable
    first_cell: np.ndarray  # int64: of its states among those of all variables, in the order of their numbers
    n_states: np.ndarray  # int64
    upwards: np.ndarray  # int64: ranks in an order in which children come before their parents
    member_start: np.ndarray  # int64: run of variables of each table
    member: np.ndarray  # int64: their ranks, ascending
    member_stride: np.ndarray  # int64: of their states in the table
    touching_start: np.ndarray  # int64: run of tables that each variable is in
    touching: np.ndarray  # int64: the ranks whose tables these are
    neighbour_start: np.ndarray  # int64: run of those that each variable is in a table with
    neighbour: np.ndarray  # int64: their ranks
    table_start: np.ndarray  # int64
    tables: np.ndarray  # float64, flat
    log_tables: np.ndarray  # float64, flat
    state_bits: np.ndarray  # int64: no more states than 2 to the power of these
    small_bits: np.ndarray  # int64: no entry of the table is smaller than 2 to the power of minus these


class SlicedRows(NamedTuple):
    """Some rows: what is known, the programs that answer them, and what became of them; one line after the other."""

    states: np.ndarray  # int32 (n, n_vars) flat, by rank: a state, HIDDEN, LIKELY or BARREN
    log_p: np.ndarray  # float64 (n,): of the tables that are observed, then of everything
    status: np.ndarray  # uint8 (n,)
    n_likelihoods: int
    likelihoods: np.ndarray  # float64 (n, n_likelihoods) flat, the largest of each variable in [0.5, 1)
    likelihood_start: np.ndarray  # int32 (n_vars,) by rank, -1 without
    likelihood_bits: np.ndarray  # int32 (n,): none is smaller than 2 to the power of minus these
    component_start: np.ndarray  # int32 (n + 1,)
    component: np.ndarray  # int32: where the program of each component begins


class SlicedPrograms(NamedTuple):
    """Programs by pattern; emptied when full."""

    n_words: int
    words: np.ndarray  # int32: programs, one after the other
    n_slots: int  # a power of two
    slots: np.ndarray  # int32: where a program begins, by the hash of its pattern, or FREE
    alone: np.ndarray  # int32 (n_vars,): of a variable all of whose neighbours are observed, or FREE
    used: np.ndarray  # int64: words, programs, most cells of a row


FREE = -1  # instead of where a program begins
NOTHING = -1  # instead of the number of a factor

# Counters of lowering.
COMPONENTS = 0  # so far; their numbers are never used again
WORD = 1  # where the next step is written down
STEPS = 2  # of the program
FACTORS = 3  # that steps of the program fill
WAITING = 4  # factors of the variable that is summed out next
MESSAGES = 5  # of these, results of earlier sums, which come first
N_FOUND = 6  # hidden variables of the component
N_PATTERN = 7  # words of its pattern
SMALL_BITS = 8  # of its tables
LARGE_BITS = 9  # of its variables
N_COUNTERS = 10


class SlicedLowering(NamedTuple):
    """What lowering works with. A *factor* is what a step fills."""

    counters: np.ndarray  # int64
    cells: np.ndarray  # float64: of the program; most that one may have; most that one would have had
    component_of: np.ndarray  # int64 (n_vars,): of a hidden variable
    used_in: np.ndarray  # int64 (n_vars,): the component whose program has the table
    hidden: np.ndarray  # int32 (n_vars,): the variables of the component
    pattern: np.ndarray  # int32: of the component
    bucket: np.ndarray  # int32 (factors,): of the variable that is summed out
    head: np.ndarray  # int32 (n_vars,): first factor that waits for a variable, or NOTHING
    next: np.ndarray  # int32 (factors,): the one behind it
    out: np.ndarray  # int64 (factors,): first cell
    size: np.ndarray  # float64 (factors,): cells
    axes: np.ndarray  # int64 (factors,): where the axes but for the innermost are written down
    n_axes: np.ndarray  # int64 (factors,)
    begins: np.ndarray  # int32 (factors,): of the steps so far


class SlicedMemory(NamedTuple):
    """What running a program writes to."""

    cells: np.ndarray  # float64
    slopes: np.ndarray  # float64: of the component's value by each cell; few where they are not asked for
    counts: np.ndarray  # int32: which configuration of its axes a step is at
    weights: np.ndarray  # float64: of the states of one variable


class SlicedCounts(NamedTuple):
    """Expected counts, and what rows count."""

    weights: np.ndarray  # float64 (n,)
    counts: np.ndarray  # float64: of the entries of all tables


class SlicedRandom(NamedTuple):
    """Whose random words draw."""

    key: int  # uint64
    rows: np.ndarray  # uint64 (n,): global numbers of the rows


@scalar
def is_hidden(state):
    """Whether a variable has to be summed out."""
    return state < 0 and state > BARREN


@scalar
def axis_at(step, axis):
    """Where an axis of a sum or product is written down."""
    return step + SUM_HEAD + AXIS_WORDS * axis
