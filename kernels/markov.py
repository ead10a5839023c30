"""Markov chains as automata: scoring at one or two look-ups per symbol.

Data is a *stream*: the codes of all sequences end to end, uint8 or uint16, each sequence followed by the code ``end``
= K. A state of the automaton is a context; ``successor[state * width + symbol]`` is the next state, with
width = K + 1, and the end symbol leads back to the start. A state depends on the last ``order`` symbols alone, so a
stream may be entered anywhere: loops make WALKS through it at once, because one walk would wait for every look-up.

Where numbers with the last ``order`` symbols as their digits are few enough for a table of states, no look-up waits for
another: ``cells`` names the first cell of the state by that number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint32, uint64

from .jit import formula, kernel, loop

WALKS = 8
RUN = 4096  # symbols of a partial sum: a long sequence is summed in runs of so many


class Chain(NamedTuple):
    """An automaton with a number in every cell; ``aligned`` > 0 means that only multiples of it may be entered."""

    successor: np.ndarray  # uint32 (states * width,)
    table: np.ndarray  # float64 (states * width,): log-probabilities, or probabilities
    width: int
    order: int
    root: int  # state of a stream entered with nothing known
    start: int
    aligned: int
    cells: np.ndarray  # uint32 (width**order,): first cell of the state after these symbols; empty: too many


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
def _add_digit(symbols, width, numbers):
    for i in range(uint64(symbols.shape[0])):
        numbers[uint64(i)] = numbers[uint64(i)] * width + uint32(symbols[uint64(i)])


@loop
def write_numbers(symbols, begin, end, order, width, numbers):
    """numbers[i] = the ``order`` symbols before begin + i as digits of base ``width``; before the stream are ends."""
    numbers[: end - begin] = uint32(0)
    for back in range(order, 0, -1):
        missing = min(max(0, back - begin), end - begin)
        for i in range(missing):
            numbers[i] = numbers[i] * width + (width - uint32(1))
        _add_digit(symbols[begin + missing - back : end - back], width, numbers[missing:])


@loop
def _look_up(chain, symbols, numbers, terms):
    for i in range(uint64(symbols.shape[0])):
        cell = uint64(chain.cells[uint64(numbers[uint64(i)])]) + uint64(symbols[uint64(i)])
        terms[uint64(i)] = chain.table[cell]


@loop
def _look_up_tiles(chain, symbols, begin, end, terms):
    """terms[i] = table entry of symbol begin + i, at the cell that the symbols before it name."""
    numbers = np.empty(RUN, np.uint32)
    for a in range(begin, end, RUN):
        b = min(a + RUN, end)
        write_numbers(symbols, a, b, chain.order, uint32(chain.width), numbers)
        _look_up(chain, symbols[a:b], numbers, terms[a - begin :])


@loop
def _walk(chain, symbols, begin, end, terms):
    """terms[i] = table entry of symbol begin + i."""
    if chain.cells.shape[0] > 0:
        _look_up_tiles(chain, symbols, begin, end, terms)
        return
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
