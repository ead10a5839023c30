"""CUDA twins of cpt.py that count, four rows to a thread; counts of a block are added up in its shared memory.

Tables of counts that have no room there are added to where they are. Every cell that a block has seen is added to the
totals once, at its end.

Expected for ALARM, whose 8 tables have 7932 cells, 32 KB of counts to a block: a row is 37 bytes to read (H100: 12 ps)
and 8 additions in shared memory, where those of a warp to one cell wait for each other: with about 8 rows of 32 alike,
64 cycles for 32 rows, 9 ps. The memory limits, or the additions where rows are more alike: H100 12 to 25 ps, A100 20 to
35 ps, T4 150 ps. With weights, additions of float64 are loops of compare and swap, about five times as slow.
"""

from __future__ import annotations

from typing import Any

from numba import cuda, float64, uint32, uint64

from .cpt_scoring_cuda import Codes, places_of
from .four_codes_cuda import is_whole
from .packed_tables_cuda import FIRST_ENTRY, N_CLUSTERS, NOWHERE, Four, entry_of

__all__ = ["count_cuda", "count_rows_cuda"]

device: Any = cuda.jit(device=True)


@device
def _cleared(words, shared):
    """Begin to count in the shared memory of a block."""
    at = uint32(FIRST_ENTRY)
    for _ in range(words[N_CLUSTERS]):
        entry = entry_of(words, at)
        if entry.copy != uint32(NOWHERE):
            for k in range(uint32(cuda.threadIdx.x), entry.n_cells, uint32(cuda.blockDim.x)):
                shared[entry.copy + uint32(k)] = 0
        at = entry.after
    cuda.syncthreads()


@device
def _add(shared, counts, entry, place, amount):
    """Add to a cell's count."""
    place = min(uint32(place), entry.last)
    if entry.copy != uint32(NOWHERE):
        cuda.atomic.add(shared, entry.copy + place, amount)
    else:
        cuda.atomic.add(counts, uint64(entry.begin) + uint64(place), amount)


@device
def _flushed(words, shared, counts):
    """Add what a block has counted to the totals."""
    cuda.syncthreads()
    at = uint32(FIRST_ENTRY)
    for _ in range(words[N_CLUSTERS]):
        entry = entry_of(words, at)
        if entry.copy != uint32(NOWHERE):
            for k in range(uint32(cuda.threadIdx.x), entry.n_cells, uint32(cuda.blockDim.x)):
                count = shared[entry.copy + uint32(k)]
                if count != 0:
                    cuda.atomic.add(counts, uint64(entry.begin) + uint64(k), count)
        at = entry.after


@device
def _count_four(words, at, codes, shared, counts, amounts):
    """Add amounts to the cells of four rows in a cluster, but of those with a code out of range and beyond the last."""
    entry, left = entry_of(words, at), uint64(codes.block.shape[1]) - codes.first
    places, fine = places_of(words, at, codes)
    if fine.first:
        _add(shared, counts, entry, places.first, amounts.first)
    if fine.second and left > uint64(1):
        _add(shared, counts, entry, places.second, amounts.second)
    if fine.third and left > uint64(2):
        _add(shared, counts, entry, places.third, amounts.third)
    if fine.fourth and left > uint64(3):
        _add(shared, counts, entry, places.fourth, amounts.fourth)


@cuda.jit
def count_rows_cuda(words, codes, counts):
    """counts[cell] += 1 for every cluster's joint state of every row, but those out of range; exact, in any order.

    ``counts`` (cells,) is uint64. A block counts in 32 bits: at most 2**32 rows, of the 2**40 bytes of no card.
    """
    shared, one = cuda.shared.array(0, uint32), uint32(1)
    _cleared(words, shared)
    n, whole, ones = codes.shape[1], is_whole(codes), Four(one, one, one, one)
    for group in range(cuda.grid(1), (n + 3) >> 2, cuda.gridsize(1)):
        rows = Codes(codes, uint64(group) << uint64(2), uint64(1), whole)
        at = uint32(FIRST_ENTRY)
        for _ in range(words[N_CLUSTERS]):
            _count_four(words, at, rows, shared, counts, ones)
            at = words[at]
    _flushed(words, shared, counts)


@cuda.jit
def count_cuda(words, codes, weights, counts):
    """counts[cell] += weights[i] for every cluster's joint state of every row i, but those out of range.

    ``counts`` (cells,) is float64. Rows are added in no order: sums of whole numbers are exact, others differ from call
    to call by rounding.
    """
    shared = cuda.shared.array(0, float64)
    _cleared(words, shared)
    n, whole, one = uint64(codes.shape[1]), is_whole(codes), uint64(1)
    for group in range(cuda.grid(1), (codes.shape[1] + 3) >> 2, cuda.gridsize(1)):
        first, last = uint64(group) << uint64(2), n - one
        a, b, c = weights[first], weights[min(first + one, last)], weights[min(first + uint64(2), last)]
        amounts = Four(float64(a), float64(b), float64(c), float64(weights[min(first + uint64(3), last)]))
        rows, at = Codes(codes, first, one, whole), uint32(FIRST_ENTRY)
        for _ in range(words[N_CLUSTERS]):
            _count_four(words, at, rows, shared, counts, amounts)
            at = words[at]
    _flushed(words, shared, counts)
