"""Markov chains as automata: scoring and counting at one look-up per symbol.

Data is a *stream*: the codes of all sequences end to end, uint8 or uint16, each sequence followed by the code ``end``
= K. A state of the automaton is a context; ``successor[state * width + symbol]`` is the next state, with
width = K + 1, and the end symbol leads back to the start. A state depends on the last ``order`` symbols alone, so a
stream may be entered anywhere: loops make WALKS through it at once, because one walk would wait for every look-up.

Counting needs no automaton: a context is a number whose digits, some bits each, are the last ``order`` symbols (K
before the start), with the position above them where tables depend on it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint64

from .jit import formula, kernel, loop

WALKS = 8
RUN = 4096  # symbols of a partial sum: a long sequence is summed in runs of so many
FREE = 0xFFFFFFFFFFFFFFFF  # no key: these have at most 63 bits


class Chain(NamedTuple):
    """An automaton with a number in every cell; ``aligned`` > 0 means that only multiples of it may be entered."""

    successor: np.ndarray  # uint32 (states * width,)
    table: np.ndarray  # float64 (states * width,): log-probabilities, or probabilities
    width: int
    order: int
    root: int  # state of a stream entered with nothing known
    start: int
    aligned: int


class Digits(NamedTuple):
    """How contexts are written as numbers: the last ``order`` symbols, ``bits`` each, ``end`` before the start."""

    bits: int
    order: int
    mask: int  # of a context
    start: int  # the context of a start: ``end`` everywhere
    end: int
    positions: int  # 1 where the key counts positions, else 0


# --- scoring ---


@formula
def entry(symbols, p, order, end):
    """Where to begin a walk that knows its state at p, and whether that is a start: at most ``order`` symbols back."""
    a = p
    while a > 0 and p - a < order and symbols[uint64(a - 1)] != end:
        a -= 1
    return a, a == 0 or symbols[uint64(a - 1)] == end


@loop
def _state_at(chain, symbols, p):
    """The state before symbol p of a stream."""
    a, at_start = entry(symbols, p, chain.order, chain.width - 1)
    state = uint64(chain.start) if at_start else uint64(chain.root)
    for q in range(a, p):
        state = uint64(chain.successor[state * uint64(chain.width) + uint64(symbols[uint64(q)])])
    return state


@loop
def _walk_length(n, aligned):
    return n // WALKS if aligned == 0 else n // aligned // WALKS * aligned


@formula
def _scored(chain, state, symbol, terms, i):
    """Note the table entry of a symbol; returns the next state."""
    cell = state * uint64(chain.width) + uint64(symbol)
    terms[i] = chain.table[cell]
    return uint64(chain.successor[cell])


@loop
def _walk_side_by_side(chain, symbols, begin, length, terms):
    """WALKS of equal length side by side; their states are plain variables, to stay in registers."""
    n = uint64(length)
    s0, s1 = _state_at(chain, symbols, begin), _state_at(chain, symbols, begin + length)
    s2, s3 = _state_at(chain, symbols, begin + 2 * length), _state_at(chain, symbols, begin + 3 * length)
    s4, s5 = _state_at(chain, symbols, begin + 4 * length), _state_at(chain, symbols, begin + 5 * length)
    s6, s7 = _state_at(chain, symbols, begin + 6 * length), _state_at(chain, symbols, begin + 7 * length)
    own = symbols[begin : begin + WALKS * length]
    for t in range(n):
        i = uint64(t)
        s0 = _scored(chain, s0, own[i], terms, i)
        s1 = _scored(chain, s1, own[n + i], terms, n + i)
        s2 = _scored(chain, s2, own[uint64(2) * n + i], terms, uint64(2) * n + i)
        s3 = _scored(chain, s3, own[uint64(3) * n + i], terms, uint64(3) * n + i)
        s4 = _scored(chain, s4, own[uint64(4) * n + i], terms, uint64(4) * n + i)
        s5 = _scored(chain, s5, own[uint64(5) * n + i], terms, uint64(5) * n + i)
        s6 = _scored(chain, s6, own[uint64(6) * n + i], terms, uint64(6) * n + i)
        s7 = _scored(chain, s7, own[uint64(7) * n + i], terms, uint64(7) * n + i)


@loop
def _walk(chain, symbols, begin, end, terms):
    """terms[i] = table entry of symbol begin + i."""
    length = _walk_length(end - begin, chain.aligned)
    if length > 0:
        _walk_side_by_side(chain, symbols, begin, length, terms)
    rest = begin + WALKS * length
    if rest < end:
        state = _state_at(chain, symbols, rest)
        for p in range(rest, end):
            state = _scored(chain, state, symbols[uint64(p)], terms, uint64(p - begin))


@formula
def sum_terms(terms, a, b):
    """Sum of terms a .. b: four running sums, so that additions overlap; the order depends on the length alone."""
    s0 = s1 = s2 = s3 = 0.0
    full = a + ((b - a) & ~3)
    for k in range(uint64(a), uint64(full), uint64(4)):
        s0 += terms[k]
        s1 += terms[k + uint64(1)]
        s2 += terms[k + uint64(2)]
        s3 += terms[k + uint64(3)]
    for k in range(uint64(full), uint64(b)):
        s0 += terms[k]
    return (s0 + s1) + (s2 + s3)


@kernel
def log_prob_cpu(unit_begin, unit_end, chain, symbols, units, size, out):
    """out[u] = sum of table entries of the symbols units[u] .. units[u + 1] of a stream.

    Units are whole sequences, or runs of RUN symbols of longer ones; ``size`` is at least the longest.
    """
    terms = np.empty(size)
    u = unit_begin
    while u < unit_end:
        v = u + 1
        first, last = units[uint64(u)], units[uint64(v)]
        while v < unit_end and units[uint64(v + 1)] - first <= size:
            v += 1
            last = units[uint64(v)]
        _walk(chain, symbols, first, last, terms)
        a = first
        for w in range(u, v):
            b = units[uint64(w + 1)]
            out[uint64(w)] = sum_terms(terms, a - first, b - first)
            a = b
        u = v


@kernel
def terms_cpu(begin, end, chain, symbols, out):
    """out[p] = table entry of symbol p of a stream, for p in [begin, end)."""
    for a in range(begin, end, RUN * max(1, chain.aligned)):
        b = min(a + RUN * max(1, chain.aligned), end)
        _walk(chain, symbols, a, b, out[a:b])


@kernel
def sum_runs(terms, begin, end, out):
    """out[i] = sum of terms[begin[i] : end[i]], added as log_prob_cpu and its caller do: runs of RUN, in turn."""
    for i in range(begin.shape[0]):
        total = 0.0
        for a in range(begin[i], end[i], RUN):
            part = sum_terms(terms, a, min(a + RUN, end[i]))
            total = part if a == begin[i] else total + part
        out[i] = total


@kernel
def sum_parts(parts, first, out):
    """out[i] = sum of parts[first[i] : first[i + 1]], in turn."""
    for i in range(out.shape[0]):
        total = parts[first[i]]
        for j in range(first[i] + 1, first[i + 1]):
            total += parts[j]
        out[i] = total


@kernel
def translate(points, codes, end, symbols, starts):
    """symbols[i] = codes[points[i]], the last code for points beyond; starts[k] = where the k-th sequence begins.

    Returns the number of ends, or -1 - i for the first point i whose code is -1: there is no such symbol.
    """
    last = uint64(codes.shape[0] - 1)
    ends, most = 0, starts.shape[0] - 1
    for i in range(points.shape[0]):
        code = codes[min(uint64(points[uint64(i)]), last)]
        if code < 0:
            return -1 - i
        symbols[uint64(i)] = code
        starts[uint64(min(ends + 1, most))] = i + 1
        ends += code == end
    return ends


@kernel
def mark_seen(values, seen):
    """seen[v] = 1 for all v in values."""
    for i in range(values.shape[0]):
        seen[uint64(values[i])] = 1


# --- counting ---


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
