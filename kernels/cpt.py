"""Networks of conditional probability tables: batched log_prob, ancestral sampling and counting.

Codes are columns: an ``(n_vars, n)`` block of uint8 or uint16. All loops work on *clusters*, groups of families that
``engines/tables/clusters.py`` fused into one table, so one look-up serves several variables.

*Scoring and counting.* A cluster has a scope of variables; its table holds the summed log-probabilities of its
families over all joint states of the scope. The index of a row is sum_j stride_j * code_j. Codes are checked tile by
tile and then read again, where they are: an array that another thread changes in between gives wrong numbers, and no
more than that, because an index is clamped to its table.

*Sampling.* A cluster draws its members at once from their joint given the parents outside of it, by an alias table
(alias.py) with 2**b slots per parent configuration; outcomes are the members' codes packed into bit fields.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint16, uint32, uint64

from .alias import choose, exact_outcome, gather_slots, undecided
from .jit import kernel, loop
from .philox import LOW, STREAM_REFINE, STREAM_SAMPLE, fill_words, one_word
from .tiles import PADDING, TILE, columns_in_range, joint_index, load_rows, tile_rows, wide_joint_index
from .vectors import add_cells

SCORING_TILE = 2048  # half a tile: the sums of a tile and a table share the first-level cache
NARROW = 1 << 16  # tables up to this size are indexed in 16-bit lanes, twice as many to a vector


class _Scratch(NamedTuple):
    """One tile of intermediate results of a cluster's draw."""

    narrow: np.ndarray  # uint16: index of the parent configuration, for tables of at most NARROW slots
    wide: np.ndarray  # uint32: likewise for larger ones
    place: np.ndarray  # uint32: slot number
    slot: np.ndarray  # uint64
    outcome: np.ndarray  # uint16: packed codes of the members


class _Rows(NamedTuple):
    """One tile of rows to draw."""

    first: int  # column of ``out``
    n: int
    number: int  # uint64: global row of the first
    key: int  # uint64


class _Index(NamedTuple):
    """Place of every row of a tile in a table: 16-bit lanes for tables of at most NARROW cells, else 32-bit ones."""

    narrow: np.ndarray
    wide: np.ndarray


class SamplingPlan(NamedTuple):
    """Clusters in drawing order. Arrays named ``*_start`` have one entry more than there are clusters."""

    parent_start: np.ndarray  # uint32: run of parents of each cluster
    parent_column: np.ndarray  # uint32: row of the block of codes
    parent_stride: np.ndarray  # uint32: in slots
    member_start: np.ndarray  # uint32: run of members of each cluster
    member_column: np.ndarray  # uint32
    member_shift: np.ndarray  # uint32: lowest bit of the member's field in an outcome
    member_mask: np.ndarray  # uint32: the field's largest value
    slot_bits: np.ndarray  # uint32: b, at least 1
    table_start: np.ndarray  # uint64: run of slots of each cluster
    slots: np.ndarray  # uint64
    fine: np.ndarray  # uint32: low 32 bits of each slot's 64-bit threshold
    first_word: np.uint64  # cluster c draws from word first_word + c of a row


class ScoringPlan(NamedTuple):
    """Clusters of families with their fused tables."""

    scope_start: np.ndarray  # uint32
    scope_column: np.ndarray  # uint32
    scope_stride: np.ndarray  # uint32: in table cells
    table_start: np.ndarray  # uint64
    table: np.ndarray  # float64: log-probabilities, nats


@loop
def _find_slots(words, index, bits, n, place):
    """place = index + the top ``bits`` bits of the word."""
    down = (uint32(32) - bits) & uint32(31)  # the mask tells LLVM that 32-bit lanes suffice
    for i in range(n):
        place[i] = index[i] + (words[i] >> down)


@loop
def _refine(words, scratch, fine, bits, rows, word):
    """Decide the undecided draws by their second word; about one draw in 10**8 comes here."""
    for i in range(rows.n):
        slot = scratch.slot[i]
        if undecided(words[i], slot, bits):
            second = one_word(rows.key, rows.number + uint64(i), word, uint64(STREAM_REFINE))
            scratch.outcome[i] = exact_outcome(words[i], second, slot, fine[uint64(scratch.place[i])], bits)


@loop
def _unpack(outcome, shift, mask, n, codes):
    shift = uint16(shift) & uint16(15)
    mask = uint16(mask)
    for i in range(n):
        codes[i] = (outcome[i] >> shift) & mask


@loop
def _draw_cluster(plan, c, rows, words, scratch, out):
    """Draw the members of cluster c for a tile, whose parents are already in ``out``."""
    a, n = rows.first, rows.n
    own = slice(plan.parent_start[c], plan.parent_start[c + 1])
    table = slice(plan.table_start[c], plan.table_start[c + 1])
    bits = plan.slot_bits[c]
    if plan.table_start[c + 1] - plan.table_start[c] <= NARROW:
        joint_index(plan.parent_column[own], plan.parent_stride[own], out, a, n, scratch.narrow)
        _find_slots(words, scratch.narrow, bits, n, scratch.place)
    else:
        wide_joint_index(plan.parent_column[own], plan.parent_stride[own], out, a, n, scratch.wide)
        _find_slots(words, scratch.wide, bits, n, scratch.place)
    gather_slots(scratch.place, plan.slots[table], n, scratch.slot)
    if choose(words, scratch.slot, bits, n, scratch.outcome):
        _refine(words, scratch, plan.fine[table], bits, rows, plan.first_word + uint64(c))
    for j in range(plan.member_start[c], plan.member_start[c + 1]):
        codes = out[plan.member_column[j], a : a + n]
        _unpack(scratch.outcome, plan.member_shift[j], plan.member_mask[j], n, codes)


@kernel
def sample_cpu(row_begin, row_end, key, start, plan, out):
    """Draw rows [row_begin, row_end) of ``out`` (n_vars, n); column i of ``out`` is global row ``start + i``."""
    words = np.empty((4, TILE), np.uint32)
    scratch = _Scratch(
        np.empty(TILE, np.uint16),
        np.empty(TILE, np.uint32),
        np.empty(TILE, np.uint32),
        np.empty(TILE, np.uint64),
        np.empty(TILE, np.uint16),
    )
    a = row_begin
    while a < row_end:
        row = uint64(start) + uint64(a)
        before_wrap = uint64(LOW) + uint64(1) - (row & uint64(LOW))
        n = np.int64(min(uint64(min(TILE, row_end - a)), before_wrap))
        for c in range(plan.slot_bits.shape[0]):
            word = plan.first_word + uint64(c)
            if c == 0 or word & uint64(3) == 0:
                fill_words(key, row, word >> uint64(2), uint64(STREAM_SAMPLE), n, words)
            _draw_cluster(plan, c, _Rows(a, n, row, key), words[word & uint64(3)], scratch, out)
        a += n


@loop
def add_table(total, index, table, n):
    """total[i] += table[index[i]], an index beyond the table being its last cell."""
    full, last = n & ~7, uint64(table.shape[0] - 1)
    for i in range(0, full, 8):
        add_cells(total, table, index, i)
    for i in range(full, n):
        total[i] += table[min(uint64(index[i]), last)]


@loop
def _score_cluster(plan, c, codes, a, index, total):
    n = total.shape[0]
    own = slice(plan.scope_start[c], plan.scope_start[c + 1])
    table = plan.table[plan.table_start[c] : plan.table_start[c + 1]]
    if table.shape[0] <= NARROW:
        joint_index(plan.scope_column[own], plan.scope_stride[own], codes, a, n, index.narrow)
        add_table(total, index.narrow, table, n)
    else:
        wide_joint_index(plan.scope_column[own], plan.scope_stride[own], codes, a, n, index.wide)
        add_table(total, index.wide, table, n)


@loop
def _score_tile(plan, codes, a, index, total):
    total[:] = 0.0
    for c in range(plan.table_start.shape[0] - 1):
        _score_cluster(plan, c, codes, a, index, total)


@loop
def new_index(size):
    """Room for the indices of a tile."""
    return _Index(np.empty(size, np.uint16), np.empty(size, np.uint32))


@kernel
def log_prob_cpu(row_begin, row_end, plan, largest, codes, out):
    """out[i] = sum over clusters of table[index of row i], for rows [row_begin, row_end) of ``codes`` (n_vars, n).

    Returns -1, or the first row of a tile in which a code exceeds ``largest`` of its variable.
    """
    index = new_index(SCORING_TILE)
    for a in range(row_begin, row_end, SCORING_TILE):
        n = min(SCORING_TILE, row_end - a)
        if not columns_in_range(codes, a, n, largest):
            return a
        _score_tile(plan, codes, a, index, out[a : a + n])
    return -1


@kernel
def log_prob_rows_cpu(row_begin, row_end, plan, largest, rows, out):
    """As ``log_prob_cpu`` for row-major codes (n, n_vars) of any unsigned type."""
    n_vars = largest.shape[0]
    size = min(SCORING_TILE, tile_rows(n_vars))
    words = np.empty((n_vars, (size * largest.itemsize) // 8 + PADDING), np.uint64)
    tile = words.view(largest.dtype)
    word = np.empty(n_vars, np.uint64)
    index = new_index(SCORING_TILE)
    for a in range(row_begin, row_end, size):
        n = min(size, row_end - a)
        if not load_rows(rows, a, n, largest, words, tile, word):
            return a
        _score_tile(plan, tile, 0, index, out[a : a + n])
    return -1


@kernel
def log_prob_per_variable_cpu(row_begin, row_end, plan, largest, codes, out):
    """out[v, i] = log P(x_v | parents of v) in row i, from a plan with one cluster per variable, in column order."""
    index = new_index(SCORING_TILE)
    for a in range(row_begin, row_end, SCORING_TILE):
        n = min(SCORING_TILE, row_end - a)
        if not columns_in_range(codes, a, n, largest):
            return a
        for v in range(out.shape[0]):
            total = out[v, a : a + n]
            total[:] = 0.0
            _score_cluster(plan, v, codes, a, index, total)
    return -1


@loop
def _count(index, weights, counts, n):
    """Rows i, i + 4, ... share a table: the next addition to a cell does not wait for the last one to be stored."""
    first, second, third, fourth = counts[0], counts[1], counts[2], counts[3]
    full = n & ~3
    if weights is None:
        for i in range(0, full, 4):
            first[uint64(index[i])] += 1
            second[uint64(index[i + 1])] += 1
            third[uint64(index[i + 2])] += 1
            fourth[uint64(index[i + 3])] += 1
        for i in range(full, n):
            first[uint64(index[i])] += 1
    else:
        for i in range(0, full, 4):
            first[uint64(index[i])] += weights[i]
            second[uint64(index[i + 1])] += weights[i + 1]
            third[uint64(index[i + 2])] += weights[i + 2]
            fourth[uint64(index[i + 3])] += weights[i + 3]
        for i in range(full, n):
            first[uint64(index[i])] += weights[i]


@loop
def _keep_within(index, size, n):
    """index = min(index, size - 1)"""
    last = index.dtype.type(size - 1)
    for i in range(n):
        index[i] = min(index[i], last)


@loop
def _count_cluster(plan, c, codes, a, n, index, weights, counts):
    own = slice(plan.scope_start[c], plan.scope_start[c + 1])
    table = counts[:, plan.table_start[c] : plan.table_start[c + 1]]
    if table.shape[1] <= NARROW:
        joint_index(plan.scope_column[own], plan.scope_stride[own], codes, a, n, index.narrow)
        _keep_within(index.narrow, table.shape[1], n)
        _count(index.narrow, weights, table, n)
    else:
        wide_joint_index(plan.scope_column[own], plan.scope_stride[own], codes, a, n, index.wide)
        _keep_within(index.wide, table.shape[1], n)
        _count(index.wide, weights, table, n)


@kernel
def count_cpu(row_begin, row_end, plan, largest, codes, weights, counts):
    """counts[:, cell] += weight of the row (1 if ``weights`` is None) for every cluster's joint state of every row.

    ``counts`` (4, cells) is uint32, or float64 when weighted; its sum over the first axis counts.
    Returns -1, or the first row of a tile with a bad code.
    """
    index = new_index(TILE)
    for a in range(row_begin, row_end, TILE):
        n = min(TILE, row_end - a)
        if not columns_in_range(codes, a, n, largest):
            return a
        own_weights = None if weights is None else weights[a : a + n]
        for c in range(plan.table_start.shape[0] - 1):
            _count_cluster(plan, c, codes, a, n, index, own_weights, counts)
    return -1
