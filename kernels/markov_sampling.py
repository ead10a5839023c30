"""Drawing from Markov chains: alias tables of all states, many sequences side by side.

Tables and draws are those of alias.py: a 32-bit word chooses a slot and one of its two outcomes, a second word decides
where the first does not. Symbol t of a row is drawn by word t. Sequences that end make room for those that go on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint16, uint32, uint64

from .alias import choose, exact_outcome, gather_slots, undecided
from .jit import formula, kernel, loop
from .philox import LOW, STREAM_REFINE, STREAM_SAMPLE, one_word, philox4x32

ROWS = 1024  # sequences drawn side by side


class Sampler(NamedTuple):
    """Alias tables of all states: slots[state << bits | top bits of the word]."""

    successor: np.ndarray  # uint32 (states * width,)
    slots: np.ndarray  # uint64
    fine: np.ndarray  # uint32
    bits: int
    width: int
    start: int


class MarkovRequest(NamedTuple):
    """Which rows: global row start + i continues sequence i // n_per_row of the stream ``prefix``, if that has any."""

    key: int
    start: int
    n_per_row: int
    limit: int  # symbols at most
    prefix: np.ndarray  # stream
    prefix_start: np.ndarray  # int64: where its sequences begin, and the length of the stream


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


@formula
def begin_row(sampler, request, i, tile, known):
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
    gather_slots(lanes.place, sampler.slots, n, lanes.slot)
    if choose(words, lanes.slot, bits, n, lanes.symbol):
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
            length, state = begin_row(sampler, request, a + i, tile[i], p)
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
        p, start = begin_row(chain, request, i, out[i], request.limit)
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
