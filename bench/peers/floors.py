"""What the machine must do anyway: move the bytes, draw the random bits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import numpy as np

from .base import Peer, Subject


class Floor(Peer):
    """Bytes as fastdgm holds them; one thread."""

    native = "uint8 codes by column"

    def __init__(self, subject: Subject, n_rows: int, threads: int = 1) -> None:
        super().__init__(subject, n_rows, threads)
        self.block = np.ascontiguousarray(self.rows.block)


class CopyBytes(Floor):
    """Writing the result, from memory to newly allocated memory."""

    library = "copy"
    label = "floor: copy the bytes"

    def sample(self) -> np.ndarray:
        return self.block.copy()

    operations: ClassVar = {"sample": sample}


class ReadBytes(Floor):
    """Reading the input once."""

    library = "read"
    label = "floor: read the bytes"

    def read(self) -> np.integer:
        return self.block.max()

    operations: ClassVar = {"log_prob": read, "fit": read}


class ReadCodes(Peer):
    """Reading one sequence of codes once."""

    library = "read"
    label = "floor: read the bytes"
    native = "uint8 codes"

    def read(self) -> np.integer:
        return self.rows.max()

    operations: ClassVar = {"log_prob": read}


class ReadInt64(Peer):
    """Reading int64 rows once, by as many threads as score.

    NumPy's reductions differ in speed: three are timed, and the fastest is the read that counts.
    """

    native = "int64 rows"
    max_threads = 2
    on_one_thread_too = True
    reduce: ClassVar[Callable[[np.ndarray], Any]]

    def __init__(self, subject: Subject, n_rows: int, threads: int = 1) -> None:
        super().__init__(subject, n_rows, threads)
        self.parts = np.array_split(np.asarray(self.rows).astype(np.int64, order="C"), threads)
        self.pool = ThreadPoolExecutor(threads)

    def read(self) -> list[Any]:
        reduce = type(self).reduce
        return [reduce(self.parts[0])] if self.threads == 1 else list(self.pool.map(reduce, self.parts))

    operations: ClassVar = {"log_prob of int64 rows": read}


class ReadByMax(ReadInt64):
    """By numpy.max."""

    library = "read-max"
    label = "floor: read int64 rows by max"
    reduce = staticmethod(np.max)


class ReadBySum(ReadInt64):
    """By numpy.sum."""

    library = "read-sum"
    label = "floor: read int64 rows by sum"
    reduce = staticmethod(np.sum)


class ReadByOr(ReadInt64):
    """By numpy.bitwise_or."""

    library = "read-or"
    label = "floor: read int64 rows by bitwise_or"
    reduce = staticmethod(lambda part: np.bitwise_or.reduce(part, axis=None))


class WordPerCell(Floor):
    """A 32-bit Philox word for every cell, made tile by tile and thrown away."""

    library = "word-per-cell"
    label = "floor: a random word per cell"

    def __init__(self, subject: Subject, n_rows: int, threads: int = 1) -> None:
        super().__init__(subject, n_rows, threads)
        self.fill = compiled_fill()

    def sample(self) -> int:
        return self.fill(self.n_rows, len(self.model))

    operations: ClassVar = {"sample": sample}


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
