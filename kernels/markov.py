"""Markov chains as automata: scoring, counting and sampling at one look-up per symbol.

Data is a *stream*: the codes of all sequences end to end, uint8 or uint16, each sequence followed by the code ``end``
= K. A state of the automaton is a context; ``successor[state * width + symbol]`` is the next state, with
width = K + 1, and the end symbol leads back to the start. A state depends on the last ``order`` symbols alone, so a
stream may be entered anywhere: loops walk LANES places of it at once, because one walk would wait for every look-up.

Counting discovers the contexts as it goes: a context is named by a key, the number in base K + 1 whose digits are
the last ``order`` symbols (digit K before the start), plus (K + 1)**order times the position where tables depend on
it. Sampling draws by alias tables as cpt.py does (same slots, same two words), word number = position.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float64, uint32, uint64

from .cpt import exact_outcome, undecided
from .jit import formula, kernel, loop
from .philox import LOW, STREAM_REFINE, STREAM_SAMPLE, one_word, philox4x32

LANES = 8
TILE = 4096  # symbols of a tile, and of a partial sum: a long sequence is summed in runs of so many
ROWS = 512  # sequences drawn side by side


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


class Contexts(NamedTuple):
    """What counting has seen so far; state 0 is none, state 1 the start."""

    successor: np.ndarray  # uint32 (capacity * width,): 0 where not known yet
    counts: np.ndarray  # uint32 (capacity * width,)
    keys: np.ndarray  # uint64 (capacity,)
    places: np.ndarray  # uint32, a power of two: hash table of states
    size: np.ndarray  # int64 (1,): states used
    width: int
    order: int
    modulus: int  # width ** order
    positions: int  # 1 where the key counts positions, else 0
    aligned: int


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


@loop
def _walk(chain, symbols, begin, end, terms):
    """terms[i] = table entry of symbol begin + i: LANES equal stretches side by side, then what is left."""
    length = _lane_length(end - begin, chain.aligned)
    width, successor, table = uint64(chain.width), chain.successor, chain.table
    if length > 0:
        state = np.empty(LANES, np.uint64)
        for j in range(LANES):
            state[j] = _state_at(chain, symbols, begin + j * length)
        for t in range(length):
            for j in range(LANES):
                i = uint64(j * length + t)
                cell = state[uint64(j)] * width + uint64(symbols[uint64(begin) + i])
                terms[i] = table[cell]
                state[uint64(j)] = successor[cell]
    rest = begin + LANES * length
    if rest < end:
        last = _state_at(chain, symbols, rest)
        for p in range(rest, end):
            cell = last * width + uint64(symbols[uint64(p)])
            terms[uint64(p - begin)] = table[cell]
            last = uint64(successor[cell])


@loop
def _sum(terms, a, b):
    """Sum of terms a .. b: four running sums, so that additions overlap; the order depends on the length alone."""
    s0 = s1 = s2 = s3 = 0.0
    full = a + ((b - a) & ~3)
    for i in range(a, full, 4):
        k = uint64(i)
        s0 += terms[k]
        s1 += terms[k + uint64(1)]
        s2 += terms[k + uint64(2)]
        s3 += terms[k + uint64(3)]
    for i in range(full, b):
        s0 += terms[uint64(i)]
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
        while v < unit_end and units[v + 1] - units[u] <= size:
            v += 1
        _walk(chain, symbols, units[u], units[v], terms)
        for w in range(u, v):
            out[w] = _sum(terms, units[w] - units[u], units[w + 1] - units[u])
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
def mark_seen(values, seen):
    """seen[v] = 1 for all v in values."""
    for i in range(values.shape[0]):
        seen[uint64(values[i])] = 1


# --- counting ---


@formula
def _first_place(key, mask):
    return ((key * uint64(0x9E3779B97F4A7C15)) >> uint64(32)) & mask


@loop
def _state_of(contexts, key):
    """The state of a context, made if it is new; linear probing from a multiplicative hash."""
    mask = uint64(contexts.places.shape[0] - 1)
    place = _first_place(key, mask)
    while True:
        state = contexts.places[place]
        if state == 0:
            state = uint32(contexts.size[0])
            contexts.size[0] += 1
            contexts.keys[uint64(state)] = key
            contexts.places[place] = state
            return state
        if contexts.keys[uint64(state)] == key:
            return state
        place = (place + uint64(1)) & mask


@kernel
def fill_places(contexts):
    """Enter all states into an empty hash table."""
    mask = uint64(contexts.places.shape[0] - 1)
    for state in range(1, contexts.size[0]):
        place = _first_place(contexts.keys[uint64(state)], mask)
        while contexts.places[place] != 0:
            place = (place + uint64(1)) & mask
        contexts.places[place] = state


@loop
def _next_key(contexts, key, symbol):
    modulus = uint64(contexts.modulus)
    if symbol == contexts.width - 1:
        return modulus - uint64(1)
    position = (key // modulus + uint64(1)) * uint64(contexts.positions)
    return position * modulus + (key % modulus * uint64(contexts.width) + uint64(symbol)) % modulus


@loop
def _discover(contexts, state, symbol):
    following = _state_of(contexts, _next_key(contexts, contexts.keys[uint64(state)], symbol))
    contexts.successor[uint64(state) * uint64(contexts.width) + uint64(symbol)] = following
    return following


@loop
def _context_at(contexts, symbols, p):
    """The state of the ``order`` symbols before p; entered elsewhere than at a start, these are all it needs."""
    a, _ = _entry(symbols, p, contexts.order, contexts.width - 1)
    key = uint64(contexts.modulus) - uint64(1)
    for q in range(a, p):
        key = _next_key(contexts, key, symbols[uint64(q)])
    return _state_of(contexts, key)


@kernel
def count_cpu(begin, end, done, contexts, symbols):
    """counts[context, symbol] += 1 for the symbols [begin, end) of a stream, of which ``done`` per lane are counted.

    Returns the number done per lane: it stops when the contexts may not suffice, to be called again with more.
    """
    length = _lane_length(end - begin, contexts.aligned)
    rest = begin + LANES * length
    state = np.empty(LANES + 1, np.uint32)
    room = contexts.keys.shape[0] - LANES - 1
    if contexts.size[0] >= room:
        return done
    for j in range(LANES + 1):
        state[j] = _context_at(contexts, symbols, min(begin + j * length + done, end))
    state[LANES] = _context_at(contexts, symbols, min(rest + max(done - length, 0), end))
    while done < length:
        if contexts.size[0] >= room:
            return done
        for j in range(LANES):
            state[uint64(j)] = _count_one(contexts, state[uint64(j)], symbols[uint64(begin + j * length + done)])
        done += 1
    while rest + done - length < end:
        if contexts.size[0] >= room:
            return done
        state[LANES] = _count_one(contexts, state[LANES], symbols[uint64(rest + done - length)])
        done += 1
    return -1


@loop
def _count_one(contexts, state, symbol):
    cell = uint64(state) * uint64(contexts.width) + uint64(symbol)
    contexts.counts[cell] += uint32(1)
    following = contexts.successor[cell]
    return following if following != 0 else _discover(contexts, state, symbol)


# --- sampling ---


@formula
def _begin_row(sampler, request, i, tile):
    """Copy the prefix of row i into its row of the tile; returns its length and the state after it."""
    state = uint64(sampler.start)
    a, b = np.int64(0), np.int64(0)
    if request.prefix_start.shape[0] > 1:
        q = i // request.n_per_row
        a, b = request.prefix_start[q], request.prefix_start[q + 1] - 1
    for p in range(a, b):
        symbol = request.prefix[uint64(p)]
        tile[uint64(p - a)] = symbol
        state = uint64(sampler.successor[state * uint64(sampler.width) + uint64(symbol)])
    return b - a, state


@loop
def _longest_prefix(request, begin, end):
    longest = 0
    if request.prefix_start.shape[0] >= 2:
        for q in range(begin // request.n_per_row, (end - 1) // request.n_per_row + 1):
            longest = max(longest, request.prefix_start[q + 1] - request.prefix_start[q] - 1)
    return longest


@loop
def _fill_block(request, a, rows, n, block, words):
    """words[:, i] = word block ``block`` of row a + rows[i]."""
    k0, k1 = uint64(request.key) & uint64(LOW), uint64(request.key) >> uint64(32)
    first = uint64(request.start) + uint64(a)
    low, high = uint32(first), uint32(first >> uint64(32))
    for i in range(n):
        below = uint32(low + rows[i])
        above = uint32(high + uint32(1)) if below < low else high
        w0, w1, w2, w3 = philox4x32(below, above, block, STREAM_SAMPLE, k0, k1)
        words[0, i] = w0
        words[1, i] = w1
        words[2, i] = w2
        words[3, i] = w3


@formula
def _first_choice(word, slot, bits):
    """The slot's outcome by 32 bits."""
    fraction = (uint64(word) << uint64(bits)) & uint64(LOW)
    return slot & uint64(0xFFFF) if fraction < (slot >> uint64(32)) else (slot >> uint64(16)) & uint64(0xFFFF)


@loop
def _refined(sampler, request, row, p, word, place):
    """The outcome of a draw that 32 bits do not decide; about one in 10**8."""
    second = one_word(uint64(request.key), uint64(request.start) + uint64(row), uint64(p), uint64(STREAM_REFINE))
    return exact_outcome(word, second, sampler.slots[place], sampler.fine[place], uint64(sampler.bits))


@loop
def _draw_position(sampler, request, a, p, words, lanes, tile):
    """Draw symbol p of every lane whose prefix is over; a lane that is done draws on, but its length stays."""
    rows, state, length, alive, n = lanes
    bits, width, end = uint64(sampler.bits), uint64(sampler.width), uint64(sampler.width - 1)
    for i in range(n):
        if p < length[i]:
            continue
        word = uint64(words[i])
        place = (state[i] << bits) + (word >> (uint64(32) - bits))
        slot = sampler.slots[place]
        symbol = _first_choice(word, slot, bits)
        if undecided(word, slot, bits):
            symbol = _refined(sampler, request, a + rows[i], p, word, place)
        state[i] = sampler.successor[state[i] * width + symbol]
        tile[uint64(rows[i]), uint64(p)] = symbol
        alive[i] &= symbol != end
        length[i] += alive[i]


@loop
def _keep_alive(lanes, lengths):
    """Note the lengths of all lanes and move those that go on together; returns their number."""
    rows, state, length, alive, n = lanes
    kept = 0
    for i in range(n):
        lengths[uint64(rows[i])] = length[i]
        if alive[i]:
            rows[kept] = rows[i]
            state[kept] = state[i]
            length[kept] = length[i]
            alive[kept] = 1
            kept += 1
    return kept


@loop
def _draw_tile(sampler, request, a, lanes, tile, lengths):
    """Draw rows a .. a + n to their end or limit, four positions at a time; returns the tile, grown where needed.

    Afterwards lengths[i] symbols of row i count; the row has ended if that is below the limit.
    """
    rows, state, length, alive, n = lanes
    p = request.limit
    for i in range(n):
        rows[i] = i
        alive[i] = 1
        length[i], state[i] = _begin_row(sampler, request, a + i, tile[i])
        p = min(p, length[i])
    words = np.empty((4, ROWS), np.uint32)
    while n > 0 and p < request.limit:
        _fill_block(request, a, rows, n, uint64(p >> 2), words)
        if (p & ~3) + 4 > tile.shape[1] and tile.shape[1] < request.limit:
            wider = np.empty((tile.shape[0], min(2 * tile.shape[1], request.limit)), tile.dtype)
            wider[:, : tile.shape[1]] = tile
            tile = wider
        for k in range(p & 3, min(4, request.limit - (p & ~3))):
            _draw_position(sampler, request, a, (p & ~3) + k, words[k], (rows, state, length, alive, n), tile)
        p = (p & ~3) + 4
        n = _keep_alive((rows, state, length, alive, n), lengths)
    _keep_alive((rows, state, length, alive, n), lengths)
    return tile


@loop
def _new_lanes():
    return np.empty(ROWS, np.uint32), np.empty(ROWS, np.uint64), np.empty(ROWS, np.int64), np.empty(ROWS, np.int64)


@kernel
def sample_rows_cpu(row_begin, row_end, sampler, request, out):
    """Draw rows of ``out`` (n, limit) that never end early; row i is global row start + i."""
    rows, state, length, alive = _new_lanes()
    lengths = np.empty(ROWS, np.int64)
    for a in range(row_begin, row_end, ROWS):
        b = min(a + ROWS, row_end)
        _draw_tile(sampler, request, a, (rows, state, length, alive, b - a), out[a:b], lengths)


@loop
def _append(stream, used, tile, lengths, n, end):
    """Add the rows of a tile to the stream, each with an end symbol; returns the stream, moved where it was full."""
    needed = used + n
    for i in range(n):
        needed += lengths[i]
    if needed > stream.shape[0]:
        larger = np.empty(2 * needed, stream.dtype)
        larger[:used] = stream[:used]
        stream = larger
    for i in range(n):
        for p in range(lengths[i]):
            stream[uint64(used + p)] = tile[uint64(i), uint64(p)]
        used += lengths[i]
        stream[uint64(used)] = end
        used += 1
    return stream, used


@kernel
def sample_stream_cpu(row_begin, row_end, sampler, request, must_end, lengths, kind):
    """Draw rows to their end symbol, or to the limit; ``kind`` is an empty array of the type of the symbols.

    Returns them as a stream, of which the part filled counts, and -1 or, where all must end, a row that did not.
    """
    rows, state, length, alive = _new_lanes()
    stream, used = np.empty(16 * (row_end - row_begin) + 16, kind.dtype), 0
    for a in range(row_begin, row_end, ROWS):
        n = min(ROWS, row_end - a)
        width = min(request.limit, max(64, _longest_prefix(request, a, a + n)))
        tile = np.empty((n, width), kind.dtype)
        own = lengths[a : a + n]
        tile = _draw_tile(sampler, request, a, (rows, state, length, alive, n), tile, own)
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
        p, start = _begin_row(chain, request, i, out[i])
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
        p, state = device_begin_row(sampler, request, i, out[i])
        words = device_words(key, row, p >> 2, STREAM_SAMPLE)
        while p < request.limit:
            word = device_lane(words, p & 3)
            place = (state << bits) + (word >> (uint64(32) - bits))
            slot = sampler.slots[place]
            symbol = device_first_choice(word, slot, bits)
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
    global cuda, device_philox4x32, device_undecided, device_exact_outcome, device_first_choice
    global device_entry, device_begin_row, device_words, device_lane
    from numba import cuda

    device = cuda.jit(device=True)  # numba-cuda cannot inline formulas as numba does, it calls them
    device_philox4x32, device_undecided, device_exact_outcome = map(device, (philox4x32, undecided, exact_outcome))
    device_first_choice, device_entry, device_begin_row = map(device, (_first_choice, _entry, _begin_row))
    device_words, device_lane = map(device, (_row_words, _lane))
    twins = log_prob_cuda, sample_cuda, count_cuda
    return {twin.__name__: cuda.jit(twin) for twin in twins}
