"""Sequences of codes on the device, read eight (or four) codes at a time, and cut into pieces for its threads.

Expected time: a load of 8 bytes for every eight codes of a byte, whatever the alignment of a sequence, so that reading
costs an eighth of a line of the L1 cache per code; the look-ups of a chain cost more.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import cuda, uint64

__all__ = ["Extent", "PackedSequences", "bounds", "code_in", "keep_code", "piece", "skipped", "word_at", "write_kept"]

device: Any = cuda.jit(device=True)


class PackedSequences(NamedTuple):
    """The codes of all sequences end to end, without ends.

    The memory may be anybody's and change: codes are clamped where they are read.
    """

    values: Any  # uint8 or uint16 (size,)
    words: Any  # uint64: the same memory, as far as whole words go; empty where it begins beside one
    offsets: Any  # int64 (n + 1,), ours alone and checked; empty where all have ``length`` codes
    n: int
    length: int
    wide: int  # log2 of the codes in a word: 3 or 2


class Extent(NamedTuple):
    """What of every sequence counts, and into how many pieces it is cut."""

    prefix_offsets: Any  # int64: of sequences whose codes are skipped; empty where ``first`` codes of each are
    n_per_row: int  # sequences for each prefix
    first: int
    limit: int  # a sequence of so many codes was cut: it has no end; 0: none has
    pieces: int
    run: int  # codes of a piece


@device
def bounds(sequences, i):
    """Where sequence i begins and how many codes it has."""
    if sequences.offsets.shape[0] > 1:
        begin, end = uint64(sequences.offsets[i]), uint64(sequences.offsets[i + 1])
        return begin, end - begin if end > begin else uint64(0)
    return uint64(i) * uint64(sequences.length), uint64(sequences.length)


@device
def word_at(sequences, p):
    """The word that holds code p; codes of a last word that is not whole are read one by one."""
    wide = uint64(sequences.wide)
    place = p >> wide
    if place < uint64(sequences.words.shape[0]):
        return uint64(sequences.words[place])
    word, up = uint64(0), uint64(0)
    first = place << wide
    for q in range(first, min(first + (uint64(1) << wide), uint64(sequences.values.shape[0]))):
        word |= uint64(sequences.values[q]) << up
        up += uint64(64) >> wide
    return word


@device
def code_in(sequences, word, p):
    """Code p in the word that holds it."""
    wide = uint64(sequences.wide)
    bits = uint64(64) >> wide
    place = p & ((uint64(1) << wide) - uint64(1))
    return (word >> (place * bits)) & ((uint64(1) << bits) - uint64(1))


@device
def skipped(extent, i):
    """How many codes of sequence i do not count."""
    if extent.prefix_offsets.shape[0] > 1:
        q = i // extent.n_per_row
        return uint64(extent.prefix_offsets[q + 1]) - uint64(extent.prefix_offsets[q])
    return uint64(extent.first)


@device
def piece(sequences, extent, u):
    """Piece u: its sequence's begin and size, and from which symbol to which it goes, the end being symbol ``size``."""
    i, j = u // extent.pieces, u % extent.pieces
    begin, size = bounds(sequences, i)
    last = size + uint64(1) if size < uint64(extent.limit) else size
    first = uint64(j) * uint64(extent.run)
    if j + 1 < extent.pieces:
        last = min(last, first + uint64(extent.run))
    return begin, size, max(first, skipped(extent, i)), last


# --- writing ---


@device
def keep_code(sequences, begin, p, code, kept):
    """Write code p of the memory, which belongs to a sequence that begins at ``begin``; returns the word in the making.

    Words are written whole, where all of their codes are of the sequence.
    """
    wide = uint64(sequences.wide)
    lanes = (uint64(1) << wide) - uint64(1)
    kept |= code << ((p & lanes) * (uint64(64) >> wide))
    if p & lanes != lanes:
        return kept
    if p - lanes >= begin:
        sequences.words[p >> wide] = kept
    else:
        _write_codes(sequences, begin, p + uint64(1), kept)
    return uint64(0)


@device
def write_kept(sequences, begin, end, kept):
    """Write the codes of an unfinished word, up to ``end``, one by one."""
    if end & ((uint64(1) << uint64(sequences.wide)) - uint64(1)) != uint64(0):
        _write_codes(sequences, begin, end, kept)


@device
def _write_codes(sequences, begin, end, kept):
    wide = uint64(sequences.wide)
    first = ((end - uint64(1)) >> wide) << wide
    for p in range(max(begin, first), end):
        p = uint64(p)
        sequences.values[p] = code_in(sequences, kept, p)
