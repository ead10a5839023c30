"""Drawing from dense Markov chains on the device: markov_sampling.py's symbols, bit for bit.

Alias tables are one array of 8-byte words: a header, then two words for every slot, its threshold and outcomes as in
alias.py, and the places of the first slots of the two next states, in 32 bits each. So a symbol costs one sector, and
nothing waits but for that. A thread draws a row; four symbols share a block of random words.

Expected time per symbol: about 25 instructions of Philox and 25 of the draw, 0.0025 ns on an H100 (A100 0.004, T4
0.03); tables beyond the 48 KiB of shared memory need a sector of L2, 0.006 ns (0.007, 0.03). Sequences are drawn twice,
for their lengths and for their symbols: that costs less than rows of room for the longest.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import cuda, uint64

from .alias_cuda import exact_outcome, undecided
from .packed_sequences_cuda import bounds, code_in, keep_code, word_at, write_kept
from .philox import LOW, STREAM_REFINE, STREAM_SAMPLE
from .philox_cuda import block_words, lane_word, one_word

__all__ = ["CudaRequest", "PackedSampler", "sample_cuda", "sample_shared_cuda"]

END, BITS, STATE, HEADER = 0, 1, 2, 4  # words of the header, and their number

device: Any = cuda.jit(device=True)


class PackedSampler(NamedTuple):
    """Header: code of the end, log2 of the slots of a state, the state of a start."""

    words: Any  # uint64 (HEADER + 2 * slots,)
    fine: Any  # uint32 (slots,)
    successor: Any  # uint32 (states * width,), for prefixes


class CudaRequest(NamedTuple):
    """Which rows: global row start + i continues sequence i // n_per_row of the prefixes, if there are any."""

    key: int
    start: int
    n_per_row: int
    limit: int  # symbols at most


@device
def _first_slot(words, state):
    return uint64(HEADER) + uint64(2) * (uint64(state) << words[BITS])


@device
def _draw(words, fine, place, word, key, row, p):
    """Symbol p of a row, by its word and the state whose first slot is at ``place``; and that of the next state."""
    bits = words[BITS]
    own = place + uint64(2) * (word >> (uint64(32) - bits))
    slot, following, second, share = words[own], words[own + uint64(1)], uint64(0), uint64(0)
    if undecided(word, slot, bits):
        second = one_word(key, row, p, STREAM_REFINE)
        share = uint64(fine[(own - uint64(HEADER)) >> uint64(1)])
    symbol = exact_outcome(word, second, slot, share, bits)
    is_first = symbol == slot & uint64(0xFFFF)
    return symbol, following & uint64(LOW) if is_first else following >> uint64(32)


@device
def copy_prefix(target, prefix, begin, a, size, last):
    """Write the ``size`` codes from a on of the prefixes to ``begin``; returns the word in the making."""
    kept = uint64(0)
    for t in range(size):
        p = a + uint64(t)
        code = min(code_in(prefix, word_at(prefix, p), p), last)
        kept = keep_code(target, begin, begin + uint64(t), code, kept)
    return kept


@device
def _state_after(words, successor, prefix, a, size):
    state, width = words[STATE], words[END] + uint64(1)
    for p in range(a, a + size):
        p = uint64(p)
        symbol = min(code_in(prefix, word_at(prefix, p), p), words[END] - uint64(1))
        state = uint64(successor[state * width + symbol])
    return state


@device
def row_room(request, prefix, target, i):
    """Of row i: where it is written, its symbols at most, where its prefix begins and how many codes that has."""
    begin, limit, a, size = uint64(0), uint64(request.limit), uint64(0), uint64(0)
    if target.values.shape[0] > 0:
        begin, limit = bounds(target, i)
    if prefix.n > 0:
        a, size = bounds(prefix, i // request.n_per_row)
    return begin, limit, a, min(size, limit)


@device
def _draw_row(words, sampler, request, prefix, target, i):
    """Draw a row to its end or limit, and write it where the target has room; returns its length."""
    begin, limit, a, p = row_room(request, prefix, target, i)
    key, row, kept = uint64(request.key), uint64(request.start) + uint64(i), uint64(0)
    is_written = target.values.shape[0] > 0
    if is_written:
        kept = copy_prefix(target, prefix, begin, a, p, words[END] - uint64(1))
    place = _first_slot(words, _state_after(words, sampler.successor, prefix, a, p))
    block = block_words(key, row, p >> uint64(2), STREAM_SAMPLE)
    while p < limit:
        lane = p & uint64(3)
        if lane == uint64(0):
            block = block_words(key, row, p >> uint64(2), STREAM_SAMPLE)
        symbol, place = _draw(words, sampler.fine, place, uint64(lane_word(block, lane)), key, row, p)
        if symbol == words[END]:
            break
        if is_written:
            kept = keep_code(target, begin, begin + p, symbol, kept)
        p += uint64(1)
    if is_written:
        write_kept(target, begin, begin + p, kept)
    return p


@cuda.jit
def sample_cuda(sampler, request, prefix, target, lengths):
    """Draw row i to its end or limit, for every i; lengths[i] symbols.

    They are written into the rows of ``target``, or nowhere where that has no room.
    """
    for i in range(cuda.grid(1), lengths.shape[0], cuda.gridsize(1)):
        lengths[i] = _draw_row(sampler.words, sampler, request, prefix, target, i)


@cuda.jit
def sample_shared_cuda(sampler, request, prefix, target, lengths):
    """The same with the alias tables in shared memory of their size."""
    words = cuda.shared.array(0, uint64)
    for k in range(cuda.threadIdx.x, sampler.words.shape[0], cuda.blockDim.x):
        words[k] = sampler.words[k]
    cuda.syncthreads()
    for i in range(cuda.grid(1), lengths.shape[0], cuda.gridsize(1)):
        lengths[i] = _draw_row(words, sampler, request, prefix, target, i)
