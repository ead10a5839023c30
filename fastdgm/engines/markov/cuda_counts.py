"""Counts of a Markov chain, made on a GPU: contexts met in sequences there, and the symbols that followed them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...data.cuda_sequences import CudaCodes
from ...kernels.markov_counting_cuda import CountTable
from ...kernels.packed_sequences_cuda import Extent
from ...runtime.cuda_launch import Twin, launch_on
from ...runtime.cuda_queue import CudaQueue
from .counts import Counts, Layout, check_layout, counts_of_keys, digits_of
from .cuda_run import MOST_BLOCKS, SHARED_BYTES, cut, packed
from .loops_cuda import LOOPS

MOST_KEYS = 1 << 24  # of counts by key: 128 MB
COUNT_BYTES = 4  # of a count in shared memory
ENTRY_BYTES = 16  # of a hash table
MOST_BITS = 32  # of the number of a place there
RUN = 1024  # codes of a piece: what comes before a piece is read twice

Empty = Callable[..., Any]


def count_on_card(queue: CudaQueue, codes: CudaCodes, layout: Layout, empty: Empty) -> Counts:
    """As ``count``, of sequences on a GPU. What is copied are the contexts and symbols that occur."""
    if not codes.n:
        raise ValueError("fit needs at least one sequence, got none")
    check_layout(layout)
    ends = 1 << 62 if layout.n_vars is None else 0
    pieces, run = cut(codes, RUN)
    extent = Extent(queue.empty((0,), np.int64), 1, 0, ends, pieces, run)
    return counts_of_keys(*_Counting(queue, codes, extent, empty).keys(layout), layout)


class _Counting(NamedTuple):
    """Sequences that are counted."""

    queue: CudaQueue
    codes: CudaCodes
    extent: Extent
    empty: Empty

    def keys(self, layout: Layout) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        """How often every (position, context, symbol) occurs, in ascending order of its number."""
        n_keys = layout.base * layout.modulus * ((layout.n_vars or 1) if layout.position_dependent else 1)
        if n_keys <= MOST_KEYS:
            return self._collected(self._by_key(layout, n_keys))
        return self._collected(self._hashed(layout, n_keys))

    def _by_key(self, layout: Layout, n_keys: int) -> CountTable:
        table = self._cleared(CountTable(self.queue.empty((0,), np.uint64), self.empty((n_keys,), np.uint64)))
        twin, most = LOOPS["count by key", "cuda"], self.codes.n * self.extent.pieces
        if COUNT_BYTES * n_keys <= SHARED_BYTES:
            twin = LOOPS["count by key, in shared memory", "cuda"]._replace(shared_bytes=COUNT_BYTES * n_keys)
            most = min(most, MOST_BLOCKS * twin.threads_per_block)
        self._launch(twin, most, digits_of(layout), packed(self.queue, self.codes), self.extent, table.counts)
        return table

    def _hashed(self, layout: Layout, n_keys: int) -> CountTable:
        """With at least twice as many places as there can be different keys."""
        bits = (2 * min(n_keys, self.codes.size + self.codes.n) - 1).bit_length()
        self._check_memory(ENTRY_BYTES << bits, layout)
        if bits > MOST_BITS:
            raise ValueError(f"fit counts at most 2**{MOST_BITS - 1} symbols at once on a GPU, got {self.codes.size}")
        table = self._cleared(CountTable(self.empty((1 << bits,), np.uint64), self.empty((1 << bits,), np.uint64)))
        arguments = digits_of(layout), packed(self.queue, self.codes), self.extent, 32 - bits, table
        self._launch(LOOPS["count in a hash table", "cuda"], self.codes.n * self.extent.pieces, *arguments)
        return table

    def _check_memory(self, needed: int, layout: Layout) -> None:
        free = self.queue.free_bytes()
        if free is not None and needed > free:
            raise MemoryError(
                f"counting runs of {layout.order + 1} symbols needs {needed} bytes on the GPU, of which {free} are free"
            )

    def _cleared(self, table: CountTable) -> CountTable:
        self._launch(LOOPS["clear counts", "cuda"], len(table.counts), *table)
        return table

    def _collected(self, table: CountTable) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        """The entries that are not 0, copied once their number is known."""
        n = self._collect(table, CountTable(*(self.queue.empty((0,), np.uint64) for _ in range(2))))
        found = CountTable(self.empty((n,), np.uint64), self.empty((n,), np.uint64))
        self._collect(table, found)
        keys, counts = map(self.queue.to_host, found)
        order = np.argsort(keys)
        return keys[order], counts[order].astype(np.int64)

    def _collect(self, table: CountTable, found: CountTable) -> int:
        """How many entries there are; they are written as far as there is room."""
        nothing = CountTable(self.queue.empty((0,), np.uint64), self.queue.empty((1,), np.uint64))
        used = self._cleared(nothing).counts
        self._launch(LOOPS["collect counts", "cuda"], len(table.counts), table, used, *found)
        return int(self.queue.read_flags(used)[0]) if not len(found.counts) else len(found.counts)

    def _launch(self, twin: Twin, n: int, *arguments: Any) -> None:
        launch_on(self.queue, twin, n, *arguments)
