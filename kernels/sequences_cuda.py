"""Sequences on the device as they come and go: codes narrowed and checked, offsets checked, and sums of lengths.

Expected time: memory alone, each value read once and written once (0.0007 ns per code of a byte on an H100, A100 0.001,
T4 0.007); lengths are read twice and offsets written once, 24 bytes a sequence (0.008 ns on an H100).
"""

from __future__ import annotations

from typing import Any

from numba import cuda, int64

from .tiles_cuda import NOTHING_FOUND

__all__ = ["load_codes_cuda", "load_offsets_cuda", "offsets_of_cuda", "starts_cuda", "sum_chunks_cuda"]

THREADS = 256  # of a block that adds lengths

device: Any = cuda.jit(device=True)


@cuda.jit
def load_codes_cuda(rows, n_states, offsets, out, flags):
    """out[offsets[i] + d] = rows[i, d], as far as row i goes to offsets[i + 1]; the whole row without offsets.

    flags[0] becomes minus the largest code that is not 0, flags[1] the least i * width + d of a value that is no code
    below ``n_states``, for which 0 is written. Without room in ``out`` values are only looked at.
    """
    width = rows.shape[1]
    largest, bad = int64(0), int64(NOTHING_FOUND)
    for cell in range(cuda.grid(1), rows.shape[0] * width, cuda.gridsize(1)):
        i, d = cell // width, cell % width
        place = cell
        if offsets.shape[0] > 1:
            place = offsets[i] + d
            if place >= offsets[i + 1]:
                continue
        value = rows[i, d]
        code = int64(value)
        if code < 0 or code >= n_states or code != value:
            bad, code = min(bad, int64(cell)), int64(0)
        largest = max(largest, code)
        if out.shape[0] > 0:
            out[place] = code
    if largest > 0:
        cuda.atomic.min(flags, 0, -largest)
    if bad < NOTHING_FOUND:
        cuda.atomic.min(flags, 1, bad)


@cuda.jit
def load_offsets_cuda(offsets, size, out, flags):
    """Copy offsets, made to lie in [0, size].

    flags[0] becomes minus the length of the longest sequence, flags[1] the least i whose offset is not right: the first
    is 0, none is below the one before, the last is ``size``.
    """
    n = offsets.shape[0] - 1
    longest, bad = int64(0), int64(NOTHING_FOUND)
    for i in range(cuda.grid(1), n + 1, cuda.gridsize(1)):
        own = int64(offsets[i])
        before = int64(offsets[i - 1]) if i > 0 else int64(0)
        if own < before or own > size or (i == 0 and own != 0) or (i == n and own != size):
            bad = min(bad, int64(i))
        longest = max(longest, own - before)
        out[i] = min(max(own, int64(0)), int64(size))
    if longest > 0:
        cuda.atomic.min(flags, 0, -longest)
    if bad < NOTHING_FOUND:
        cuda.atomic.min(flags, 1, bad)


@cuda.jit
def starts_cuda(offsets, length, starts):
    """starts[i] = where sequence i begins where each is followed by its end; without offsets all have one length."""
    for i in range(cuda.grid(1), starts.shape[0], cuda.gridsize(1)):
        starts[i] = i + (offsets[i] if offsets.shape[0] > 0 else i * length)


# --- offsets of lengths ---


@device
def _sum_of_block(sums, value):
    """The sum of the values of all threads of a block, whose number is a power of two."""
    thread = cuda.threadIdx.x
    sums[thread] = value
    cuda.syncthreads()
    half = cuda.blockDim.x // 2
    while half > 0:
        if thread < half:
            sums[thread] += sums[thread + half]
        cuda.syncthreads()
        half //= 2
    total = sums[0]
    cuda.syncthreads()
    return total


@cuda.jit
def sum_chunks_cuda(lengths, chunk, most, sums, flags):
    """sums[b] = sum of the lengths of chunk b.

    flags[0] becomes minus the largest length, flags[1] the least i with a length of at least ``most``.
    """
    shared = cuda.shared.array(THREADS, int64)
    for b in range(cuda.blockIdx.x, sums.shape[0], cuda.gridDim.x):
        total, longest, bad = int64(0), int64(0), int64(NOTHING_FOUND)
        for i in range(b * chunk + cuda.threadIdx.x, min((b + 1) * chunk, lengths.shape[0]), cuda.blockDim.x):
            own = int64(lengths[i])
            total += own
            longest = max(longest, own)
            if own >= most:
                bad = min(bad, int64(i))
        total = _sum_of_block(shared, total)
        if cuda.threadIdx.x == 0:
            sums[b] = total
        if longest > 0:
            cuda.atomic.min(flags, 0, -longest)
        if bad < NOTHING_FOUND:
            cuda.atomic.min(flags, 1, bad)


@device
def _running_sums(shared, value):
    """The sum of the values of this thread and of those before it in the block (Hillis & Steele 1986)."""
    thread, step = cuda.threadIdx.x, 1
    shared[thread] = value
    cuda.syncthreads()
    while step < cuda.blockDim.x:
        before = shared[thread - step] if thread >= step else int64(0)
        cuda.syncthreads()
        shared[thread] += before
        cuda.syncthreads()
        step *= 2
    return shared[thread]


@cuda.jit
def offsets_of_cuda(lengths, chunk, sums, offsets, flags):
    """offsets[i] = sum of the lengths before i, given the sums of chunks of them; one more offset than lengths.

    flags[2] becomes the sum of all.
    """
    shared = cuda.shared.array(THREADS, int64)
    n, thread = lengths.shape[0], cuda.threadIdx.x
    for b in range(cuda.blockIdx.x, sums.shape[0], cuda.gridDim.x):
        before = int64(0)
        for other in range(thread, b, cuda.blockDim.x):
            before += sums[other]
        before = _sum_of_block(shared, before)
        if b == 0 and thread == 0:
            offsets[0] = 0
        for first in range(b * chunk, min((b + 1) * chunk, n), cuda.blockDim.x):
            i = first + thread
            own = int64(lengths[i]) if i < min((b + 1) * chunk, n) else int64(0)
            running = _running_sums(shared, own)
            if i < min((b + 1) * chunk, n):
                offsets[i + 1] = before + running
                if i == n - 1:
                    flags[2] = before + running
            before += shared[cuda.blockDim.x - 1]
            cuda.syncthreads()
