"""CUDA twins of markov_sparse.py, bit for bit: one thread walks whole units or rows.

Draws from distributions made for single positions are on the CPU only.
"""

from __future__ import annotations

from numba import cuda, float64, uint64

from .alias_cuda import exact_outcome
from .markov_cuda import entry
from .markov_sparse import NONE, any_symbol, prefix_of, step
from .philox import STREAM_BACK_OFF, STREAM_REFINE, STREAM_SAMPLE
from .philox_cuda import one_word

__all__ = ["sparse_log_prob_cuda", "sparse_sample_padded_cuda"]

device = cuda.jit(device=True)


@device
def _state_at(chain, symbols, a):
    """The state before symbol a of a stream."""
    p, at_start = entry(symbols, a, chain.order, chain.width - 1)
    state = uint64(chain.start) if at_start else uint64(chain.root)
    while p < a:
        state = step(chain, state, uint64(symbols[p]))[1]
        p += 1
    return state


@cuda.jit
def sparse_log_prob_cuda(chain, symbols, units, size, out):
    """As ``sparse_log_prob_cpu`` for all units; it needs no scratch of ``size``."""
    for u in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        a, b = units[u], units[u + 1]
        state = _state_at(chain, symbols, a)
        sums = cuda.local.array(4, float64)
        for k in range(4):
            sums[k] = 0.0
        full = (b - a) & ~3
        for t in range(b - a):
            term, state = step(chain, state, uint64(symbols[a + t]))
            sums[t & 3 if t < full else 0] += term
        out[u] = (sums[0] + sums[1]) + (sums[2] + sums[3])


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


@cuda.jit
def sparse_sample_padded_cuda(sampler, request, out, lengths):
    """Draw all rows of ``out`` (n, limit), of which lengths[i] symbols count; row i is global row start + i."""
    key, end = uint64(request.key), uint64(sampler.chain.width - 1)
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        row, state = uint64(request.start) + uint64(i), uint64(sampler.chain.start)
        a, b = prefix_of(request, i)
        p = 0
        while p < request.limit:
            if p < b - a:
                symbol = uint64(request.prefix[a + p])
                state = step(sampler.chain, state, symbol)[1]
            else:
                symbol, state = _draw_symbol(sampler, key, row, p, state)
            if symbol == end:
                break
            out[i, p] = symbol
            p += 1
        lengths[i] = p
