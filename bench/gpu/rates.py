"""What the card does at best, in a second: bytes copied, read and written, words drawn, table cells looked up."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numba import config, cuda, uint32, uint64

from fastdgm.kernels.philox import STREAM_SAMPLE
from fastdgm.kernels.philox_cuda import block_words
from fastdgm.runtime.cuda_launch import MAX_BLOCKS, Twin, launch

BLOCKS = 64  # of four random words each, to a row
LOOK_UPS = 64  # to a thread
SIMULATED_THREADS = 4  # each is a Python thread


class Rates(NamedTuple):
    """Per second."""

    copied_bytes: float  # read plus written
    read_bytes: float
    written_bytes: float
    random_words: float
    table_reads: float  # of 8 bytes, at random places of a table of the size of ALARM's


def measured_rates(table_bytes: int, rounds: int) -> Rates:
    """Of this card, with tables of so many bytes."""
    if config.ENABLE_CUDASIM:
        n_bytes, rows, threads = 1 << 10, 2, SIMULATED_THREADS
    else:
        n_bytes, rows, threads = 1 << 30, 1 << 22, 256
    return Rates(
        copy_rate(n_bytes, rounds),
        read_rate(n_bytes, threads, rounds),
        write_rate(n_bytes, threads, rounds),
        philox_rate(rows, threads, rounds),
        table_rate(table_bytes, rows, threads, rounds),
    )


def device_seconds(call: Callable[[], Any], rounds: int) -> float:
    """The median time of a call, by events on the device; by the clock in the simulator, which has none."""
    return median(_seconds(call) for _ in range(rounds))


def _seconds(call: Callable[[], Any]) -> float:
    if config.ENABLE_CUDASIM:
        begin = perf_counter()
        call()
        return perf_counter() - begin
    first, last = cuda.event(), cuda.event()
    first.record()
    call()
    last.record()
    last.synchronize()
    return cuda.event_elapsed_time(first, last) / 1e3


def copy_rate(n_bytes: int, rounds: int) -> float:
    """Bytes read plus written of a copy on the device."""
    source, target = _random_words(n_bytes), cuda.device_array(n_bytes // 8, np.uint64)
    target.copy_to_device(source)
    return 2 * n_bytes / device_seconds(lambda: target.copy_to_device(source), rounds)


def _random_words(n_bytes: int) -> Any:
    return cuda.to_device(np.random.default_rng(0).integers(0, 2**63, n_bytes // 8, np.uint64))


@cuda.jit
def _read_words(words, out):
    """out[thread] = all words that a thread reads, exclusive-ored."""
    total = uint64(0)
    for i in range(cuda.grid(1), words.shape[0], cuda.gridsize(1)):
        total ^= words[i]
    out[cuda.grid(1)] = total


def read_rate(n_bytes: int, threads_per_block: int, rounds: int) -> float:
    """Bytes read where nothing is done with them."""
    words, out = _random_words(n_bytes), cuda.device_array(MAX_BLOCKS * threads_per_block, np.uint64)
    n_threads = n_bytes // 8 if config.ENABLE_CUDASIM else out.size
    return n_bytes / _launched(_read_words, threads_per_block, n_threads, (words, out), rounds)


@cuda.jit
def _write_words(key, out):
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        out[i] = key + uint64(i)


def write_rate(n_bytes: int, threads_per_block: int, rounds: int) -> float:
    """Bytes written where nothing is read."""
    out = cuda.device_array(n_bytes // 8, np.uint64)
    return n_bytes / _launched(_write_words, threads_per_block, out.size, (np.uint64(7), out), rounds)


@cuda.jit
def _draw_words(key, out):
    """out[i] = all words of row i, exclusive-ored: nothing but the drawing of words."""
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        total = uint32(0)
        for block in range(BLOCKS):
            w0, w1, w2, w3 = block_words(key, i, block, STREAM_SAMPLE)
            total ^= uint32(w0 ^ w1 ^ w2 ^ w3)
        out[i] = total


def philox_rate(n: int, threads_per_block: int, rounds: int) -> float:
    """Words that n rows draw where nothing else is to be done."""
    out = cuda.device_array(n, np.uint32)
    return 4 * BLOCKS * n / _launched(_draw_words, threads_per_block, n, (np.uint64(1), out), rounds)


@cuda.jit(device=True)
def _next_place(place):
    """Of a linear congruential generator of 32 bits."""
    return (place * uint64(1664525) + uint64(1013904223)) & uint64(0xFFFFFFFF)


@cuda.jit
def _look_up(table, out):
    """out[i] = cells of a table of 2**b cells, exclusive-ored, at places that no one can guess but that cost little."""
    last = uint64(table.shape[0] - 1)
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        total, place = uint64(0), _next_place(uint64(i))
        for _ in range(LOOK_UPS):
            place = _next_place(place)
            total ^= table[(place >> uint64(8)) & last]
        out[i] = total


def table_rate(table_bytes: int, n: int, threads_per_block: int, rounds: int) -> float:
    """Cells of 8 bytes that n rows look up at random in a table of at least so many bytes."""
    n_cells = 1 << max(1, (table_bytes // 8 - 1).bit_length())
    table, out = _random_words(8 * n_cells), cuda.device_array(n, np.uint64)
    return LOOK_UPS * n / _launched(_look_up, threads_per_block, n, (table, out), rounds)


def _launched(kernel: Any, threads_per_block: int, n: int, arguments: tuple[Any, ...], rounds: int) -> float:
    """Seconds of a launch on n threads, compiled before."""
    twin = Twin(kernel, threads_per_block)
    launch(twin, n, *arguments)
    return device_seconds(lambda: launch(twin, n, *arguments), rounds)
