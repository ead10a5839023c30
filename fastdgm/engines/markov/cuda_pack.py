"""The tables of dense chains as one array of words each, which is what the CUDA twins read."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels import markov, markov_cuda, markov_sampling, markov_sampling_cuda

Array = npt.NDArray[Any]
FROM_THE_START = 2**62  # symbols that a state depends on where positions count


def packed_chain(chain: markov.Chain) -> npt.NDArray[np.uint64]:
    """Header, and for every cell the bits of its number and the place of the first cell of the next state."""
    head, width = markov_cuda.HEADER, chain.width
    words = np.empty(head + 2 * len(chain.table), np.uint64)
    words[markov_cuda.END] = width - 1
    words[markov_cuda.ORDER] = FROM_THE_START if chain.aligned else chain.order
    words[markov_cuda.ROOT] = head + 2 * width * chain.root
    words[markov_cuda.START] = head + 2 * width * chain.start
    words[head::2] = chain.table.view(np.uint64)
    words[head + 1 :: 2] = head + 2 * width * chain.successor.astype(np.uint64)
    return words


def packed_slots(sampler: markov_sampling.Sampler) -> npt.NDArray[np.uint64]:
    """Header, and for every slot what alias.py has, and the places of the first slots of both next states."""
    head, bits = markov_sampling_cuda.HEADER, sampler.bits
    words = np.zeros(head + 2 * len(sampler.slots), np.uint64)
    words[markov_sampling_cuda.END] = sampler.width - 1
    words[markov_sampling_cuda.BITS] = bits
    words[markov_sampling_cuda.STATE] = sampler.start
    words[head::2] = sampler.slots
    cells = (np.arange(len(sampler.slots), dtype=np.uint64) >> np.uint64(bits)) * np.uint64(sampler.width)
    low = np.uint64(0xFFFF)
    up = np.uint64(bits + 1)
    first, second = (
        np.uint64(head) + (sampler.successor[cells + outcomes].astype(np.uint64) << up)
        for outcomes in (sampler.slots & low, sampler.slots >> np.uint64(16) & low)
    )
    words[head + 1 :: 2] = second << np.uint64(32) | first
    return words
