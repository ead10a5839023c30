"""What the card can do at best: bytes copied and random words drawn in a second."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numba import config, cuda, uint32

from fastdgm.engines.launch import Twin, launch
from fastdgm.kernels.philox import STREAM_SAMPLE
from fastdgm.kernels.philox_cuda import block_words

BLOCKS = 64  # of four words each, to a row


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


def copy_rate(n: int, rounds: int) -> float:
    """Bytes per second, read plus written, of a copy of n bytes on the device."""
    source, target = cuda.to_device(np.zeros(n, np.uint8)), cuda.device_array(n, np.uint8)
    target.copy_to_device(source)
    return 2 * n / device_seconds(lambda: target.copy_to_device(source), rounds)


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
    """Words per second that n rows draw where nothing else is to be done."""
    twin, out = Twin(_draw_words, threads_per_block), cuda.device_array(n, np.uint32)
    call = lambda: launch(twin, n, np.uint64(1), out)  # noqa: E731
    call()  # compiles
    return 4 * BLOCKS * n / device_seconds(call, rounds)
