"""Counting a Markov chain's contexts, and the symbols that follow them, in a stream (markov.py).

A context is a number whose digits, some bits each, are the last ``order`` symbols (K before the start), with the
position above them where tables depend on it: as that, it is a key of a hash table. Where numbers with these symbols as
digits of base K + 1 are few enough for a table, a first pass gives each context a row of counts instead, and a second
one counts in these.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint32, uint64

from .jit import formula, kernel, loop
from .markov import RUN, entry, write_numbers

FREE = 0xFFFFFFFFFFFFFFFF  # no key: these have at most 63 bits


class Digits(NamedTuple):
    """How contexts are written as numbers: the last ``order`` symbols, ``bits`` each, ``end`` before the start."""

    bits: int
    order: int
    mask: int  # of a context
    start: int  # the context of a start: ``end`` everywhere
    end: int
    positions: int  # 1 where the key counts positions, else 0


# --- rows of counts ---

FULL = 255  # where a count in a byte stops
CARRY = 254  # of it, noted elsewhere: a count that was begun is never 0 again


class Rows(NamedTuple):
    """A row of counts for every context met, small enough to stay in cache; row 0 stands for none."""

    row_of: np.ndarray  # uint16 ((K + 1)**order,): by the last symbols as digits of one number
    contexts: np.ndarray  # uint64 (rows,): keys
    counts: np.ndarray  # uint8 (rows * stride,)
    carried: np.ndarray  # uint32: cells of counts that are CARRY more, once for each time
    used: np.ndarray  # int64 (2,): rows, and cells carried
    stride: int  # K + 1, made a multiple of 8


@loop
def _context_of(digits, number):
    """The context that the last symbols are, and its own number: all before an end symbol is the start."""
    width, after_end = uint64(digits.end + 1), False
    context, own, rest, place = uint64(0), uint64(0), uint64(number), uint64(1)
    for k in range(digits.order):
        after_end = after_end or rest % width == uint64(digits.end)
        digit = uint64(digits.end) if after_end else rest % width
        context |= digit << uint64(digits.bits * k)
        own += digit * place
        rest //= width
        place *= width
    return context, own


@loop
def _enter_row(digits, number, rows):
    """Give the context of a number a row; returns whether there was one left."""
    context, own = _context_of(digits, number)
    if rows.row_of[own] == 0:
        row = rows.used[0]
        if row == rows.contexts.shape[0]:
            return False
        rows.contexts[row] = context
        rows.row_of[own] = row
        rows.used[0] = row + 1
    rows.row_of[number] = rows.row_of[own]
    return True


@loop
def _add_counts(symbols, numbers, rows):
    """Count symbols after their contexts, up to one whose context has no row; returns how many."""
    i = uint64(0)
    while i < uint64(symbols.shape[0]):
        row = uint64(rows.row_of[uint64(numbers[i])])
        if row == uint64(0):
            break
        cell = row * uint64(rows.stride) + uint64(symbols[i])
        count = rows.counts[cell]
        if count == FULL:
            rows.carried[rows.used[1]] = cell
            rows.used[1] += 1
            count -= CARRY
        rows.counts[cell] = count + 1
        i += uint64(1)
    return i


@kernel
def count_rows_cpu(begin, end, digits, symbols, rows):
    """Count every symbol of [begin, end) after its context, in a row of the context's own.

    Returns the next symbol to count: it stops where a context finds no row, to be called again with more of them.
    """
    numbers = np.empty(RUN, np.uint32)
    for a in range(begin, end, RUN):
        b = min(a + RUN, end)
        write_numbers(symbols, a, b, digits.order, uint32(digits.end + 1), numbers)
        done = uint64(0)
        while done < uint64(b - a):
            done += _add_counts(symbols[a + done : b], numbers[done:], rows)
            if done < uint64(b - a) and not _enter_row(digits, uint64(numbers[done]), rows):
                return a + np.int64(done)
    return end


@kernel
def collect_counts(order, digits, rows, words, keys, counts):
    """The keys and counts that are not 0, rows in the given order and nothing carried; one more place is written to.

    ``words`` are the rows in uint64, eight counts each: nearly all of them are 0.
    """
    n, bits, words_per_row = uint64(0), uint64(digits.bits), uint64(rows.stride // 8)
    for i in range(order.shape[0]):
        row = uint64(order[i])
        for word in range(row * words_per_row, (row + uint64(1)) * words_per_row):
            if words[word] == uint64(0):
                continue
            for cell in range(word * uint64(8), (word + uint64(1)) * uint64(8)):
                keys[n] = (rows.contexts[row] << bits) | (cell - row * uint64(rows.stride))
                counts[n] = rows.counts[cell]
                n += uint64(rows.counts[cell] != 0)


# --- a hash table ---


@loop
def _table_bits(table):
    bits = uint64(0)
    while uint64(1) << bits < uint64(table.shape[0]):
        bits += uint64(1)
    return bits


@formula
def _place_of(key, table, bits):
    """Where a key is in a hash table of 2**bits places with linear probing, or the FREE place where it would go."""
    place = (key * uint64(0x9E3779B97F4A7C15)) >> (uint64(64) - bits)
    while table[place, 0] != key and table[place, 0] != uint64(FREE):
        place = (place + uint64(1)) & uint64(table.shape[0] - 1)
    return place


@loop
def _context_at(digits, symbols, p):
    """The context before symbol p, and its position where keys count it: then the way back to the start is short."""
    a, _ = entry(symbols, p, p if digits.positions else digits.order, digits.end)
    context = uint64(digits.start)
    for q in range(a, p):
        context = ((context << uint64(digits.bits)) | uint64(symbols[uint64(q)])) & uint64(digits.mask)
    return context, uint64((p - a) * digits.positions)


@kernel
def count_cpu(begin, end, entries, digits, symbols, table):
    """Count every symbol of [begin, end) after its context, in a hash table that has ``entries`` already.

    Key = position, context and symbol as fields of one number. ``table`` (2**b, 2) holds keys, FREE where there is
    none, and counts; open addressing. Returns the next symbol to count: it stops when half of the places are taken,
    to be called again with more of them.
    """
    bits, mask, start = uint64(digits.bits), uint64(digits.mask), uint64(digits.start)
    above, step = uint64(digits.bits * digits.order), uint64(digits.positions)
    table_bits = _table_bits(table)
    context, position = _context_at(digits, symbols, begin)
    room = table.shape[0] // 2
    for p in range(begin, end):
        symbol = uint64(symbols[uint64(p)])
        key = (((position << above) | context) << bits) | symbol
        place = _place_of(key, table, table_bits)
        if table[place, 0] != key:
            if entries == room:
                return p
            table[place, 0] = key
            entries += 1
        table[place, 1] += uint64(1)
        at_end = uint64(0) - uint64(symbol == uint64(digits.end))  # all ones, or 0: a jump would often go wrong
        context = ((((context << bits) | symbol) & mask) & ~at_end) | (start & at_end)
        position = (position + step) & ~at_end
    return end


@kernel
def enter(entries, table):
    """Put (key, count) pairs into an empty hash table."""
    table_bits = _table_bits(table)
    for i in range(entries.shape[0]):
        place = _place_of(entries[i, 0], table, table_bits)
        table[place, 0] = entries[i, 0]
        table[place, 1] = entries[i, 1]


@kernel
def look_up(keys, table, counts):
    """counts[i] = count of keys[i], all of which are in the table."""
    table_bits = _table_bits(table)
    for i in range(keys.shape[0]):
        counts[i] = table[_place_of(keys[i], table, table_bits), 1]
