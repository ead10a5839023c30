"""Characters and codes -> streams: the codes of all sequences end to end, each sequence followed by an end symbol."""

from __future__ import annotations

from numba import uint32, uint64

from .jit import kernel


@kernel
def with_ends(codes, starts, end, symbols):
    """symbols[starts[i] : starts[i + 1]] = the next codes, and the end symbol behind them."""
    for i in range(starts.shape[0] - 1):
        last = uint64(starts[uint64(i + 1)] - 1)
        for p in range(uint64(starts[uint64(i)]), last):
            symbols[uint64(p)] = codes[uint64(p) - uint64(i)]
        symbols[last] = end


@kernel
def translate_bytes(points, codes, symbols):
    """symbols[i] = codes[points[i]] for bytes; returns the largest of them."""
    largest = uint32(0)
    for i in range(uint64(points.shape[0])):
        code = codes[uint64(points[uint64(i)])]
        symbols[uint64(i)] = code
        largest = max(largest, uint32(code))
    return largest


@kernel
def translate(points, codes, end, symbols, starts):
    """symbols[i] = codes[points[i]], the last code for points beyond; starts[k] = where the k-th sequence begins.

    Returns the number of ends, or -1 - i for the first point i whose code is -1: there is no such symbol.
    """
    last = uint64(codes.shape[0] - 1)
    ends, most = 0, starts.shape[0] - 1
    for i in range(points.shape[0]):
        code = codes[min(uint64(points[uint64(i)]), last)]
        if code < 0:
            return -1 - i
        symbols[uint64(i)] = code
        starts[uint64(min(ends + 1, most))] = i + 1
        ends += code == end
    return ends


@kernel
def mark_seen(values, seen):
    """seen[v] = 1 for all v in values."""
    for i in range(values.shape[0]):
        seen[uint64(values[i])] = 1
