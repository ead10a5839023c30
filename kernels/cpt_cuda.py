"""CUDA twins of cpt.py that draw: the same rows, bit for bit, with four of them to a thread.

The plan comes packed (packed_tables_cuda.py). What a thread must be told of a cluster serves four rows, and their four
codes of a column are moved as one word (four_codes_cuda.py). Codes of parents are read again from where they were
written: they are in the second-level cache at the farthest, and a dynamic index would put them out of registers.

Expected for ALARM, whose 37 variables are drawn in 7 clusters from 263 KB of slots: a row writes 37 bytes (H100: 12
ps), needs 2 blocks of random words and about 450 instructions (15 ps), and reads 7 slots at random. These do not fit
into shared memory and come from the first-level cache, at one to four lines in a cycle (8 to 30 ps), which limits: H100
and A100 20 to 35 ps a row. A T4 with a quarter of that cache reads them from the second level, in about 250 ps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import cuda, uint32, uint64

from .alias_cuda import exact_outcome, undecided
from .four_codes_cuda import is_whole, load_four, store_four
from .packed_tables_cuda import ENTRY, FINE, FIRST_ENTRY, FIRST_WORD, N_CLUSTERS, Four, copied, entry_of, look_up
from .philox import STREAM_REFINE, STREAM_SAMPLE
from .philox_cuda import block_words, lane_word, one_word

__all__ = ["DRAWN", "sample_cuda"]

DRAWN = ENTRY + 3  # words of an entry before its parents: the bits of a slot's number, where members begin and end

device: Any = cuda.jit(device=True)


class _Rows(NamedTuple):
    """Four rows that a thread draws."""

    key: int
    start: int  # number in the stream of the key of the first column of the block
    first: int  # their first column
    whole: bool  # whether their codes of a variable are one word


@device
def _places(words, at, end, rows, out):
    """Where the tables of four rows begin under their parents, which are listed in pairs from ``at`` to ``end``."""
    a, b, c, d = uint32(0), uint32(0), uint32(0), uint32(0)
    while at < end:
        stride, other = words[at + uint32(1)], words[at + uint32(3)]
        first = load_four(out, words[at], rows.first, uint64(1), rows.whole)
        second = load_four(out, words[at + uint32(2)], rows.first, uint64(1), rows.whole)
        a = uint32(a + stride * first[0] + other * second[0])
        b = uint32(b + stride * first[1] + other * second[1])
        c = uint32(c + stride * first[2] + other * second[2])
        d = uint32(d + stride * first[3] + other * second[3])
        at = uint32(at + uint32(4))
    return Four(a, b, c, d)


@device
def _first_outcome(word, slot, bits):
    """The outcome of a slot by the first word, and 0 where the second has a say."""
    fraction, threshold, pair = uint32(word << bits), uint32(slot >> uint64(32)), uint32(slot)
    outcome = pair & uint32(0xFFFF) if fraction < threshold else pair >> uint32(16)
    return uint32(outcome), uint32((fraction ^ threshold) >> bits)


@device
def _exact_outcome(words, fine, word, slot, rows, k, number, bits):
    """The outcome for the k-th of four rows by both words; about one draw in 10**8 comes here."""
    bits, word, second = uint64(bits), uint64(word), uint64(0)
    if undecided(word, slot, bits):
        second = one_word(rows.key, rows.start + rows.first + uint64(k), number, STREAM_REFINE)
    return uint32(exact_outcome(word, second, slot, words[fine], bits))


@device
def _turned(four):
    """The last as the first."""
    return Four(four.fourth, four.first, four.second, four.third)


@device
def _outcomes(words, slots, shared, at, drawn, rows, number, out):
    """What a cluster draws for four rows: two packed outcomes to a word, (first and third, second and fourth)."""
    entry, bits = entry_of(words, at), words[at + uint32(ENTRY)]
    down, lane = uint32(32) - bits, number & uint64(3)
    word = Four(
        lane_word(drawn[0], lane), lane_word(drawn[1], lane), lane_word(drawn[2], lane), lane_word(drawn[3], lane)
    )
    place = _places(words, at + uint32(DRAWN), words[at + uint32(ENTRY + 1)], rows, out)
    place = Four(
        uint32(place.first + (word.first >> down)),
        uint32(place.second + (word.second >> down)),
        uint32(place.third + (word.third >> down)),
        uint32(place.fourth + (word.fourth >> down)),
    )
    slot = look_up(slots, shared, entry, place, uint32(0))
    a, near_a = _first_outcome(word.first, slot.first, bits)
    b, near_b = _first_outcome(word.second, slot.second, bits)
    c, near_c = _first_outcome(word.third, slot.third, bits)
    d, near_d = _first_outcome(word.fourth, slot.fourth, bits)
    fine, k = uint64(words[FINE]) + uint64(entry.begin), uint64(0)
    if min(min(near_a, near_b), min(near_c, near_d)) == uint32(0):
        k = uint64(4)
    while k > uint64(0):  # one code for all four
        k = k - uint64(1)
        at_k = fine + uint64(place.fourth)
        a, b, c, d = _exact_outcome(words, at_k, word.fourth, slot.fourth, rows, k, number, bits), a, b, c
        word, slot, place = _turned(word), _turned(slot), _turned(place)
    return a | (c << uint32(16)), b | (d << uint32(16))


@device
def _store_members(words, at, end, outcomes, rows, out):
    """Write the codes of the members, which are listed from ``at`` to ``end``."""
    first, second = outcomes
    while at < end:
        field = words[at + uint32(1)]
        shift, mask = field & uint32(0xFFFF), field >> uint32(16)
        mask |= mask << uint32(16)
        codes = (first >> shift) & mask, (second >> shift) & mask
        store_four(out, words[at], rows.first, rows.whole, codes)
        at = uint32(at + uint32(2))


@device
def _words(rows, n, block):
    """A block of words of each of four rows, as far as there are so many; one code for all four."""
    nothing = uint32(0), uint32(0), uint32(0), uint32(0)
    drawn = nothing, nothing, nothing, nothing
    k = min(uint64(n) - rows.first, uint64(4))
    while k > uint64(0):
        k = k - uint64(1)
        a, b, c, d = block_words(rows.key, rows.start + rows.first + k, block, STREAM_SAMPLE)
        drawn = (uint32(a), uint32(b), uint32(c), uint32(d)), drawn[0], drawn[1], drawn[2]
    return drawn


@cuda.jit
def sample_cuda(key, start, words, slots, out):
    """Draw all rows of ``out`` (n_vars, n); column i is global row ``start + i``."""
    shared = cuda.shared.array(0, uint64)
    copied(words, slots, shared)
    n, whole = out.shape[1], is_whole(out)
    for group in range(cuda.grid(1), (n + 3) >> 2, cuda.gridsize(1)):
        rows = _Rows(uint64(key), uint64(start), uint64(group) << uint64(2), whole)
        at, number = uint32(FIRST_ENTRY), uint64(words[FIRST_WORD])
        end = number + uint64(words[N_CLUSTERS])
        while number < end:
            drawn = _words(rows, n, number >> uint64(2))
            following = min(end, (number | uint64(3)) + uint64(1))
            while number < following:
                outcomes = _outcomes(words, slots, shared, at, drawn, rows, number, out)
                members, after = words[at + uint32(ENTRY + 1)], words[at + uint32(ENTRY + 2)]
                _store_members(words, members, after, outcomes, rows, out)
                at, number = words[at], number + uint64(1)
