"""CUDA twins of cpt.py: the same rows and numbers, bit for bit, with one thread to a row.

A twin has its CPU loop's arguments but the range of rows. It cannot return the first bad row: what would have been
looked up by a code out of range is NaN or is not counted, and ``in_range_cuda`` says which row it was.
"""

from __future__ import annotations

import math

from numba import cuda, uint64

from .alias_cuda import exact_outcome, undecided
from .philox import STREAM_REFINE, STREAM_SAMPLE
from .philox_cuda import block_words, lane_word

__all__ = ["count_cuda", "in_range_cuda", "log_prob_cuda", "log_prob_per_variable_cuda", "sample_cuda"]

device = cuda.jit(device=True)


@device
def _outcome(plan, c, place, word, key, row):
    """What cluster c draws by a word that chose slot ``place``."""
    bits, slot, second = plan.slot_bits[c], plan.slots[place], uint64(0)
    if undecided(word, slot, bits):
        number = plan.first_word + uint64(c)
        second = lane_word(block_words(key, row, number >> uint64(2), STREAM_REFINE), number & uint64(3))
    return exact_outcome(word, second, slot, plan.fine[place], bits)


@cuda.jit
def sample_cuda(key, start, plan, out):
    """Draw all rows of ``out`` (n_vars, n); column i is global row ``start + i``."""
    for i in range(cuda.grid(1), out.shape[1], cuda.gridsize(1)):
        row = uint64(start) + uint64(i)
        words = block_words(key, row, plan.first_word >> uint64(2), STREAM_SAMPLE)
        for c in range(plan.slot_bits.shape[0]):
            number = plan.first_word + uint64(c)
            if c > 0 and number & uint64(3) == 0:
                words = block_words(key, row, number >> uint64(2), STREAM_SAMPLE)
            word = lane_word(words, number & uint64(3))
            place = plan.table_start[c] + (word >> (uint64(32) - uint64(plan.slot_bits[c])))
            for j in range(plan.parent_start[c], plan.parent_start[c + 1]):
                place += uint64(plan.parent_stride[j]) * uint64(out[plan.parent_column[j], i])
            outcome = _outcome(plan, c, place, word, key, row)
            for j in range(plan.member_start[c], plan.member_start[c + 1]):
                code = (outcome >> uint64(plan.member_shift[j])) & uint64(plan.member_mask[j])
                out[plan.member_column[j], i] = code


@device
def _cell_of(plan, c, largest, codes, i):
    """Place of row i in the table of cluster c, its last cell for codes out of range; and whether they are in range."""
    index, size, fine = uint64(0), plan.table_start[c + 1] - plan.table_start[c], True
    for j in range(plan.scope_start[c], plan.scope_start[c + 1]):
        column = plan.scope_column[j]
        code = codes[column, i]
        fine &= code <= largest[column]
        index += uint64(plan.scope_stride[j]) * uint64(code)
    return plan.table_start[c] + min(index, uint64(size) - uint64(1)), fine


@cuda.jit
def log_prob_cuda(plan, largest, codes, out):
    """out[i] = sum over clusters of table[index of row i], or NaN for a row with a code out of range."""
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        total = 0.0
        for c in range(plan.table_start.shape[0] - 1):
            cell, fine = _cell_of(plan, c, largest, codes, i)
            total += plan.table[cell] if fine else math.nan
        out[i] = total


@cuda.jit
def log_prob_per_variable_cuda(plan, largest, codes, out):
    """out[v, i] = log P(x_v | parents of v) in row i, or NaN where one of their codes is out of range."""
    for i in range(cuda.grid(1), out.shape[1], cuda.gridsize(1)):
        for v in range(out.shape[0]):
            cell, fine = _cell_of(plan, v, largest, codes, i)
            out[v, i] = plan.table[cell] if fine else math.nan


@cuda.jit
def count_cuda(plan, largest, codes, weights, counts):
    """counts[:, cell] += weight of the row for every cluster's joint state of every row, but those out of range.

    ``counts`` (4, cells) is float64 and ``weights`` an array; atomic additions, spread over the four tables.
    """
    for i in range(cuda.grid(1), codes.shape[1], cuda.gridsize(1)):
        for c in range(plan.table_start.shape[0] - 1):
            cell, fine = _cell_of(plan, c, largest, codes, i)
            if fine:
                cuda.atomic.add(counts, (i & 3, cell), weights[i])


@cuda.jit
def in_range_cuda(largest, codes, bad_row):
    """bad_row[0] = the smallest row with a code above ``largest`` of its variable, if any."""
    for i in range(cuda.grid(1), codes.shape[1], cuda.gridsize(1)):
        for v in range(codes.shape[0]):
            if codes[v, i] > largest[v]:
                cuda.atomic.min(bad_row, 0, i)
