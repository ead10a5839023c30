"""Markov chains that store only what was seen: a binary search per symbol, and a step back where it is not found.

Cells first[s] .. first[s + 1] are the symbols that followed context s, ascending. A symbol that is not among them is
looked up in the context without its oldest symbol, ``suffix[s]``, at the price ``back_off[s]``; where the suffix is
NONE, ``back_off[s]`` is all there is to say.

Distributions are mixtures of what a context saw and of the distribution of its suffix. A draw follows them: the alias
table of a context has an outcome for each of its cells and one more for stepping back, where it is drawn again, down to
one among all symbols alike. Symbol t of a row is drawn by words t of the streams SAMPLE and REFINE; after j > 0 steps
back by words 2 w, 2 w + 1 of the stream BACK_OFF with w = t (order + 1) + j - 1. All 64 bits decide.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint64

from .alias import exact_outcome, fill_row
from .jit import kernel, loop
from .markov import entry, sum_terms
from .philox import STREAM_BACK_OFF, STREAM_REFINE, STREAM_SAMPLE, one_word

NONE = 0xFFFFFFFF


class SparseChain(NamedTuple):
    """An automaton with a number in every cell: log-probabilities, or probabilities."""

    first: np.ndarray  # int64 (states + 1,)
    symbols: np.ndarray  # uint16 (cells,)
    table: np.ndarray  # float64 (cells,)
    successor: np.ndarray  # uint32 (cells,)
    suffix: np.ndarray  # uint32 (states,)
    back_off: np.ndarray  # float64 (states,)
    width: int
    order: int
    root: int  # state of a stream entered with nothing known
    start: int
    aligned: int  # > 0: only multiples of it may be entered, and states 0 .. aligned - 2 are the positions
    certain_end: int  # 1 where the end of a row has no probability of its own


class SparseSampler(NamedTuple):
    """Alias tables of all states: slots[slot_first[s] + top bits[s] bits of the word] name cells of the state."""

    chain: SparseChain
    slots: np.ndarray  # uint64
    fine: np.ndarray  # uint32
    slot_first: np.ndarray  # int64 (states,)
    bits: np.ndarray  # uint8 (states,)


# --- scoring ---


@loop
def step(chain, state, symbol):
    """The sum of the factors of the steps back and the table entry, all of them logarithms; and the next state."""
    end = uint64(chain.width - 1)
    if chain.certain_end and symbol == end:
        return 0.0, uint64(chain.start)
    total, s = 0.0, uint64(state)
    while True:
        low, stop = uint64(chain.first[s]), uint64(chain.first[s + uint64(1)])
        high = stop
        while low < high:
            middle = (low + high) >> uint64(1)
            if uint64(chain.symbols[middle]) < symbol:
                low = middle + uint64(1)
            else:
                high = middle
        if low < stop and uint64(chain.symbols[low]) == symbol:
            return total + chain.table[low], uint64(chain.successor[low])
        total += chain.back_off[s]
        if uint64(chain.suffix[s]) == uint64(NONE):
            break
        s = uint64(chain.suffix[s])
    if symbol == end:
        return total, uint64(chain.start)
    if chain.aligned > 0 and s + uint64(2) < uint64(chain.aligned):
        return total, s + uint64(1)
    return total, uint64(chain.root)


@loop
def _state_at(chain, symbols, p):
    """The state before symbol p of a stream."""
    a, at_start = entry(symbols, p, chain.order, chain.width - 1)
    state = uint64(chain.start) if at_start else uint64(chain.root)
    for q in range(a, p):
        state = step(chain, state, uint64(symbols[uint64(q)]))[1]
    return state


@loop
def _walk(chain, symbols, begin, end, terms):
    """terms[i] = log-probability of symbol begin + i."""
    state = _state_at(chain, symbols, begin)
    for p in range(begin, end):
        terms[p - begin], state = step(chain, state, uint64(symbols[uint64(p)]))


@kernel
def sparse_log_prob_cpu(unit_begin, unit_end, chain, symbols, units, size, out):
    """As ``log_prob_cpu``: out[u] = log-probability of the symbols units[u] .. units[u + 1], added in its order."""
    terms = np.empty(size)
    for u in range(unit_begin, unit_end):
        a, b = units[u], units[u + 1]
        _walk(chain, symbols, a, b, terms)
        out[u] = sum_terms(terms, np.int64(0), b - a)


@kernel
def sparse_terms_cpu(begin, end, chain, symbols, out):
    """out[p] = log-probability of symbol p of a stream, for p in [begin, end)."""
    _walk(chain, symbols, begin, end, out[begin:end])


@kernel
def advance_cpu(chain, states, symbols):
    """states[i] = where symbols[i] leads from states[i]."""
    for i in range(states.shape[0]):
        states[i] = step(chain, uint64(states[i]), uint64(symbols[i]))[1]


@kernel
def states_after(chain, symbols, starts, states):
    """states[i] = that after sequence i of a stream, its end symbol not counted."""
    for i in range(states.shape[0]):
        state = uint64(chain.start)
        for p in range(starts[i], starts[i + 1] - 1):
            state = step(chain, state, uint64(symbols[p]))[1]
        states[i] = state


@kernel
def distributions(chain, states, out):
    """out[i, c] = p(c | states[i]), from a chain of probabilities; 0 for the end of a row of fixed length."""
    way = np.empty(chain.order + 1, np.int64)
    for i in range(states.shape[0]):
        way[0], n = states[i], 1
        while chain.suffix[way[n - 1]] != NONE:
            way[n] = chain.suffix[way[n - 1]]
            n += 1
        out[i, :] = 1.0
        for j in range(n - 1, -1, -1):
            s = way[j]
            out[i] *= chain.back_off[s]
            for cell in range(chain.first[s], chain.first[s + 1]):
                out[i, chain.symbols[cell]] = chain.table[cell]
        if chain.certain_end:
            out[i, chain.width - 1] = 0.0


# --- sampling ---


@kernel
def fill_sparse_slots(begin, end, first, masses, back_masses, allowed, sampler):
    """The alias tables of states [begin, end): outcome i < n is cell i of a state, n is the step back.

    A state that saw all ``allowed`` symbols has none of those.
    """
    weight, own = np.empty(allowed, np.uint64), np.empty(allowed, np.int64)
    p, outcomes = np.empty(allowed), np.arange(allowed, dtype=np.uint32)
    for s in range(begin, end):
        n = first[s + 1] - first[s]
        p[:n] = masses[first[s] : first[s + 1]]
        if n < allowed:
            p[n] = back_masses[s]
            n += 1
        a = sampler.slot_first[s]
        b = a + (1 << sampler.bits[s])
        bits = uint64(sampler.bits[s])
        fill_row(p[:n], outcomes[:n], bits, sampler.slots[a:b], sampler.fine[a:b], weight, own)


@loop
def _two_words(key, row, p, order, back):
    """The words of symbol p after ``back`` steps."""
    if back == 0:
        first = one_word(key, row, uint64(p), uint64(STREAM_SAMPLE))
        return first, one_word(key, row, uint64(p), uint64(STREAM_REFINE))
    w = uint64(2) * (uint64(p) * uint64(order + 1) + uint64(back - 1))
    first = one_word(key, row, w, uint64(STREAM_BACK_OFF))
    return first, one_word(key, row, w + uint64(1), uint64(STREAM_BACK_OFF))


@loop
def any_symbol(chain, state, word, second):
    """One of all symbols alike: floor(n u) of a 64-bit fraction u; at the start of a sequence all but its end."""
    n = uint64(chain.width)
    if chain.certain_end or state == uint64(chain.start):
        n = uint64(chain.width - 1)
    return (uint64(word) * n + ((uint64(second) * n) >> uint64(32))) >> uint64(32)


@loop
def draw_symbol(sampler, key, row, p, state):
    """Symbol p of a row and the next state."""
    chain, s, back = sampler.chain, uint64(state), 0
    while True:
        word, second = _two_words(key, row, p, chain.order, back)
        bits = uint64(sampler.bits[s])
        place = uint64(sampler.slot_first[s]) + (uint64(word) >> (uint64(32) - bits))
        cell = uint64(chain.first[s]) + exact_outcome(word, second, sampler.slots[place], sampler.fine[place], bits)
        back += 1
        if cell < uint64(chain.first[s + uint64(1)]):
            symbol = uint64(chain.symbols[cell])
            if back == 1:
                return symbol, uint64(chain.successor[cell])
            break
        if uint64(chain.suffix[s]) == uint64(NONE):
            word, second = _two_words(key, row, p, chain.order, back)
            symbol = any_symbol(chain, s, word, second)
            break
        s = uint64(chain.suffix[s])
    return symbol, step(chain, uint64(state), symbol)[1]


@loop
def prefix_of(request, i):
    """Where the prefix of row i begins and ends."""
    if request.prefix_start.shape[0] < 2:
        return np.int64(0), np.int64(0)
    q = i // request.n_per_row
    return request.prefix_start[q], request.prefix_start[q + 1] - 1


@loop
def _begin_row(chain, request, i, out):
    """Copy the prefix of row i; returns its length and the state after it."""
    state = uint64(chain.start)
    a, b = prefix_of(request, i)
    for p in range(a, b):
        out[p - a] = request.prefix[p]
        state = step(chain, state, uint64(request.prefix[p]))[1]
    return b - a, state


@kernel
def sparse_sample_rows_cpu(row_begin, row_end, sampler, request, out):
    """Draw rows of ``out`` (n, limit) that never end early; row i is global row start + i."""
    key = uint64(request.key)
    for i in range(row_begin, row_end):
        first, state = _begin_row(sampler.chain, request, i, out[i])
        row = uint64(request.start) + uint64(i)
        for p in range(first, request.limit):
            out[i, p], state = draw_symbol(sampler, key, row, p, state)


@loop
def _with_room(stream, needed):
    """The stream, moved to twice the memory where it has less than needed."""
    if needed <= stream.shape[0]:
        return stream
    larger = np.empty(2 * needed, stream.dtype)
    larger[: stream.shape[0]] = stream
    return larger


@kernel
def sparse_sample_stream_cpu(row_begin, row_end, sampler, request, must_end, lengths, room, kind):
    """As ``sample_stream_cpu``: rows to their end symbol or to the limit, as a stream."""
    stream, used, end = np.empty(room, kind.dtype), 0, uint64(sampler.chain.width - 1)
    for i in range(row_begin, row_end):
        a, b = prefix_of(request, i)
        stream = _with_room(stream, used + b - a + 1)
        p, state = _begin_row(sampler.chain, request, i, stream[used:])
        row = uint64(request.start) + uint64(i)
        while p < request.limit:
            symbol, state = draw_symbol(sampler, uint64(request.key), row, p, state)
            if symbol == end:
                break
            stream = _with_room(stream, used + p + 2)
            stream[used + p] = symbol
            p += 1
        if must_end and p >= request.limit:
            return stream, used, i
        lengths[i] = p
        used += p
        stream[used] = end
        used += 1
    return stream, used, -1


# --- single positions, from distributions made for them ---


@kernel
def pick_by_words(key, rows, positions, slots, fine, bits, table, out):
    """out[i] = symbol positions[i] of global row rows[i], by alias table table[i] and the words of that symbol."""
    for i in range(rows.shape[0]):
        word, second = _two_words(uint64(key), uint64(rows[i]), positions[i], 0, 0)
        place = uint64(word) >> (uint64(32) - uint64(bits))
        own = uint64(table[i])
        out[i] = exact_outcome(word, second, slots[own, place], fine[own, place], uint64(bits))


@kernel
def pick_by_uniforms(uniforms, probabilities, table, out):
    """out[i] = smallest symbol whose cumulative probability exceeds uniforms[i]."""
    for i in range(uniforms.shape[0]):
        total, symbol = 0.0, -1
        for k in range(probabilities.shape[1]):
            share = probabilities[table[i], k]
            if share > 0.0:
                total += share
                symbol = k
                if total > uniforms[i]:
                    break
        out[i] = symbol
