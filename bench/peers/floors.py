"""What the machine must do anyway: move the bytes, draw the random bits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import ClassVar

import numpy as np

from .base import Peer
from .blas import BlasPeer


class CopyBytes(Peer):
    """Writing the result, from memory to newly allocated memory."""

    library, label = "copy", "floor: copy the bytes"
    operations: ClassVar = {"sample": lambda self: self.rows.block.copy()}


class ReadBytes(Peer):
    """Reading the input once."""

    library, label = "read", "floor: read the bytes"
    operations: ClassVar = dict.fromkeys(("log_prob", "fit"), lambda self: self.rows.block.max())


class ReadCodes(Peer):
    """Reading one sequence of codes once."""

    library, label = "read", "floor: read the bytes"
    operations: ClassVar = {"log_prob": lambda self: self.rows.max()}


class ReadInt64(Peer):
    """Reading int64 rows once, by as many threads as score, by the fastest of NumPy's reductions."""

    library, label = "read", "floor: read int64 rows"
    max_threads = 2
    on_one_thread_too = True

    def open(self) -> None:
        self.parts = np.array_split(np.asarray(self.rows).astype(np.int64, order="C"), self.threads)
        self.pool = ThreadPoolExecutor(self.threads)
        tried = (np.max, np.sum, lambda part: np.bitwise_or.reduce(part, axis=None))
        self.reduce = min(tried, key=lambda reduce: min(self._seconds(reduce) for _ in range(3)))

    def _seconds(self, reduce: Callable[[np.ndarray], object]) -> float:
        start = perf_counter()
        reduce(self.parts[0])
        return perf_counter() - start

    def read(self) -> list[object]:
        return list(map(self.reduce, self.parts) if self.threads == 1 else self.pool.map(self.reduce, self.parts))

    operations: ClassVar = {"log_prob of int64 rows": read}


class WordPerCell(Peer):
    """A 32-bit Philox word for every cell, made tile by tile and thrown away."""

    library, label = "word-per-cell", "floor: a random word per cell"

    def open(self) -> None:
        self.fill = compiled_fill()

    operations: ClassVar = {"sample": lambda self: self.fill(self.n_rows, self.variables)}


def compiled_fill() -> Callable[[int, int], int]:
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


class NormalPerCell(Peer):
    """A normal number for every cell, made tile by tile and thrown away."""

    library, label = "normal-per-cell", "floor: a normal number per cell"

    def open(self) -> None:
        self.fill = compiled_normals()

    operations: ClassVar = {"sample": lambda self: self.fill(self.n_rows, self.variables, self.tile)}

    @property
    def tile(self) -> np.ndarray:
        return np.empty((self.variables, 512), self.rows.blocks.reals.dtype)


class HalvedProducts(BlasPeer):
    """Products of the rows with half a matrix for each component, as triangular ones at the best rate there is."""

    library, label = "halved-products", "floor: a product with half a matrix per component"

    def open(self) -> None:
        n_components, n_vars = self.model["x"].mean.shape
        random = np.random.default_rng(1)
        self.halves = random.normal(size=(n_components, n_vars, n_vars // 2)).astype(self.rows.dtype)
        self.out = np.empty((self.n_rows, n_vars // 2), self.rows.dtype)

    def multiply(self) -> None:
        for half in self.halves:
            np.matmul(self.rows, half, out=self.out)

    operations: ClassVar = {"log_prob": multiply}


def compiled_normals() -> Callable[[int, int, np.ndarray], float]:
    """fill(n_rows, n_vars, tile): the normal numbers of all rows, as the sampling loop draws them."""
    import numba
    from numba import uint64

    from fastdgm.kernels.normal import fill_normals

    @numba.njit(nogil=True)
    def fill(n_rows, n_vars, tile):
        words = np.empty((8, tile.shape[1]), np.uint32)
        seen = 0.0
        for a in range(0, n_rows, tile.shape[1]):
            fill_normals(uint64(1), uint64(a), uint64(0), words, tile)
            seen += tile[n_vars - 1, 0]
        return seen

    return fill
