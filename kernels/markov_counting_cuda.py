"""Counting contexts and what follows them on the device: the keys and counts of markov_counting.py.

A key has the digits of a context and a symbol, some bits each. Where there are few keys, they are the places of the
counts: in shared memory, a copy for each block, where 4 bytes for each fit in 48 KiB, else in that of the card. Where
there are many, places are those of a hash table with room for twice as many as there can be different ones.

Expected time per symbol: counts in shared memory one atomic addition, 0.002 ns on an H100 (A100 0.003, T4 0.01), up to
32 times as much where all symbols are alike; in L2 0.015 ns (0.02, 0.1); in a hash table two sectors of memory read and
written, 0.05 ns (0.1, 0.5). A CPU takes 0.5 to 10 ns, so the hash table is worth it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import cuda, uint32, uint64

from .markov_counting import FREE
from .packed_sequences_cuda import code_in, piece, word_at
from .philox import LOW

__all__ = [
    "CountTable",
    "clear_cuda",
    "collect_counts_cuda",
    "count_cuda",
    "count_hashed_cuda",
    "count_shared_cuda",
]

device: Any = cuda.jit(device=True)


class CountTable(NamedTuple):
    """A hash table of 2**b places, or counts by key where there are no keys."""

    keys: Any  # uint64, FREE where there is none
    counts: Any  # uint64


@device
def _context_before(digits, sequences, begin, t):
    """The context before symbol t of a sequence."""
    order = uint64(digits.order)
    context = uint64(digits.start)
    for p in range(begin + (t - order if t > order else uint64(0)), begin + t):
        p = uint64(p)
        symbol = min(code_in(sequences, word_at(sequences, p), p), uint64(digits.end - 1))
        context = ((context << uint64(digits.bits)) | symbol) & uint64(digits.mask)
    return context


@device
def _key(digits, sequences, begin, size, t, context):
    """The key of symbol t of a sequence after its context, and the context after it."""
    symbol, bits = uint64(digits.end), uint64(digits.bits)
    if t < size:
        p = begin + t
        symbol = min(code_in(sequences, word_at(sequences, p), p), symbol - uint64(1))
    key = (context << bits) | symbol
    following = key & uint64(digits.mask)
    if digits.positions:
        key |= t << (bits * uint64(digits.order + 1))
    return key, following


@cuda.jit
def count_cuda(digits, sequences, extent, counts):
    """counts[key] += 1 for every symbol."""
    for u in range(cuda.grid(1), sequences.n * extent.pieces, cuda.gridsize(1)):
        begin, size, t, last = piece(sequences, extent, u)
        context = _context_before(digits, sequences, begin, t)
        while t < last:
            key, context = _key(digits, sequences, begin, size, t, context)
            cuda.atomic.add(counts, key, uint64(1))
            t += uint64(1)


@cuda.jit
def count_shared_cuda(digits, sequences, extent, counts):
    """The same, with counts of each block in shared memory, added up at its end."""
    own = cuda.shared.array(0, uint32)
    for k in range(cuda.threadIdx.x, counts.shape[0], cuda.blockDim.x):
        own[k] = uint32(0)
    cuda.syncthreads()
    for u in range(cuda.grid(1), sequences.n * extent.pieces, cuda.gridsize(1)):
        begin, size, t, last = piece(sequences, extent, u)
        context = _context_before(digits, sequences, begin, t)
        while t < last:
            key, context = _key(digits, sequences, begin, size, t, context)
            cuda.atomic.add(own, key, uint32(1))
            t += uint64(1)
    cuda.syncthreads()
    for k in range(cuda.threadIdx.x, counts.shape[0], cuda.blockDim.x):
        if own[k] > uint32(0):
            cuda.atomic.add(counts, k, uint64(own[k]))


@cuda.jit
def clear_cuda(keys, counts):
    """keys[:] = FREE, counts[:] = 0."""
    for k in range(cuda.grid(1), counts.shape[0], cuda.gridsize(1)):
        counts[k] = 0
        if keys.shape[0] > 0:
            keys[k] = uint64(FREE)


@device
def _enter(keys, key, down):
    """The place of a key in the table, which has one for it."""
    mixed = ((key & uint64(LOW)) * uint64(0x9E3779B1)) ^ ((key >> uint64(32)) * uint64(0x85EBCA77))
    place, mask = (mixed & uint64(LOW)) >> down, uint64(keys.shape[0] - 1)
    while True:
        found = keys[place]
        if found == uint64(FREE):
            found = cuda.atomic.cas(keys, place, uint64(FREE), key)
        if found == key or found == uint64(FREE):
            return place
        place = (place + uint64(1)) & mask


@cuda.jit
def count_hashed_cuda(digits, sequences, extent, down, table):
    """Count every symbol in a hash table of 2**(32 - down) places, of which less are needed."""
    for u in range(cuda.grid(1), sequences.n * extent.pieces, cuda.gridsize(1)):
        begin, size, t, last = piece(sequences, extent, u)
        context = _context_before(digits, sequences, begin, t)
        while t < last:
            key, context = _key(digits, sequences, begin, size, t, context)
            cuda.atomic.add(table.counts, _enter(table.keys, key, uint64(down)), uint64(1))
            t += uint64(1)


@cuda.jit
def collect_counts_cuda(table, used, keys, counts):
    """Keys and counts that are not 0, in no order; used[0] is their number. Without room they are only counted."""
    for place in range(cuda.grid(1), table.counts.shape[0], cuda.gridsize(1)):
        if table.counts[place] > 0:
            k = cuda.atomic.add(used, 0, uint64(1))
            if k < uint64(keys.shape[0]):
                keys[k] = table.keys[place] if table.keys.shape[0] > 0 else uint64(place)
                counts[k] = table.counts[place]
