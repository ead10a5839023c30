"""The twins of Markov chains: a dense one over 20 symbols, a small one over 4, a sparse one over 20 000 words.

Rows have a multiple of 8 codes, so that all of them are written as whole words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from case import Case

import fastdgm as fd
from fastdgm.data.sequences import Stream, codes_as_stream, rows_as_stream
from fastdgm.engines.markov.chain import MarkovTables
from fastdgm.engines.markov.counts import Layout, digits_of
from fastdgm.engines.markov.cuda_pack import packed_chain, packed_slots
from fastdgm.engines.markov.dense import DenseTables
from fastdgm.engines.markov.loops_cuda import LOOPS
from fastdgm.kernels.markov_counting import FREE
from fastdgm.kernels.markov_counting_cuda import CountTable
from fastdgm.kernels.markov_cuda import PackedChain
from fastdgm.kernels.markov_sampling_cuda import CudaRequest, PackedSampler
from fastdgm.kernels.packed_sequences_cuda import Extent, PackedSequences
from fastdgm.runtime.cuda_launch import Twin

NONE = np.empty(0, np.int64)
PIECES = 4
IN_SHARED, SLOTS_IN_SHARED = "log_prob by pieces, tables in shared memory", "sample twice, tables in shared memory"
COUNTS_IN_SHARED = "count by key, in shared memory"


def packed(values: np.ndarray, offsets: np.ndarray, n: int, length: int) -> PackedSequences:
    """Codes as twins read them."""
    flat, wide = np.ascontiguousarray(values).ravel(), 3 if values.itemsize == 1 else 2
    whole = flat[: len(flat) >> wide << wide]
    return PackedSequences(flat, whole.view(np.uint64).copy(), offsets, n, length, wide)


class Chain(NamedTuple):
    """A fitted chain, and sequences that it drew."""

    name: str
    tables: MarkovTables
    sequences: PackedSequences
    stream: Stream
    limit: int  # of the sequences' codes; 0: they have no end
    symbols: int
    cpu: Callable[[], Any]

    @property
    def extent(self) -> Extent:
        """Whole sequences."""
        return Extent(NONE, 1, 0, self.limit, 1, 0)

    def case(
        self, verb: str, inputs: tuple[Any, ...], outputs: tuple[Any, ...], expected: tuple[Any, ...], **more: Any
    ) -> Case:
        """One of a twin; a relative error is allowed where numbers are added in another order."""
        n, bytes_read = self.sequences.n, self.sequences.values.nbytes
        options = {"tolerance": 0.0, "rows": n, "n_bytes": bytes_read, "cpu": self.cpu, "twin": LOOPS[verb, "cuda"]}
        options |= more
        name = f"Markov {self.name} {verb}"
        return Case(name, inputs=inputs, outputs=outputs, expected=expected, cells=self.symbols, **options)

    def scores(self, verb: str, tables: Any, terms: str, twin: Twin | None = None) -> Iterator[Case]:
        """Whole sequences scored, and every symbol."""
        n = self.sequences.n
        more = {} if twin is None else {"twin": twin}
        inputs, expected = (tables, self.sequences, self.extent), (self.tables.log_prob(self.stream),)
        yield self.case(verb, inputs, (np.full(n, np.nan),), expected, tolerance=1e-12, **more)
        found = self.tables.terms(self.stream)
        if not self.limit:
            found = found.reshape(n, -1)[:, :-1].ravel()
        yield self.case(terms, inputs, (np.full(len(found), np.nan),), (found,), n_bytes=9 * self.symbols)


def rows_of(name: str, order: int, n_states: int, n: int, length: int) -> Chain:
    """A chain of rows of one length."""
    rng = np.random.default_rng(0)
    model = fd.MarkovChain(order, n_states=n_states).fit(rng.integers(0, n_states, (2000, length)))
    x, tables = model.sample(n, seed=1), model._model.tables
    stream = rows_as_stream(x, n_states)
    return Chain(name, tables, packed(x, NONE, n, length), stream, 0, x.size, lambda: model.sample(n, seed=1))


def dense_cases(n: int, length: int, many: int) -> Iterator[Case]:
    """Chains of so many states and of four: tables in L2, and in shared memory; rows scored, drawn and counted."""
    length = length // 8 * 8
    yield from _dense(
        rows_of(f"{many} states", 3, many, n, length), "log_prob by pieces", "sample twice", "count by key"
    )
    yield from _dense(rows_of("4 states", 3, 4, n, length), IN_SHARED, SLOTS_IN_SHARED, COUNTS_IN_SHARED)


def _dense(chain: Chain, score: str, draw: str, count: str) -> Iterator[Case]:
    tables, sequences, n = chain.tables, chain.sequences, chain.sequences.n
    assert isinstance(tables, DenseTables)
    words = packed_chain(tables.scoring)
    in_shared = score == IN_SHARED

    def shaped(verb: str, n_bytes: int) -> Twin:
        return LOOPS[verb, "cuda"]._replace(shared_bytes=n_bytes if in_shared else 0)

    yield from chain.scores(
        score, PackedChain(words, words.view(np.float64)), "terms by pieces", shaped(score, words.nbytes)
    )
    slots = packed_slots(tables.sampler)
    sampler = PackedSampler(slots, tables.sampler.fine, tables.sampler.successor)
    length, lengths = sequences.length, np.full(n, sequences.length)
    target = sequences._replace(values=np.zeros_like(sequences.values), words=np.zeros_like(sequences.words))
    nobody = packed(sequences.values[:0], NONE, 0, 0)
    yield chain.case(
        draw,
        (sampler, CudaRequest(np.uint64(1), np.uint64(0), 1, length), nobody),
        (target, np.zeros_like(lengths)),
        (None, sequences.words, None, lengths),
        twin=shaped(draw, slots.nbytes),
        n_words=chain.symbols,
    )
    yield from _counted(chain, count, shaped)


def _counted(chain: Chain, count: str, shaped: Callable[[str, int], Twin]) -> Iterator[Case]:
    layout: Layout = chain.tables.layout
    keys, counts = counted_keys(chain.stream, layout)
    n_keys = layout.base * layout.modulus
    by_key = np.zeros(n_keys, np.uint64)
    by_key[keys] = counts
    inputs = digits_of(layout), chain.sequences, chain.extent
    yield chain.case(count, inputs, (np.zeros_like(by_key),), (by_key,), twin=shaped(count, 4 * n_keys))
    bits = (2 * len(keys) - 1).bit_length() + 1
    table = CountTable(np.full(1 << bits, FREE, np.uint64), np.zeros(1 << bits, np.uint64))
    yield chain.case("count in a hash table", (*inputs, 32 - bits), (table,), (None, None))
    full = CountTable(np.empty(0, np.uint64), by_key)
    used = np.zeros(1, np.uint64), np.zeros(n_keys, np.uint64), np.zeros(n_keys, np.uint64)
    yield chain.case(
        "collect counts",
        (full,),
        used,
        (np.array([len(keys)], np.uint64), None, None),
        rows=min(n_keys, 64 * chain.sequences.n),
    )
    cleared = np.full(n_keys, FREE, np.uint64), np.zeros_like(by_key)
    yield chain.case(
        "clear counts", (), (by_key.copy(), by_key.copy()), cleared, rows=min(n_keys, 64 * chain.sequences.n)
    )


def counted_keys(stream: Stream, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """How often every run of symbols occurs in rows, by its number."""
    rows = stream.symbols.reshape(len(stream), -1)[:, :-1].astype(np.int64)
    context = np.full(len(rows), layout.start)
    found = []
    for symbols in rows.T:
        found.append((context << layout.bits) | symbols)
        context = found[-1] & (layout.modulus - 1)
    return np.unique(np.concatenate(found), return_counts=True)


def sparse_cases(n: int, n_seen: int) -> Iterator[Case]:
    """An order-2 chain of 20 000 words, of which most pairs were never seen: sequences scored and drawn."""
    rng = np.random.default_rng(0)
    values = np.minimum(rng.pareto(1.0, n_seen) * 3, 19_999).astype(np.int64)
    model = fd.MarkovChain(2, n_states=20_000).fit((values, np.arange(0, n_seen + 1, 20)))
    x, tables = model.sample(n, seed=1, max_length=40), model._model.tables
    offsets = np.concatenate([[0], np.cumsum([len(own) for own in x])])
    codes = np.concatenate(x)
    stream, sequences = codes_as_stream(codes, offsets, 20_000), packed(codes, offsets, n, 40)
    chain = Chain(
        "20 000 words", tables, sequences, stream, 1 << 62, len(codes), lambda: model.sample(n, seed=1, max_length=40)
    )
    yield from chain.scores("sparse log_prob by pieces", tables.scoring, "sparse terms by pieces")
    parts = np.random.default_rng(1).normal(size=n * PIECES)
    adding = LOOPS["sum pieces", "cuda"]
    yield chain.case(
        "sum pieces",
        (parts, PIECES),
        (np.zeros(n),),
        (parts.reshape(n, PIECES).sum(axis=1),),
        tolerance=1e-12,
        rows=n * adding.threads_per_block,
    )
    nobody = packed(codes[:0], NONE, 0, 0)
    yield chain.case(
        "sparse sample twice",
        (tables.sampler, CudaRequest(np.uint64(1), np.uint64(0), 1, 40), nobody, nobody),
        (np.zeros(n, np.int64),),
        (np.diff(offsets),),
        n_words=2 * len(codes),
    )
