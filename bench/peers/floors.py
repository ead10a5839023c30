"""What the machine must do anyway: move the bytes, draw the random bits. One thread."""

from __future__ import annotations

import numpy as np

import fastdgm as fd

from .base import Library


class Floor(Library):
    """Bytes as fastdgm holds them."""

    native = "uint8 codes by column"
    floor = True

    def __init__(self, net: fd.BayesNet, samples: fd.Samples) -> None:
        super().__init__(net, samples)
        self.block = np.ascontiguousarray(samples.block)


class CopyBytes(Floor):
    """Writing the result, from memory to newly allocated memory."""

    label = "floor: copy the bytes"

    def sample(self) -> np.ndarray:
        return self.block.copy()


class ReadBytes(Floor):
    """Reading the input once."""

    label = "floor: read the bytes"

    def log_prob(self) -> np.integer:
        return self.block.max()

    fit = log_prob


class WordPerCell(Floor):
    """A 32-bit Philox word for every cell, made tile by tile and thrown away."""

    label = "floor: a random word per cell"

    def __init__(self, net: fd.BayesNet, samples: fd.Samples) -> None:
        super().__init__(net, samples)
        self.fill = compiled_fill()
        self.n_words = len(net)

    def sample(self) -> int:
        return self.fill(self.n_rows, self.n_words)


class WordPerCluster(WordPerCell):
    """A word for every fused cluster: what fastdgm draws."""

    label = "floor: a random word per cluster"

    def __init__(self, net: fd.BayesNet, samples: fd.Samples) -> None:
        super().__init__(net, samples)
        self.n_words = len(net._lowered.sampling_clusters)


def compiled_fill() -> object:
    """fill(n_rows, n_words): the words of all rows, as the sampling loop draws them."""
    import numba
    from numba import uint64

    from fastdgm.kernels.philox import fill_words
    from fastdgm.kernels.tiles import TILE

    @numba.njit(nogil=True)
    def fill(n_rows, n_words):
        words = np.empty((4, TILE), np.uint32)
        seen = uint64(0)
        for a in range(0, n_rows, TILE):
            n = min(TILE, n_rows - a)
            for block in range((n_words + 3) // 4):
                fill_words(uint64(1), uint64(a), uint64(block), uint64(0), n, words)
                seen += words[3, n - 1]
        return seen

    return fill
