"""Sparse Markov chains on the device: the symbols of markov_sparse.py bit for bit, its log-probabilities added in runs.

Draws from distributions made for single positions are on the CPU only.

Expected time per symbol: a binary search among the followers of a context, log2 of their number sectors of L2 or memory
one after another, and again for each step back: about 10 sectors where the tables lie in L2, 0.06 ns on an H100 (A100
0.07, T4 0.3), and up to 0.2 ns from memory. A draw costs the sectors of one slot, and such a search after a step back.
"""

from __future__ import annotations

from typing import Any

from numba import cuda, float64, uint64

from .alias_cuda import exact_outcome
from .markov_cuda import RUN
from .markov_sampling_cuda import copy_prefix, row_room
from .markov_sparse import NONE, any_symbol, step
from .packed_sequences_cuda import code_in, keep_code, piece, word_at, write_kept
from .philox import STREAM_BACK_OFF, STREAM_REFINE, STREAM_SAMPLE
from .philox_cuda import one_word

__all__ = ["sparse_log_prob_cuda", "sparse_sample_cuda", "sparse_terms_cuda"]

device: Any = cuda.jit(device=True)


@device
def _symbol(chain, sequences, begin, size, t):
    """Symbol t of a sequence; its end after the last."""
    end = uint64(chain.width - 1)
    if t >= size:
        return end
    p = begin + t
    return min(code_in(sequences, word_at(sequences, p), p), end - uint64(1))


@device
def _state_before(chain, sequences, begin, t):
    """The state before symbol t of a sequence; from its start where positions count."""
    order = uint64(chain.order)
    first = t - order if t > order and chain.aligned == 0 else uint64(0)
    state = uint64(chain.start) if first == uint64(0) else uint64(chain.root)
    for q in range(first, t):
        state = step(chain, state, _symbol(chain, sequences, begin, t, uint64(q)))[1]
    return state


@cuda.jit
def sparse_log_prob_cuda(chain, sequences, extent, out):
    """As ``log_prob_cuda``: out[u] (n * pieces,) = sum of the log-probabilities of piece u of all sequences."""
    for u in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        begin, size, t, last = piece(sequences, extent, u)
        state = _state_before(chain, sequences, begin, t) if t < last else uint64(0)
        total = float64(0.0)
        while t < last:
            part, stop = float64(0.0), min(t + uint64(RUN), last)
            while t < stop:
                term, state = step(chain, state, _symbol(chain, sequences, begin, size, t))
                part += term
                t += uint64(1)
            total += part
        out[u] = total


@cuda.jit
def sparse_terms_cuda(chain, sequences, extent, out):
    """As ``terms_cuda``: the log-probability of every symbol, end to end."""
    for u in range(cuda.grid(1), sequences.n * extent.pieces, cuda.gridsize(1)):
        begin, size, t, last = piece(sequences, extent, u)
        state = _state_before(chain, sequences, begin, t) if t < last else uint64(0)
        place = begin + uint64(u // extent.pieces if extent.limit > 0 else 0)
        while t < last:
            out[place + t], state = step(chain, state, _symbol(chain, sequences, begin, size, t))
            t += uint64(1)


@device
def _draw_symbol(sampler, key, row, p, state):
    """As ``draw_symbol``: symbol p of a row and the next state."""
    chain, s = sampler.chain, uint64(state)
    word, second = one_word(key, row, p, STREAM_SAMPLE), one_word(key, row, p, STREAM_REFINE)
    w = uint64(2) * uint64(p) * uint64(chain.order + 1)
    while True:
        bits = uint64(sampler.bits[s])
        place = uint64(sampler.slot_first[s]) + (uint64(word) >> (uint64(32) - bits))
        outcome = exact_outcome(word, second, sampler.slots[place], sampler.fine[place], bits)
        cell = uint64(chain.first[s]) + uint64(outcome)
        if cell < uint64(chain.first[s + uint64(1)]):
            symbol = uint64(chain.symbols[cell])
            break
        word, second = one_word(key, row, w, STREAM_BACK_OFF), one_word(key, row, w + uint64(1), STREAM_BACK_OFF)
        w += uint64(2)
        if uint64(chain.suffix[s]) == uint64(NONE):
            symbol = any_symbol(chain, s, word, second)
            break
        s = uint64(chain.suffix[s])
    return symbol, step(chain, uint64(state), symbol)[1]


@device
def _draw_row(sampler, request, prefix, target, i):
    """Draw a row to its end or limit, and write it where the target has room; returns its length."""
    begin, limit, a, p = row_room(request, prefix, target, i)
    chain, row, kept = sampler.chain, uint64(request.start) + uint64(i), uint64(0)
    is_written, end = target.values.shape[0] > 0, uint64(sampler.chain.width - 1)
    if is_written:
        kept = copy_prefix(target, prefix, begin, a, p, end - uint64(1))
    state = uint64(chain.start)
    for q in range(p):
        state = step(chain, state, _symbol(chain, prefix, a, p, uint64(q)))[1]
    while p < limit:
        symbol, state = _draw_symbol(sampler, uint64(request.key), row, p, state)
        if symbol == end:
            break
        if is_written:
            kept = keep_code(target, begin, begin + p, symbol, kept)
        p += uint64(1)
    if is_written:
        write_kept(target, begin, begin + p, kept)
    return p


@cuda.jit
def sparse_sample_cuda(sampler, request, prefix, target, lengths):
    """As ``sample_cuda``: draw row i to its end or limit, for every i."""
    for i in range(cuda.grid(1), lengths.shape[0], cuda.gridsize(1)):
        lengths[i] = _draw_row(sampler, request, prefix, target, i)
