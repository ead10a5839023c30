"""Markov chains on a GPU: sequences scored and drawn there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...data.cuda_codes import offsets_of_lengths
from ...data.cuda_memory import CudaMemory
from ...data.cuda_sequences import CudaCodes
from ...data.sequences import symbol_type
from ...kernels.markov_cuda import RUN, PackedChain
from ...kernels.markov_sampling_cuda import CudaRequest, PackedSampler
from ...kernels.packed_sequences_cuda import Extent, PackedSequences
from ...runtime.cuda_launch import Twin, launch_on
from ...runtime.cuda_queue import CudaQueue
from ..draw import Draw
from .chain import MarkovTables
from .cuda_pack import packed_chain, packed_slots
from .dense import DenseTables
from .loops_cuda import LOOPS
from .run import not_ended
from .sparse import SparseTables

Empty = Callable[..., Any]  # (shape, dtype) -> memory of the card that holds anything, as numba's array
SHARED_BYTES = 48 << 10  # of a block, on any card
MOST_BLOCKS = 1024  # that copy tables into shared memory, each its own
WORD_BYTES = 8
ENOUGH_THREADS = 1 << 17  # to fill any card


class Scored(NamedTuple):
    """What of sequences is scored."""

    limit: int  # a sequence of so many codes was cut, and has no end; 0: none has
    first: int = 0  # codes of each that are skipped
    prefix: CudaCodes | None = None  # whose codes are skipped
    n_per_row: int = 1


class Plan(NamedTuple):
    """The twin of a verb, and the tables that it reads, on a card."""

    twin: Twin
    tables: Any

    def launch(self, queue: CudaQueue, n: int, *arguments: Any) -> None:
        """With a thread for each of ``n`` pieces or rows."""
        if self.twin.shared_bytes:
            n = min(n, MOST_BLOCKS * self.twin.threads_per_block)
        launch_on(queue, self.twin, n, self.tables, *arguments)


class CudaChain(ABC):
    """A chain's tables on one card, uploaded at first use and kept as long as this is.

    Codes are those of ``CudaCodes``; ``empty`` allocates what is given back.
    """

    def __init__(self, tables: MarkovTables) -> None:
        self.tables = tables
        self._scoring: Plan | None = None
        self._sampling: Plan | None = None

    @abstractmethod
    def _scoring_plan(self, queue: CudaQueue) -> Plan:
        """The model's own log-probabilities."""

    @abstractmethod
    def _sampling_plan(self, queue: CudaQueue) -> Plan:
        """The model's own alias tables."""

    @abstractmethod
    def _plans_of(self, queue: CudaQueue, draw: Draw) -> tuple[Plan, Plan]:
        """For scoring and for drawing, of the distributions that a draw asks for."""

    @property
    @abstractmethod
    def _terms(self) -> Twin:
        """The twin for symbols one by one."""

    def log_prob(self, queue: CudaQueue, codes: CudaCodes, scored: Scored, empty: Empty) -> Any:
        """log p (n,) of every sequence, in nats."""
        return self._sums(queue, self._own_scoring(queue), codes, scored, empty)

    def terms(self, queue: CudaQueue, codes: CudaCodes, scored: Scored, empty: Empty) -> Any:
        """The log-probability of every symbol (symbols,), those of ends too where they have one."""
        extent = self._extent(queue, codes, scored)
        out = empty((codes.size + codes.n * (scored.limit > 0),), np.float64)
        plan = self._own_scoring(queue)._replace(twin=self._terms)
        plan.launch(queue, codes.n * extent.pieces, packed(queue, codes), extent, out)
        return out

    def draw_rows(self, queue: CudaQueue, draw: Draw, prefix: CudaCodes | None, dtype: Any, empty: Empty) -> CudaCodes:
        """Rows of ``layout.n_vars`` codes."""
        width = self.tables.layout.n_vars
        assert width is not None
        target = CudaCodes(empty((draw.n * width,), dtype), None, draw.n, draw.n * width, width)
        self._draw(queue, draw, prefix, target, width, empty)
        return target

    def draw_sequences(
        self, queue: CudaQueue, draw: Draw, prefix: CudaCodes | None, limit: int, must_end: bool, empty: Empty
    ) -> CudaCodes:
        """Sequences to their end or to ``limit`` symbols; ValueError where one that must end has not.

        They are drawn twice: for their lengths, and for their symbols.
        """
        dtype = symbol_type(self.tables.layout.n_states)
        nowhere = CudaCodes(queue.empty((0,), dtype), None, draw.n, 0, 0)
        lengths = self._draw(queue, draw, prefix, nowhere, limit, empty)
        offsets, late = offsets_of_lengths(lengths, queue, empty, limit)
        if must_end and late is not None:
            raise not_ended(late, limit)
        target = CudaCodes(empty((offsets.size,), dtype), offsets.array, draw.n, offsets.size, offsets.longest)
        if offsets.size:
            self._draw(queue, draw, prefix, target, limit, empty)
        return target

    def sampling_log_prob(self, queue: CudaQueue, draw: Draw, codes: CudaCodes, scored: Scored, empty: Empty) -> Any:
        """log p (n,) of drawn symbols under the distributions they were drawn from."""
        return self._sums(queue, self._plans_of(queue, draw)[0], codes, scored, empty)

    def _draw(
        self, queue: CudaQueue, draw: Draw, prefix: CudaCodes | None, target: CudaCodes, limit: int, empty: Empty
    ) -> Any:
        """Draw all rows into the target, if that has room; returns their lengths."""
        if draw.truncated:
            plan = self._plans_of(queue, draw)[1]
        else:
            self._sampling = plan = self._sampling or self._sampling_plan(queue)
        lengths = empty((draw.n,), np.int64)
        given = prefix or CudaCodes(queue.empty((0,), target.values.dtype), None, 0, 0, 0)
        request = CudaRequest(np.uint64(draw.key), np.uint64(draw.start % 2**64), draw.n_per_row, limit)
        plan.launch(queue, draw.n, request, packed(queue, given), packed(queue, target), lengths)
        return lengths

    def _own_scoring(self, queue: CudaQueue) -> Plan:
        self._scoring = self._scoring or self._scoring_plan(queue)
        return self._scoring

    def _sums(self, queue: CudaQueue, plan: Plan, codes: CudaCodes, scored: Scored, empty: Empty) -> Any:
        """By a thread for every sequence, or for every piece where there are few."""
        extent = self._extent(queue, codes, scored)
        parts = empty((codes.n * extent.pieces,), np.float64)
        plan.launch(queue, len(parts), packed(queue, codes), extent, parts)
        if extent.pieces == 1:
            return parts
        out = empty((codes.n,), np.float64)
        adding = LOOPS["sum pieces", "cuda"]
        launch_on(queue, adding, codes.n * adding.threads_per_block, parts, extent.pieces, out)
        return out

    def _extent(self, queue: CudaQueue, codes: CudaCodes, scored: Scored) -> Extent:
        offsets, first = queue.empty((0,), np.int64), scored.first
        if scored.prefix is not None and scored.prefix.offsets is not None:
            offsets = scored.prefix.offsets
        elif scored.prefix is not None:
            first = scored.prefix.longest
        pieces, run = cut(codes, 0 if self.tables.layout.aligned else RUN)
        return Extent(offsets, scored.n_per_row, first, scored.limit, pieces, run)


def cut(codes: CudaCodes, run: int) -> tuple[int, int]:
    """Pieces of each sequence, enough for a card, and their codes, at least about ``run``; 0: whole sequences."""
    symbols = codes.longest + 1
    pieces = 1
    if run and codes.n:
        pieces = max(1, min(-(-symbols // run), ENOUGH_THREADS // codes.n))
    return pieces, -(-symbols // pieces)


def packed(queue: CudaQueue, codes: CudaCodes) -> PackedSequences:
    """Codes as twins read them."""
    memory = CudaMemory.of(codes.values)
    wide = 3 if memory.dtype.itemsize == 1 else 2
    n_words = 0 if memory.pointer % WORD_BYTES else codes.size >> wide
    words = replace(memory, shape=(n_words,), strides=(WORD_BYTES,), dtype=np.dtype(np.uint64)).array()
    offsets = queue.empty((0,), np.int64) if codes.offsets is None else codes.offsets
    return PackedSequences(codes.values, words, offsets, codes.n, codes.longest, wide)


class CudaDenseChain(CudaChain):
    """Full tables; those that are tempered or truncated are made by the CPU, whose symbols they give bit for bit."""

    tables: DenseTables
    _changed: tuple[Any, tuple[Plan, Plan]] | None = None

    @property
    def _terms(self) -> Twin:
        return LOOPS["terms by pieces", "cuda"]

    def _scoring_plan(self, queue: CudaQueue) -> Plan:
        return self._chain(queue, self.tables.automaton.probabilities)

    def _sampling_plan(self, queue: CudaQueue) -> Plan:
        return self._sampler(queue, self.tables.automaton.probabilities)

    def _plans_of(self, queue: CudaQueue, draw: Draw) -> tuple[Plan, Plan]:
        """Those of the last such draw are kept."""
        asked = draw.temperature, draw.top_k, draw.top_p
        known = self._changed
        if known is None or known[0] != asked:
            changed = self.tables.truncated(draw)
            known = self._changed = asked, (self._chain(queue, changed), self._sampler(queue, changed))
        return known[1]

    def _chain(self, queue: CudaQueue, probabilities: npt.NDArray[Any]) -> Plan:
        own = packed_chain(self.tables.chain(self.tables.log_table(probabilities)))
        words = queue.to_device(own)
        numbers = CudaMemory.of(words).seen_as(np.float64).array()
        return Plan(_twin("log_prob by pieces", own.nbytes), PackedChain(words, numbers))

    def _sampler(self, queue: CudaQueue, probabilities: npt.NDArray[Any]) -> Plan:
        sampler = self.tables.sampler_of(probabilities)
        own = packed_slots(sampler)
        arrays = map(queue.to_device, (own, sampler.fine, sampler.successor))
        return Plan(_twin("sample twice", own.nbytes), PackedSampler(*arrays))


class CudaSparseChain(CudaChain):
    """Sparse tables. What is tempered or truncated is drawn by the CPU only."""

    tables: SparseTables

    @property
    def _terms(self) -> Twin:
        return LOOPS["sparse terms by pieces", "cuda"]

    def _scoring_plan(self, queue: CudaQueue) -> Plan:
        return Plan(LOOPS["sparse log_prob by pieces", "cuda"], queue.plan_to_device(self.tables.scoring))

    def _sampling_plan(self, queue: CudaQueue) -> Plan:
        return Plan(LOOPS["sparse sample twice", "cuda"], queue.plan_to_device(self.tables.sampler))

    def _plans_of(self, queue: CudaQueue, draw: Draw) -> tuple[Plan, Plan]:
        raise TypeError(
            "temperature, top_k and top_p of a sparse chain need the distribution of every context that occurs, which "
            "GPUs have no loops for: draw on the CPU, with device='cpu'"
        )


def _twin(verb: str, n_bytes: int) -> Twin:
    """That with tables in shared memory where they fit."""
    if n_bytes > SHARED_BYTES:
        return LOOPS[verb, "cuda"]
    return LOOPS[f"{verb}, tables in shared memory", "cuda"]._replace(shared_bytes=n_bytes)


def cuda_chain(tables: MarkovTables) -> CudaChain:
    """The twin of tables of either kind."""
    if isinstance(tables, SparseTables):
        return CudaSparseChain(tables)
    assert isinstance(tables, DenseTables)
    return CudaDenseChain(tables)
