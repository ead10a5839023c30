"""CUDA twins of markov.py and markov_sampling.py: the same numbers and symbols, bit for bit.

One thread walks whole units or rows. A twin has its CPU loop's arguments but the range; two stand for no single loop
because a device returns nothing that grows: contexts are counted only where they are known, and sequences are drawn
into rows of one length.
"""

from __future__ import annotations

from numba import cuda, float64, uint64

from . import markov, markov_sampling
from .alias_cuda import exact_outcome, undecided
from .philox import STREAM_REFINE, STREAM_SAMPLE
from .philox_cuda import block_words, lane_word, one_word

__all__ = ["count_known_cuda", "log_prob_cuda", "sample_padded_cuda"]

device = cuda.jit(device=True)
entry, begin_row = device(markov.entry), device(markov_sampling.begin_row)


@device
def _state_at(chain, symbols, a):
    """The state before symbol a of a stream."""
    p, at_start = entry(symbols, a, chain.order, chain.width - 1)
    state = uint64(chain.start) if at_start else uint64(chain.root)
    while p < a:
        state = uint64(chain.successor[state * uint64(chain.width) + uint64(symbols[p])])
        p += 1
    return state


@cuda.jit
def log_prob_cuda(chain, symbols, units, size, out):
    """out[u] = sum of table entries of the symbols units[u] .. units[u + 1]; it needs no scratch of ``size``.

    Units begin at sequences or where the chain may be entered.
    """
    for u in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        a, b = units[u], units[u + 1]
        state = _state_at(chain, symbols, a)
        sums = cuda.local.array(4, float64)
        for k in range(4):
            sums[k] = 0.0
        full = (b - a) & ~3
        for t in range(b - a):
            cell = state * uint64(chain.width) + uint64(symbols[a + t])
            sums[t & 3 if t < full else 0] += chain.table[cell]
            state = uint64(chain.successor[cell])
        out[u] = (sums[0] + sums[1]) + (sums[2] + sums[3])


@cuda.jit
def count_known_cuda(chain, symbols, units, counts):
    """counts[state * width + symbol] += 1 for every symbol of a stream, by atomic additions."""
    for u in range(cuda.grid(1), units.shape[0] - 1, cuda.gridsize(1)):
        state = _state_at(chain, symbols, units[u])
        for p in range(units[u], units[u + 1]):
            cell = state * uint64(chain.width) + uint64(symbols[p])
            cuda.atomic.add(counts, cell, 1)
            state = uint64(chain.successor[cell])


@device
def _symbol(sampler, key, row, p, word, state):
    """Symbol p of a row, by its word."""
    bits, second = uint64(sampler.bits), uint64(0)
    place = (state << bits) + (word >> (uint64(32) - bits))
    slot = sampler.slots[place]
    if undecided(word, slot, bits):
        second = one_word(key, row, p, STREAM_REFINE)
    return exact_outcome(word, second, slot, sampler.fine[place], bits)


@cuda.jit
def sample_padded_cuda(sampler, request, out, lengths):
    """Draw all rows of ``out`` (n, limit), of which lengths[i] symbols count; row i is global row start + i."""
    key, width = uint64(request.key), uint64(sampler.width)
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        row = uint64(request.start) + uint64(i)
        p, state = begin_row(sampler, request, i, out[i], request.limit)
        words = block_words(key, row, p >> 2, STREAM_SAMPLE)
        while p < request.limit:
            symbol = _symbol(sampler, key, row, p, lane_word(words, p & 3), state)
            if symbol == width - uint64(1):
                break
            out[i, p] = symbol
            state = uint64(sampler.successor[state * width + symbol])
            p += 1
            if p & 3 == 0:
                words = block_words(key, row, p >> 2, STREAM_SAMPLE)
        lengths[i] = p
