"""Dense Markov chains on the device: markov.py's log-probabilities, added in another order.

An automaton is one array of 8-byte words: a header, then two words for every cell, the bits of its number and the
place of the first cell of the next state. So a symbol costs one sector of 32 bytes, and nothing waits but for that.

Expected time per symbol: a table within 48 KiB lies in shared memory, two reads of 8 bytes at about 5 cycles a warp and
15 instructions: 0.0015 ns on an H100 (A100 0.002, T4 0.01, where fp64 additions take 0.008). A larger one is read
through L2, a sector each: 0.006 ns on an H100 (5.5 TB/s), 0.007 on an A100, 0.03 on a T4.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import cuda, float64, uint64

from .packed_sequences_cuda import code_in, piece, word_at

__all__ = ["PackedChain", "log_prob_cuda", "log_prob_shared_cuda", "sum_pieces_cuda", "terms_cuda"]

END, ORDER, ROOT, START, HEADER = 0, 1, 2, 3, 4  # words of the header, and their number
RUN = 128  # symbols that are added by themselves
THREADS = 128  # of a block that adds pieces

device: Any = cuda.jit(device=True)


class PackedChain(NamedTuple):
    """Header: code of the end, how many symbols a state depends on, first cells of the states of no context and of the
    start."""

    words: Any  # uint64 (HEADER + 2 * cells,)
    numbers: Any  # float64: the same memory


@device
def cell_before(words, sequences, begin, t):
    """First cell of the state before symbol t of a sequence."""
    order, end = words[ORDER], words[END]
    first = t - order if t > order else uint64(0)
    cell = words[START] if first == uint64(0) else words[ROOT]
    for p in range(begin + first, begin + t):
        p = uint64(p)
        symbol = min(code_in(sequences, word_at(sequences, p), p), end - uint64(1))
        cell = words[cell + uint64(2) * symbol + uint64(1)]
    return cell


@device
def _sum_codes(words, numbers, sequences, p, stop, cell):
    """Sum of the numbers of codes p .. stop of the memory, and the first cell of the state after them."""
    total, last = float64(0.0), words[END] - uint64(1)
    lanes = (uint64(1) << uint64(sequences.wide)) - uint64(1)
    word = word_at(sequences, p)
    while p < stop:
        if p & lanes == uint64(0):
            word = word_at(sequences, p)
        own = cell + uint64(2) * min(code_in(sequences, word, p), last)
        total += numbers[own]
        cell = words[own + uint64(1)]
        p += uint64(1)
    return total, cell


@device
def _score_piece(words, numbers, sequences, extent, u):
    """Sum of the log-probabilities of piece u, added in runs."""
    begin, size, t, last = piece(sequences, extent, u)
    cell, total = cell_before(words, sequences, begin, t) if t < last else uint64(0), float64(0.0)
    while t < last:
        stop = min(t + uint64(RUN), min(last, size))
        part, cell = _sum_codes(words, numbers, sequences, begin + t, begin + stop, cell)
        total += part
        t = max(t, stop)
        if t == size and t < last:
            total += numbers[cell + uint64(2) * words[END]]
            t += uint64(1)
    return total


@cuda.jit
def log_prob_cuda(chain, sequences, extent, out):
    """out[u] (n * pieces,) = sum of the log-probabilities of piece u of all sequences, their ends included."""
    for u in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        out[u] = _score_piece(chain.words, chain.numbers, sequences, extent, u)


@cuda.jit
def log_prob_shared_cuda(chain, sequences, extent, out):
    """The same with the automaton in shared memory of its size."""
    words, numbers = cuda.shared.array(0, uint64), cuda.shared.array(0, float64)
    for k in range(cuda.threadIdx.x, chain.words.shape[0], cuda.blockDim.x):
        words[k] = chain.words[k]
    cuda.syncthreads()
    for u in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        out[u] = _score_piece(words, numbers, sequences, extent, u)


@cuda.jit
def sum_pieces_cuda(parts, pieces, out):
    """out[i] = sum of parts[i * pieces : (i + 1) * pieces], by one block: the order depends on the number alone."""
    sums, thread = cuda.shared.array(THREADS, float64), cuda.threadIdx.x
    for i in range(cuda.blockIdx.x, out.shape[0], cuda.gridDim.x):
        total = float64(0.0)
        for j in range(thread, pieces, cuda.blockDim.x):
            total += parts[i * pieces + j]
        sums[thread] = total
        cuda.syncthreads()
        half = cuda.blockDim.x // 2
        while half > 0:
            if thread < half:
                sums[thread] += sums[thread + half]
            cuda.syncthreads()
            half //= 2
        if thread == 0:
            out[i] = sums[0]
        cuda.syncthreads()


@cuda.jit
def terms_cuda(chain, sequences, extent, out):
    """out = the log-probability of every symbol, end to end, ends included where the extent has them.

    Limiter: 8 bytes written a symbol, a sector each, as much again as the look-up.
    """
    words, numbers = chain.words, chain.numbers
    for u in range(cuda.grid(1), sequences.n * extent.pieces, cuda.gridsize(1)):
        begin, size, t, last = piece(sequences, extent, u)
        cell = cell_before(words, sequences, begin, t) if t < last else uint64(0)
        place = begin + uint64(u // extent.pieces if extent.limit > 0 else 0)
        while t < last:
            symbol = words[END]
            if t < size:
                p = begin + t
                symbol = min(code_in(sequences, word_at(sequences, p), p), symbol - uint64(1))
            own = cell + uint64(2) * symbol
            out[place + t] = numbers[own]
            cell = words[own + uint64(1)]
            t += uint64(1)
