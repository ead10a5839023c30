"""CUDA twins of cpt.py and cpt_classes.py that score: the same numbers, bit for bit, with four rows to a thread.

The plan comes packed (packed_tables_cuda.py). Variables of a scope are read in pairs, four codes of each as one word: a
warp then waits for 256 bytes at once, and 24 to 32 warps of a processor for enough to keep the memory busy.

Expected for ALARM, whose 37 variables are looked up in 8 tables of 63 KB:

* log_prob moves 45 bytes a row (H100: 15 ps) in about 300 instructions (10 ps) and 8 look-ups, 7 of them in shared
  memory (7 ps) and those of the largest table in the first-level cache (up to 5 ps): the memory limits. A100 25 ps, T4
  150 ps.
* log_prob of every variable moves 333 bytes a row: the memory limits. H100 111 ps, A100 185 ps, T4 1.1 ns.
* log_prob of the states of one variable moves 37 + 8 K bytes a row; the codes are read again for every state, from
  the caches. H100 18 ps for two states, about 100 ps for ten.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import cuda, float64, uint32, uint64

from .four_codes_cuda import is_whole, load_four
from .packed_tables_cuda import ENTRY, FIRST_ENTRY, N_CLUSTERS, Four, copied, entry_of, look_up

__all__ = ["SCOPE", "log_prob_cuda", "log_prob_of_states_cuda", "log_prob_per_variable_cuda", "places_of"]

SCOPE = ENTRY + 2  # words of an entry before its scope: the number of pairs of variables, and whose table it is
PAIR = 6  # words of a pair: column, stride and largest code of each variable

device: Any = cuda.jit(device=True)


class Codes(NamedTuple):
    """Four rows of a block of codes."""

    block: object
    first: int
    step: int  # from one of them to the next
    whole: bool  # whether their codes of a variable are one word


@device
def places_of(words, at, codes):
    """Places of four rows in the table of the entry ``at``, and whether their codes are in range."""
    a, b, c, d = uint32(0), uint32(0), uint32(0), uint32(0)
    in_a, in_b, in_c, in_d = True, True, True, True
    pair = uint32(at + uint32(SCOPE))
    for _ in range(words[at + uint32(ENTRY)]):
        stride, largest = words[pair + uint32(1)], words[pair + uint32(2)]
        other_stride, other_largest = words[pair + uint32(4)], words[pair + uint32(5)]
        own = load_four(codes.block, words[pair], codes.first, codes.step, codes.whole)
        other = load_four(codes.block, words[pair + uint32(3)], codes.first, codes.step, codes.whole)
        a = uint32(a + stride * own[0] + other_stride * other[0])
        b = uint32(b + stride * own[1] + other_stride * other[1])
        c = uint32(c + stride * own[2] + other_stride * other[2])
        d = uint32(d + stride * own[3] + other_stride * other[3])
        in_a &= own[0] <= largest and other[0] <= other_largest
        in_b &= own[1] <= largest and other[1] <= other_largest
        in_c &= own[2] <= largest and other[2] <= other_largest
        in_d &= own[3] <= largest and other[3] <= other_largest
        pair = uint32(pair + uint32(PAIR))
    return Four(a, b, c, d), Four(in_a, in_b, in_c, in_d)


@device
def _terms(words, at, table, shared, codes, state):
    """What the entry ``at`` says of four rows, by its table of a state; NaN for codes out of range."""
    entry, nothing = entry_of(words, at), math.nan
    places, fine = places_of(words, at, codes)
    terms = look_up(table, shared, entry, places, uint32(state * (entry.last + uint32(1))))
    return Four(
        terms.first if fine.first else nothing,
        terms.second if fine.second else nothing,
        terms.third if fine.third else nothing,
        terms.fourth if fine.fourth else nothing,
    )


@device
def _store_each(out, first, step, values):
    """Write rows ``first``, ``first + step``, ..., as far as there are so many."""
    n = uint64(out.shape[0])
    second, third = first + step, first + step + step
    out[first] = values.first
    if second < n:
        out[second] = values.second
    if third < n:
        out[third] = values.third
    if third + step < n:
        out[third + step] = values.fourth


@device
def _sum(words, table, shared, codes, state):
    """The sums of what all entries say of four rows, by their tables of a state."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    at = uint32(FIRST_ENTRY)
    for _ in range(words[N_CLUSTERS]):
        terms = _terms(words, at, table, shared, codes, state)
        a, b, c, d = a + terms.first, b + terms.second, c + terms.third, d + terms.fourth
        at = words[at]
    return Four(a, b, c, d)


@cuda.jit
def log_prob_cuda(words, table, codes, out):
    """out[i] = sum over clusters of table[index of row i], or NaN for a row with a code out of range."""
    shared = cuda.shared.array(0, float64)
    copied(words, table, shared)
    whole, one = is_whole(codes), uint64(1)
    for group in range(cuda.grid(1), (out.shape[0] + 3) >> 2, cuda.gridsize(1)):
        first = uint64(group) << uint64(2)
        _store_each(out, first, one, _sum(words, table, shared, Codes(codes, first, one, whole), uint32(0)))


@cuda.jit
def log_prob_per_variable_cuda(words, table, codes, out):
    """out[v, i] = log P(x_v | parents of v) in row i, or NaN where one of their codes is out of range.

    ``words`` has one entry for each of the variables whose terms are asked for. Threads write numbers side by side.
    """
    shared = cuda.shared.array(0, float64)
    copied(words, table, shared)
    n, size, step = out.shape[1], 4 * cuda.blockDim.x, uint64(cuda.blockDim.x)
    for begin in range(cuda.blockIdx.x * size, n, cuda.gridDim.x * size):
        first = uint64(begin) + uint64(cuda.threadIdx.x)
        at = uint32(FIRST_ENTRY)
        if first < uint64(n):
            rows = Codes(codes, first, step, False)
            for _ in range(words[N_CLUSTERS]):
                own = out[words[at + uint32(ENTRY + 1)]]
                _store_each(own, first, step, _terms(words, at, table, shared, rows, uint32(0)))
                at = words[at]


@cuda.jit
def log_prob_of_states_cuda(words, table, codes, out):
    """out[k, i] = sum over clusters of table k's cell of row i, or NaN for a row with a code out of range."""
    shared = cuda.shared.array(0, float64)
    copied(words, table, shared)
    whole, one = is_whole(codes), uint64(1)
    for group in range(cuda.grid(1), (out.shape[1] + 3) >> 2, cuda.gridsize(1)):
        first = uint64(group) << uint64(2)
        rows = Codes(codes, first, one, whole)
        for k in range(out.shape[0]):
            _store_each(out[k], first, one, _sum(words, table, shared, rows, uint32(k)))
