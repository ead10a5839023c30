"""Philox4x32-10: counter-based random words (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").

Key = the 64-bit seed. Counter = (low half of the row, high half of the row, word block, stream); word w of a row is
lane w % 4 of block w // 4. Any word can be made alone, so rows do not depend on threads, tiles, chunks or devices.
Pinned by Random123's known answers in tests/test_philox.py; never edited.
"""

from __future__ import annotations

from numba import uint32, uint64

from .jit import formula, loop

# Streams: the fourth counter word says what the random words are for.
STREAM_SAMPLE = 0  # first word of every draw of ancestral sampling
STREAM_REFINE = 1  # second word, used only where the first does not decide
STREAM_BACK_OFF = 2  # draws of sparse Markov chains from shorter contexts, two words each
STREAM_GIVEN = 3  # its first two words are the key of draws under known values, the other two that of proposals
STREAM_EVIDENCE = 4  # draws from the posterior of rows with evidence, two words for each variable

LOW = 0xFFFFFFFF


@formula
def philox4x32(c0, c1, c2, c3, k0, k1):
    """Ten rounds on 32-bit words held in uint64: x' = hi(M * x) ^ y ^ k, y' = lo(M * x). Returns four words."""
    low = uint64(LOW)
    c0 = uint64(c0)
    c1 = uint64(c1)
    c2 = uint64(c2)
    c3 = uint64(c3)
    k0 = uint64(k0)
    k1 = uint64(k1)
    for _ in range(10):  # the high halves hold rubbish that only the masks at the multiplications must drop
        p0 = uint64(0xD2511F53) * (c0 & low)
        p1 = uint64(0xCD9E8D57) * (c2 & low)
        c0 = (p1 >> uint64(32)) ^ c1 ^ k0
        c1 = p1
        c2 = (p0 >> uint64(32)) ^ c3 ^ k1
        c3 = p0
        k0 = (k0 + uint64(0x9E3779B9)) & low
        k1 = (k1 + uint64(0xBB67AE85)) & low
    return c0 & low, c1 & low, c2 & low, c3 & low


@loop
def fill_words(key, row, block, stream, n, words):
    """words[lane, i] = lane ``lane`` of word block ``block`` of row ``row + i``, for i < n.

    The low half of the row index must not wrap inside the run: callers end their tiles at multiples of 2**32.
    """
    k0 = key & uint64(LOW)
    k1 = key >> uint64(32)
    low_row = uint32(row)
    high_row = uint32(row >> uint64(32))
    for i in range(n):
        w0, w1, w2, w3 = philox4x32(uint32(low_row + uint32(i)), high_row, block, stream, k0, k1)
        words[0, i] = w0
        words[1, i] = w1
        words[2, i] = w2
        words[3, i] = w3


@loop
def one_word(key, row, word, stream):
    """A single word of a single row."""
    w0, w1, w2, w3 = philox4x32(
        uint32(row), uint32(row >> uint64(32)), word >> uint64(2), stream, key & uint64(LOW), key >> uint64(32)
    )
    lane = word & uint64(3)
    if lane == uint64(0):
        return w0
    if lane == uint64(1):
        return w1
    return w2 if lane == uint64(2) else w3
