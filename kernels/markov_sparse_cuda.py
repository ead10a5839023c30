"""CUDA twins of the sparse Markov chains: one thread walks whole units or rows, grid-stride.

Plain functions until load_cuda() jits them. Draws from distributions made for single positions are on the CPU only.
"""

from __future__ import annotations

from numba import float64, uint64

from .cpt import exact_outcome
from .markov import _entry
from .markov_sparse import NONE, _any_symbol, _step
from .philox import LOW, STREAM_BACK_OFF, STREAM_REFINE, STREAM_SAMPLE, philox4x32


def sparse_log_prob_cuda(chain, symbols, units, out):
    """As ``sparse_log_prob_cpu``, the same bits, for all units."""
    for u in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        a, b = units[u], units[u + 1]
        p, at_start = device_entry(symbols, a, chain.order, chain.width - 1)
        state = uint64(chain.start) if at_start else uint64(chain.root)
        while p < a:
            state = device_step(chain, state, uint64(symbols[p]))[1]
            p += 1
        sums = cuda.local.array(4, float64)
        for k in range(4):
            sums[k] = 0.0
        full = (b - a) & ~3
        for t in range(b - a):
            term, state = device_step(chain, state, uint64(symbols[a + t]))
            sums[t & 3 if t < full else 0] += term
        out[u] = (sums[0] + sums[1]) + (sums[2] + sums[3])


def _word(key, row, w, stream):
    """As ``one_word``."""
    low = uint64(LOW)
    words = device_philox4x32(row & low, row >> uint64(32), w >> uint64(2), stream, key & low, key >> uint64(32))
    w0, w1, w2, w3 = words
    lane = w & uint64(3)
    if lane == uint64(0):
        return w0
    if lane == uint64(1):
        return w1
    return w2 if lane == uint64(2) else w3


def _device_draw(sampler, key, row, p, state):
    """As ``draw_symbol``."""
    chain, s = sampler.chain, uint64(state)
    word, second = device_word(key, row, uint64(p), STREAM_SAMPLE), device_word(key, row, uint64(p), STREAM_REFINE)
    w = uint64(2) * uint64(p) * uint64(chain.order + 1)
    while True:
        bits = uint64(sampler.bits[s])
        place = uint64(sampler.slot_first[s]) + (uint64(word) >> (uint64(32) - bits))
        outcome = device_exact_outcome(word, second, sampler.slots[place], sampler.fine[place], bits)
        cell = uint64(chain.first[s]) + uint64(outcome)
        if cell < uint64(chain.first[s + uint64(1)]):
            symbol = uint64(chain.symbols[cell])
            break
        word, second = device_word(key, row, w, STREAM_BACK_OFF), device_word(key, row, w + uint64(1), STREAM_BACK_OFF)
        w += uint64(2)
        if uint64(chain.suffix[s]) == uint64(NONE):
            symbol = device_any_symbol(chain, s, word, second)
            break
        s = uint64(chain.suffix[s])
    return symbol, device_step(chain, uint64(state), symbol)[1]


def sparse_sample_cuda(sampler, request, out, lengths):
    """As the CPU's sampling, the same symbols bit for bit: rows of ``out`` (n, limit), of which lengths[i] count."""
    key, end = uint64(request.key), uint64(sampler.chain.width - 1)
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        row, state = uint64(request.start) + uint64(i), uint64(sampler.chain.start)
        a, b = 0, 0
        if request.prefix_start.shape[0] > 1:
            q = i // request.n_per_row
            a, b = request.prefix_start[q], request.prefix_start[q + 1] - 1
        p = 0
        while p < request.limit:
            if p < b - a:
                symbol = uint64(request.prefix[a + p])
                state = device_step(sampler.chain, state, symbol)[1]
            else:
                symbol, state = device_draw(sampler, key, row, p, state)
            if symbol == end:
                break
            out[i, p] = symbol
            p += 1
        lengths[i] = p


def load_cuda():
    """Jit the twins; returns them by name. Imports numba.cuda, hence only on first GPU use."""
    global cuda, device_entry, device_step, device_philox4x32, device_exact_outcome
    global device_any_symbol, device_word, device_draw
    from numba import cuda

    device = cuda.jit(device=True)
    device_entry, device_step, device_any_symbol = map(device, (_entry, _step, _any_symbol))
    device_philox4x32, device_exact_outcome = map(device, (philox4x32, exact_outcome))
    device_word, device_draw = map(device, (_word, _device_draw))
    return {twin.__name__: cuda.jit(twin) for twin in (sparse_log_prob_cuda, sparse_sample_cuda)}
