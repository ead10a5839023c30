"""Normal numbers alone: our quantile function of random words that are there already, and what others have."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from .base import Peer
from .torch_base import TorchPeer, torch

PIECE = 4096  # numbers at a time, which stay in cache


class OurQuantile(Peer):
    """Of 32-bit words (float32) or two (float64), without those of the outer tails."""

    library = label = "fastdgm"
    native = "random words"
    operations: ClassVar = {"normals": lambda self: self.fill(self.n_rows // PIECE, self.words, self.out)}

    def open(self) -> None:
        self.fill = compiled_quantiles(self.rows.dtype == np.float32)
        self.words = np.random.default_rng(1).integers(2**28, 2**32 - 2**28, (2, PIECE), np.uint32)
        self.out = np.empty(PIECE, self.rows.dtype)


class TorchQuantile(TorchPeer):
    """``ndtri`` of uniforms."""

    library, label = "torch", "torch, ndtri"
    native = "uniforms"
    max_threads = 1

    def open(self) -> None:
        self.parts = torch.from_numpy(self.rows.copy()).split(PIECE)
        self.out = torch.empty_like(self.parts[0])

    def quantiles(self) -> None:
        for part in self.parts:
            torch.special.ndtri(part, out=self.out[: len(part)])

    operations: ClassVar = {"normals": quantiles}


class NumpyNormals(Peer):
    """NumPy's ziggurat, its random bits included."""

    library, label, note = "numpy", "NumPy, standard_normal", "random bits included"

    def open(self) -> None:
        self.random, self.out = np.random.Generator(np.random.SFC64(1)), np.empty(PIECE, self.rows.dtype)

    def draw(self) -> None:
        for _ in range(self.n_rows // PIECE):
            self.random.standard_normal(dtype=self.out.dtype, out=self.out)

    operations: ClassVar = {"normals": draw}


def compiled_quantiles(single: bool) -> Callable[[int, np.ndarray, np.ndarray], float]:
    """fill(times, words, out): the quantiles of all words, so many times."""
    import numba

    from fastdgm.kernels.jit import wide_vectors
    from fastdgm.kernels.normal_quantile import near_normal
    from fastdgm.kernels.tails import is_upper, middle32, middle64, tail32, tail64

    @numba.njit(nogil=True, error_model="numpy")
    def piece32(words, out):
        wide_vectors()
        for i in range(out.size):
            word = words[0, i]
            out[i] = near_normal(tail32(word), middle32(word), is_upper(word))

    @numba.njit(nogil=True, error_model="numpy")
    def piece64(words, out):
        wide_vectors()
        for i in range(out.size):
            high, low = words[0, i], words[1, i]
            out[i] = near_normal(tail64(high, low), middle64(high, low), is_upper(high))

    piece = piece32 if single else piece64

    @numba.njit(nogil=True)
    def fill(times, words, out):
        seen = 0.0
        for _ in range(times):
            piece(words, out)
            seen += out[0]
        return seen

    return fill
