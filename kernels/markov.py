"""Markov chains as automata: scoring, counting and sampling at one look-up per symbol.

Data is a *stream*: the codes of all sequences end to end, uint8 or uint16, each sequence followed by the code ``end``
= K. A state of the automaton is a context; ``successor[state * width + symbol]`` is the next state, with
width = K + 1, and the end symbol leads back to the start. A state depends on the last ``order`` symbols alone, so a
stream may be entered anywhere: loops walk LANES places of it at once, because one walk would wait for every look-up.

Counting needs no automaton: a context is a number whose digits, some bits each, are the last ``order`` symbols (K
before the start), with the position above them where tables depend on it. Sampling draws by alias tables as cpt.py does (same slots, same two words), word number = position.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float64, uint16, uint32, uint64

from .cpt import _choose, _gather_slots, exact_outcome, undecided
from .jit import formula, kernel, loop
from .philox import LOW, STREAM_REFINE, STREAM_SAMPLE, one_word, philox4x32

LANES = 8
TILE = 4096  # symbols of a tile, and of a partial sum: a long sequence is summed in runs of so many
FREE = 0xFFFFFFFFFFFFFFFF  # no key: these have at most 63 bits
ROWS = 1024  # sequences drawn side by side


class Chain(NamedTuple):
    """An automaton with a number in every cell; ``aligned`` > 0 means that only multiples of it may be entered."""

    successor: np.ndarray  # uint32 (states * width,)
    table: np.ndarray  # float64 (states * width,): log-probabilities, or probabilities
    width: int
    order: int
    root: int  # state of a stream entered with nothing known
    start: int
    aligned: int


class Sampler(NamedTuple):
    """Alias tables of all states: slots[state << bits | top bits of the word]."""

    successor: np.ndarray  # uint32 (states * width,)
    slots: np.ndarray  # uint64
    fine: np.ndarray  # uint32
    bits: int
    width: int
    start: int


class Request(NamedTuple):
    """Which rows: global row start + i continues sequence i // n_per_row of the stream ``prefix``, if that has any."""

    key: int
    start: int
    n_per_row: int
    limit: int  # symbols at most
    prefix: np.ndarray  # stream
    prefix_start: np.ndarray  # int64: where its sequences begin, and the length of the stream


class Digits(NamedTuple):
    """How contexts are written as numbers: the last ``order`` symbols, ``bits`` each, ``end`` before the start."""

    bits: int
    order: int
    mask: int  # of a context
    start: int  # the context of a start: ``end`` everywhere
    end: int
    positions: int  # 1 where the key counts positions, else 0


class _Lanes(NamedTuple):
    """Sequences being drawn side by side."""

    row: np.ndarray  # uint32: of the tile
    state: np.ndarray  # uint32
    length: np.ndarray  # uint32: symbols so far, with the whole prefix
    alive: np.ndarray  # uint32: 1 until the end
    words: np.ndarray  # uint32 (4, ROWS)
    place: np.ndarray  # uint32: number of the slot
    slot: np.ndarray  # uint64
    symbol: np.ndarray  # uint16
    count: np.ndarray  # int64 (2,): lanes in use, longest prefix


# --- scoring ---


@formula
def _entry(symbols, p, order, end):
    """Where to begin a walk that knows its state at p, and whether that is a start: at most ``order`` symbols back."""
    a = p
    while a > 0 and p - a < order and symbols[uint64(a - 1)] != end:
        a -= 1
    return a, a == 0 or symbols[uint64(a - 1)] == end


@loop
def _state_at(chain, symbols, p):
    """The state before symbol p of a stream."""
    a, at_start = _entry(symbols, p, chain.order, chain.width - 1)
    state = uint64(chain.start) if at_start else uint64(chain.root)
    for q in range(a, p):
        state = uint64(chain.successor[state * uint64(chain.width) + uint64(symbols[uint64(q)])])
    return state


@loop
def _lane_length(n, aligned):
    return n // LANES if aligned == 0 else n // aligned // LANES * aligned


@formula
def _scored(chain, state, symbol, terms, i):
    """Note the table entry of a symbol; returns the next state."""
    cell = state * uint64(chain.width) + uint64(symbol)
    terms[i] = chain.table[cell]
    return uint64(chain.successor[cell])


@loop
def _walk_lanes(chain, symbols, begin, length, terms):
    """LANES stretches of equal length side by side; their states are plain variables, to stay in registers."""
    n = uint64(length)
    s0, s1 = _state_at(chain, symbols, begin), _state_at(chain, symbols, begin + length)
    s2, s3 = _state_at(chain, symbols, begin + 2 * length), _state_at(chain, symbols, begin + 3 * length)
    s4, s5 = _state_at(chain, symbols, begin + 4 * length), _state_at(chain, symbols, begin + 5 * length)
    s6, s7 = _state_at(chain, symbols, begin + 6 * length), _state_at(chain, symbols, begin + 7 * length)
    own = symbols[begin : begin + LANES * length]
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
    length = _lane_length(end - begin, chain.aligned)
    if length > 0:
        _walk_lanes(chain, symbols, begin, length, terms)
    rest = begin + LANES * length
    if rest < end:
        state = _state_at(chain, symbols, rest)
        for p in range(rest, end):
            state = _scored(chain, state, symbols[uint64(p)], terms, uint64(p - begin))


@formula
def _sum(terms, a, b):
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

    Units are whole sequences, or runs of TILE symbols of longer ones; ``size`` is at least the longest.
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
            out[uint64(w)] = _sum(terms, a - first, b - first)
            a = b
        u = v


@kernel
def terms_cpu(begin, end, chain, symbols, out):
    """out[p] = table entry of symbol p of a stream, for p in [begin, end)."""
    for a in range(begin, end, TILE * max(1, chain.aligned)):
        b = min(a + TILE * max(1, chain.aligned), end)
        _walk(chain, symbols, a, b, out[a:b])


@kernel
def sum_runs(terms, begin, end, out):
    """out[i] = sum of terms[begin[i] : end[i]], added as log_prob_cpu and its caller do: runs of TILE, in turn."""
    for i in range(begin.shape[0]):
        total = 0.0
        for a in range(begin[i], end[i], TILE):
            part = _sum(terms, a, min(a + TILE, end[i]))
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
    """symbols[i] = codes[points[i]], the last code for points beyond; starts[k] = where the sequence after k ends begins.

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


@formula
def _first_place(key, bits):
    return (key * uint64(0x9E3779B97F4A7C15)) >> (uint64(64) - bits)


@loop
def _table_bits(table):
    bits = uint64(0)
    while uint64(1) << bits < uint64(table.shape[0]):
        bits += uint64(1)
    return bits


@loop
def _context_at(digits, symbols, p):
    """The context before symbol p, and its position where keys count it: then the way back to the start is short."""
    a, _ = _entry(symbols, p, p if digits.positions else digits.order, digits.end)
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
    wrap, table_bits = uint64(table.shape[0] - 1), _table_bits(table)
    context, position = _context_at(digits, symbols, begin)
    room = table.shape[0] // 2
    for p in range(begin, end):
        symbol = uint64(symbols[uint64(p)])
        key = (((position << above) | context) << bits) | symbol
        place = _first_place(key, table_bits)
        while table[place, 0] != key:
            if table[place, 0] == uint64(FREE):
                if entries == room:
                    return p
                table[place, 0] = key
                entries += 1
            else:
                place = (place + uint64(1)) & wrap
        table[place, 1] += uint64(1)
        at_end = uint64(0) - uint64(symbol == uint64(digits.end))  # all ones, or 0: a jump would often go wrong
        context = ((((context << bits) | symbol) & mask) & ~at_end) | (start & at_end)
        position = (position + step) & ~at_end
    return end


@kernel
def enter(entries, table):
    """Put (key, count) pairs into an empty hash table."""
    wrap, table_bits = uint64(table.shape[0] - 1), _table_bits(table)
    for i in range(entries.shape[0]):
        place = _first_place(entries[i, 0], table_bits)
        while table[place, 0] != uint64(FREE):
            place = (place + uint64(1)) & wrap
        table[place, 0] = entries[i, 0]
        table[place, 1] = entries[i, 1]


@kernel
def look_up(keys, table, counts):
    """counts[i] = count of keys[i], all of which are in the table."""
    wrap, table_bits = uint64(table.shape[0] - 1), _table_bits(table)
    for i in range(keys.shape[0]):
        place = _first_place(keys[i], table_bits)
        while table[place, 0] != keys[i]:
            place = (place + uint64(1)) & wrap
        counts[i] = table[place, 1]


# --- sampling ---


@formula
def _begin_row(sampler, request, i, tile, known):
    """Copy the prefix of row i into its row of the tile; returns its length and the state after ``known`` of it."""
    state = uint64(sampler.start)
    a, b = np.int64(0), np.int64(0)
    if request.prefix_start.shape[0] > 1:
        q = i // request.n_per_row
        a, b = request.prefix_start[q], request.prefix_start[q + 1] - 1
    for p in range(a, b):
        symbol = request.prefix[uint64(p)]
        tile[uint64(p - a)] = symbol
        if p - a < known:
            state = uint64(sampler.successor[state * uint64(sampler.width) + uint64(symbol)])
    return b - a, state


@loop
def _prefix_lengths(request, begin, end):
    """Shortest and longest prefix of rows [begin, end)."""
    shortest, longest = 0, 0
    if request.prefix_start.shape[0] > 1:
        first, last = begin // request.n_per_row, (end - 1) // request.n_per_row
        shortest = request.prefix_start[first + 1] - request.prefix_start[first] - 1
        for q in range(first, last + 1):
            length = request.prefix_start[q + 1] - request.prefix_start[q] - 1
            shortest, longest = min(shortest, length), max(longest, length)
    return shortest, longest


@loop
def _fill_block(key, first, rows, n, block, words):
    """words[:, i] = word block ``block`` of row first + rows[i]."""
    k0, k1 = key & uint64(LOW), key >> uint64(32)
    for i in range(n):
        row = first + uint64(rows[i])
        w0, w1, w2, w3 = philox4x32(row & uint64(LOW), row >> uint64(32), block, uint64(STREAM_SAMPLE), k0, k1)
        words[0, i] = w0
        words[1, i] = w1
        words[2, i] = w2
        words[3, i] = w3


@loop
def _find_slots(state, words, bits, n, place):
    down = (uint32(32) - bits) & uint32(31)  # the mask tells LLVM that 32-bit lanes suffice
    for i in range(n):
        place[i] = (state[i] << bits) + (words[i] >> down)


@loop
def _refine(sampler, request, a, p, words, lanes):
    """Decide the undecided draws by their second word; about one draw in 10**8 comes here."""
    bits = uint64(sampler.bits)
    for i in range(lanes.count[0]):
        if undecided(words[i], lanes.slot[i], bits):
            row = uint64(request.start) + uint64(a) + uint64(lanes.row[i])
            second = one_word(uint64(request.key), row, uint64(p), uint64(STREAM_REFINE))
            fine = sampler.fine[uint64(lanes.place[i])]
            lanes.symbol[i] = exact_outcome(words[i], second, lanes.slot[i], fine, bits)


@loop
def _force_prefix(row, length, tile, p, n, symbol):
    """Lanes whose prefix is not over follow it."""
    for i in range(n):
        if length[i] > p:
            symbol[i] = tile[uint64(row[i]), uint64(p)]


@loop
def _advance(successor, width, symbol, n, state):
    for i in range(n):
        state[i] = successor[uint64(state[i]) * uint64(width) + uint64(symbol[i])]


@loop
def _write(row, symbol, p, n, tile):
    for i in range(n):
        tile[uint64(row[i]), p] = symbol[i]


@loop
def _end_lanes(symbol, end, p, n, alive, length):
    """Lanes that ended draw on until they are moved out, but their length stays."""
    for i in range(n):
        alive[i] &= uint32(symbol[i] != end)
        length[i] += alive[i] & uint32(length[i] == p)


@loop
def _draw_position(sampler, request, a, p, words, lanes, tile):
    """Draw symbol p of every lane."""
    n, bits = lanes.count[0], uint32(sampler.bits)
    _find_slots(lanes.state, words, bits, n, lanes.place)
    _gather_slots(lanes.place, sampler.slots, n, lanes.slot)
    if _choose(words, lanes.slot, bits, n, lanes.symbol):
        _refine(sampler, request, a, p, words, lanes)
    if p < lanes.count[1]:
        _force_prefix(lanes.row, lanes.length, tile, p, n, lanes.symbol)
    _write(lanes.row, lanes.symbol, uint64(p), n, tile)
    _end_lanes(lanes.symbol, uint16(sampler.width - 1), uint32(p), n, lanes.alive, lanes.length)
    _advance(sampler.successor, sampler.width, lanes.symbol, n, lanes.state)


@loop
def _keep_alive(row, state, length, alive, n, lengths):
    """Note the lengths of all lanes and move those that go on together; returns their number."""
    going = uint32(0)
    for i in range(n):
        going += alive[i]
    if going == n:
        return n
    kept = 0
    for i in range(n):
        lengths[uint64(row[i])] = length[i]
        k = uint64(kept)
        row[k] = row[i]
        state[k] = state[i]
        length[k] = length[i]
        kept += alive[i]
    for i in range(kept):
        alive[i] = 1
    return kept


@loop
def _begin_tile(sampler, request, a, n, lanes, tile):
    """All lanes at the end of the shortest prefix; returns its length."""
    for i in range(n):
        lanes.row[i] = i
        lanes.alive[i] = 1
        lanes.length[i] = 0
        lanes.state[i] = sampler.start
    p, lanes.count[1] = _prefix_lengths(request, a, a + n)
    if lanes.count[1] > 0:
        for i in range(n):
            length, state = _begin_row(sampler, request, a + i, tile[i], p)
            lanes.length[i] = length
            lanes.state[i] = state
    return p


@loop
def _widened(tile, needed, limit):
    if min(needed, limit) <= tile.shape[1]:
        return tile
    wider = np.empty((tile.shape[0], 2 * tile.shape[1]), tile.dtype)
    for i in range(tile.shape[0]):
        for p in range(tile.shape[1]):
            wider[i, p] = tile[i, p]
    return wider


@loop
def _draw_tile(sampler, request, a, n, lanes, tile, lengths):
    """Draw rows a .. a + n to their end or limit, four positions at a time; returns the tile, wider where needed.

    Afterwards lengths[i] symbols of row i count; the row has ended if that is below the limit.
    """
    p = _begin_tile(sampler, request, a, n, lanes, tile)
    first = uint64(request.start) + uint64(a)
    while n > 0 and p < request.limit:
        block = p & ~3
        lanes.count[0] = n
        _fill_block(uint64(request.key), first, lanes.row, n, uint64(p >> 2), lanes.words)
        tile = _widened(tile, block + 4, request.limit)
        for k in range(p & 3, min(4, request.limit - block)):
            _draw_position(sampler, request, a, block + k, lanes.words[k], lanes, tile)
        n = _keep_alive(lanes.row, lanes.state, lanes.length, lanes.alive, n, lengths)
        p = block + 4
    for i in range(n):
        lengths[uint64(lanes.row[i])] = lanes.length[i]
    return tile


@loop
def _new_lanes():
    return _Lanes(
        np.empty(ROWS, np.uint32),
        np.empty(ROWS, np.uint32),
        np.empty(ROWS, np.uint32),
        np.empty(ROWS, np.uint32),
        np.empty((4, ROWS), np.uint32),
        np.empty(ROWS, np.uint32),
        np.empty(ROWS, np.uint64),
        np.empty(ROWS, np.uint16),
        np.empty(2, np.int64),
    )


@kernel
def sample_rows_cpu(row_begin, row_end, sampler, request, out):
    """Draw rows of ``out`` (n, limit) that never end early; row i is global row start + i."""
    lanes, lengths = _new_lanes(), np.empty(ROWS, np.int64)
    for a in range(row_begin, row_end, ROWS):
        b = min(a + ROWS, row_end)
        _draw_tile(sampler, request, a, b - a, lanes, out[a:b], lengths)


@loop
def _append(stream, used, tile, lengths, n, end):
    """Add the rows of a tile to the stream, each with an end symbol; returns the stream, moved where it was full.

    Rows are copied eight symbols at a time, hence some room behind them and tiles of whole eights.
    """
    needed = used + n + 8
    for i in range(n):
        needed += lengths[i]
    if needed > stream.shape[0]:
        larger = np.empty(2 * needed, stream.dtype)
        for p in range(used):
            larger[p] = stream[p]
        stream = larger
    for i in range(n):
        for p in range(0, lengths[i], 8):
            for q in range(8):
                stream[uint64(used + p + q)] = tile[uint64(i), uint64(p + q)]
        used += lengths[i]
        stream[uint64(used)] = end
        used += 1
    return stream, used


@kernel
def sample_stream_cpu(row_begin, row_end, sampler, request, must_end, lengths, room, kind):
    """Draw rows to their end symbol, or to the limit; ``kind`` is an empty array of the type of the symbols.

    Returns them as a stream, of which the part filled counts, and -1 or, where all must end, a row that did not.
    """
    lanes = _new_lanes()
    stream, used = np.empty(room, kind.dtype), 0
    for a in range(row_begin, row_end, ROWS):
        n = min(ROWS, row_end - a)
        tile = np.empty((n, max(64, (_prefix_lengths(request, a, a + n)[1] + 7) & ~7)), kind.dtype)
        own = lengths[a : a + n]
        tile = _draw_tile(sampler, request, a, n, lanes, tile, own)
        if must_end:
            for i in range(n):
                if own[i] >= request.limit:
                    return stream, used, a + i
        stream, used = _append(stream, used, tile, own, n, sampler.width - 1)
    return stream, used, -1


@kernel
def sample_given_uniforms_cpu(row_begin, row_end, chain, request, uniforms, out, lengths):
    """Inverse CDF: each symbol is the smallest whose cumulative probability (``chain.table``) exceeds the uniform."""
    width = chain.width
    for i in range(row_begin, row_end):
        p, start = _begin_row(chain, request, i, out[i], request.limit)
        state, symbol = uint64(start), 0
        while p < request.limit:
            total, symbol = 0.0, -1
            for k in range(width):
                share = chain.table[state * uint64(width) + uint64(k)]
                if share > 0.0:
                    total += share
                    symbol = k
                    if total > uniforms[i, p]:
                        break
            if symbol == width - 1:
                break
            out[i, p] = symbol
            state = uint64(chain.successor[state * uint64(width) + uint64(symbol)])
            p += 1
        lengths[i] = p


# --- CUDA twins: plain functions until load_cuda() jits them; one thread walks whole rows or units, grid-stride ---


def log_prob_cuda(chain, symbols, units, out):
    """As ``log_prob_cpu``, the same bits, for all units; these begin at sequences or where the chain may be entered."""
    width = uint64(chain.width)
    for u in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        a, b = units[u], units[u + 1]
        p, at_start = device_entry(symbols, a, chain.order, chain.width - 1)
        state = uint64(chain.start) if at_start else uint64(chain.root)
        while p < a:
            state = uint64(chain.successor[state * width + uint64(symbols[p])])
            p += 1
        sums = cuda.local.array(4, float64)
        for k in range(4):
            sums[k] = 0.0
        full = (b - a) & ~3
        for t in range(b - a):
            cell = state * width + uint64(symbols[a + t])
            sums[t & 3 if t < full else 0] += chain.table[cell]
            state = uint64(chain.successor[cell])
        out[u] = (sums[0] + sums[1]) + (sums[2] + sums[3])


def sample_cuda(sampler, request, out, lengths):
    """As the CPU's sampling, the same symbols bit for bit: rows of ``out`` (n, limit), of which lengths[i] count."""
    key, bits, width = uint64(request.key), uint64(sampler.bits), uint64(sampler.width)
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        row = uint64(request.start) + uint64(i)
        p, state = device_begin_row(sampler, request, i, out[i], request.limit)
        words = device_words(key, row, p >> 2, STREAM_SAMPLE)
        while p < request.limit:
            word = device_lane(words, p & 3)
            place = (state << bits) + (word >> (uint64(32) - bits))
            slot = sampler.slots[place]
            second = uint64(0)
            if device_undecided(word, slot, bits):
                second = device_lane(device_words(key, row, p >> 2, STREAM_REFINE), p & 3)
            symbol = device_exact_outcome(word, second, slot, sampler.fine[place], bits)
            if symbol == width - uint64(1):
                break
            out[i, p] = symbol
            state = uint64(sampler.successor[state * width + symbol])
            p += 1
            if p & 3 == 0:
                words = device_words(key, row, p >> 2, STREAM_SAMPLE)
        lengths[i] = p


def count_cuda(chain, symbols, units, counts):
    """counts[state, symbol] += 1 for every symbol of a stream, by atomic additions, over contexts that are known."""
    width = uint64(chain.width)
    for u in range(cuda.grid(1), units.shape[0] - 1, cuda.gridsize(1)):
        p, at_start = device_entry(symbols, units[u], chain.order, chain.width - 1)
        state = uint64(chain.start) if at_start else uint64(chain.root)
        while p < units[u + 1]:
            cell = state * width + uint64(symbols[p])
            if p >= units[u]:
                cuda.atomic.add(counts, cell, 1)
            state = uint64(chain.successor[cell])
            p += 1


def _row_words(key, row, block, stream):
    """The four words of a block of a row."""
    low = uint64(LOW)
    return device_philox4x32(row & low, row >> uint64(32), block, stream, key & low, key >> uint64(32))


def _lane(words, lane):
    w0, w1, w2, w3 = words
    if lane == 0:
        return w0
    if lane == 1:
        return w1
    return w2 if lane == 2 else w3


def load_cuda():
    """Jit the twins; returns them by name. Imports numba.cuda, hence only on first GPU use."""
    global cuda, device_philox4x32, device_undecided, device_exact_outcome
    global device_entry, device_begin_row, device_words, device_lane
    from numba import cuda

    device = cuda.jit(device=True)  # numba-cuda cannot inline formulas as numba does, it calls them
    device_philox4x32, device_undecided, device_exact_outcome = map(device, (philox4x32, undecided, exact_outcome))
    device_entry, device_begin_row = map(device, (_entry, _begin_row))
    device_words, device_lane = map(device, (_row_words, _lane))
    twins = log_prob_cuda, sample_cuda, count_cuda
    return {twin.__name__: cuda.jit(twin) for twin in twins}
