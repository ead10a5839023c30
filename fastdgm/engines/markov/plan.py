"""A fitted Markov chain as the kernels see it; scoring and drawing of whole streams in pieces."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ...data.sequences import Kind, Stream, symbol_type
from ...kernels import markov, markov_sampling, markov_sparse
from ...kernels.alias import fill_slots
from ...runtime.lazy import cached_property
from ...runtime.memory import check_memory
from ...runtime.threads import run_pieces
from ..tables.clusters import slot_bits
from .counts import Counts, Layout, check_counts
from .sparse import Smoothing, SparseAutomaton
from .tables import Automaton, build

Array = npt.NDArray[Any]
AnyChain: TypeAlias = markov.Chain | markov_sparse.SparseChain
AnySampler: TypeAlias = markov_sampling.Sampler | markov_sparse.SparseSampler

PIECE_SYMBOLS = 1 << 19  # about a millisecond
MAX_LENGTH = 1 << 16  # symbols after which a sequence must have ended where no max_length is given


class Fitted:
    """Counts and all that follows from them; never changed, so that plans are never stale."""

    def __init__(
        self,
        kind: Kind | None,
        vocabulary: tuple[str, ...] | None,
        layout: Layout,
        counts: Counts,
        smoothing: Smoothing,
        alpha: float,
        columns: tuple[str, ...] | None = None,
    ) -> None:
        check_counts(counts, layout)
        self._arguments = kind, vocabulary, layout, counts, smoothing, alpha, columns
        self.columns = columns  # names of the frame of the fit, if it was one
        self.kind, self.vocabulary, self.layout, self.counts = kind, vocabulary, layout, counts
        self.automaton = build(counts, layout, smoothing, alpha)
        for array in (*counts, *self.automaton):
            if isinstance(array, np.ndarray):
                array.flags.writeable = False

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments

    @property
    def sparse(self) -> SparseAutomaton | None:
        """The automaton, where it holds only what was seen."""
        return self.automaton if isinstance(self.automaton, SparseAutomaton) else None

    @property
    def dense(self) -> Automaton:
        """The automaton with a cell for every context and symbol."""
        assert isinstance(self.automaton, Automaton)
        return self.automaton

    @cached_property
    def scoring(self) -> AnyChain:
        """Log-probabilities; the end of a row of fixed length is certain."""
        if self.sparse is None:
            return self.chain(self.log_table(self.dense.probabilities))
        with np.errstate(divide="ignore"):
            return self.sparse_chain(np.log(self.sparse.probabilities), np.log(self.sparse.back_off))

    @cached_property
    def sampler(self) -> AnySampler:
        """Alias tables of the model itself."""
        if self.sparse is None:
            return self.sampler_of(self.dense.probabilities)
        return self._sparse_sampler(self.sparse)

    @cached_property
    def symbols_per_sequence(self) -> float:
        """In the data of the fit."""
        if self.layout.n_vars is not None:
            return float(self.layout.n_vars)
        ends = self.counts.counts[self.counts.symbols == self.layout.n_states].sum()
        return float(self.counts.counts.sum() / max(1, ends))

    def log_table(self, probabilities: Array) -> Array:
        """Their logarithms, and 0 for the end of a row of fixed length."""
        with np.errstate(divide="ignore"):
            table = np.log(probabilities)
        if self.layout.n_vars is not None:
            table[:, -1] = 0.0
        return table

    def chain(self, table: Array) -> markov.Chain:
        """The automaton with a number in every cell."""
        automaton, layout = self.dense, self.layout
        return markov.Chain(
            successor=automaton.successor.ravel(),
            table=table.ravel(),
            width=layout.width,
            order=layout.order,
            root=automaton.root,
            start=automaton.start,
            aligned=layout.aligned,
        )

    def sampler_of(self, probabilities: Array) -> markov_sampling.Sampler:
        """Alias tables of any distributions over the states of this chain."""
        n, width = probabilities.shape
        bits = slot_bits(self.layout.allowed)
        check_memory(12 * n << bits, f"sampling tables of {n} contexts of {width - 1} states")
        slots, fine = np.empty((n, 1 << bits), np.uint64), np.empty((n, 1 << bits), np.uint32)
        used = np.ascontiguousarray(probabilities[:, : self.layout.allowed])
        fill_slots(used, np.arange(self.layout.allowed, dtype=np.uint32), np.uint64(bits), slots, fine)
        return markov_sampling.Sampler(
            successor=self.dense.successor.ravel(),
            slots=slots.ravel(),
            fine=fine.ravel(),
            bits=bits,
            width=width,
            start=self.automaton.start,
        )

    def sparse_chain(self, table: Array, back_off: Array) -> markov_sparse.SparseChain:
        """The sparse automaton with a number in every cell."""
        automaton, layout = self.sparse, self.layout
        assert automaton is not None
        return markov_sparse.SparseChain(
            first=automaton.first,
            symbols=automaton.symbols,
            table=table,
            successor=automaton.successor,
            suffix=automaton.suffix,
            back_off=back_off,
            width=layout.width,
            order=layout.order,
            root=automaton.root,
            start=automaton.start,
            aligned=layout.aligned,
            certain_end=int(layout.n_vars is not None),
        )

    def _sparse_sampler(self, automaton: SparseAutomaton) -> markov_sparse.SparseSampler:
        allowed = self.layout.allowed
        outcomes = np.minimum(np.diff(automaton.first) + 1, allowed)
        bits = np.maximum(1, np.ceil(np.log2(outcomes)).astype(np.int64))  # as slot_bits
        ends = (1 << bits).cumsum()
        check_memory(12 * int(ends[-1]), f"sampling tables of {len(bits)} contexts")
        sampler = markov_sparse.SparseSampler(
            chain=self.sparse_chain(automaton.probabilities, automaton.back_off),
            slots=np.empty(ends[-1], np.uint64),
            fine=np.empty(ends[-1], np.uint32),
            slot_first=ends - (1 << bits),
            bits=bits.astype(np.uint8),
        )

        def work(begin: int, end: int) -> None:
            masses, back_masses = automaton.masses, automaton.back_masses
            markov_sparse.fill_sparse_slots(begin, end, automaton.first, masses, back_masses, allowed, sampler)

        work(0, 0)  # compile here, not in several workers at once
        size = 1 << 14
        run_pieces(work, [(a, min(a + size, len(bits))) for a in range(0, len(bits), size)])
        return sampler


# --- scoring ---


def log_prob(chain: AnyChain, stream: Stream) -> Array:
    """Sum of table entries of every sequence, its end included."""
    units, first = _units(stream.starts, chain.aligned)
    size = int(max(markov.RUN, 4 * markov.WALKS * chain.aligned))
    out = np.empty(len(units) - 1)
    is_sparse = isinstance(chain, markov_sparse.SparseChain)
    score = markov_sparse.sparse_log_prob_cpu if is_sparse else markov.log_prob_cpu

    def work(begin: int, end: int) -> None:
        score(begin, end, chain, stream.symbols, units, size, out)

    work(0, 0)  # compile here, not in several workers at once
    cuts = np.searchsorted(units, np.arange(PIECE_SYMBOLS, len(stream.symbols), PIECE_SYMBOLS))
    run_pieces(work, list(pairwise(np.unique([0, *cuts, len(out)]).tolist())))
    if first is None:
        return out
    total = np.empty(len(stream))
    markov.sum_parts(out, first, total)
    return total


def _units(starts: Array, aligned: int) -> tuple[Array, Array | None]:
    """Where to cut a stream: at sequences, and every RUN symbols of longer ones; and each sequence's first unit."""
    lengths = np.diff(starts)
    if aligned or lengths.max(initial=0) <= markov.RUN:
        return starts, None
    parts = -(-lengths // markov.RUN)
    first = np.concatenate([[0], parts.cumsum()])
    within = np.arange(first[-1]) - np.repeat(first[:-1], parts)
    return np.append(np.repeat(starts[:-1], parts) + within * markov.RUN, starts[-1]), first


def terms(chain: AnyChain, stream: Stream) -> Array:
    """The table entry of every symbol of a stream."""
    n = len(stream.symbols)
    check_memory(8 * n, f"log_prob of {n} symbols one by one")
    out = np.empty(n)
    is_sparse = isinstance(chain, markov_sparse.SparseChain)
    score = markov_sparse.sparse_terms_cpu if is_sparse else markov.terms_cpu

    def work(begin: int, end: int) -> None:
        score(begin, end, chain, stream.symbols, out)

    work(0, 0)
    size = max(1, PIECE_SYMBOLS // max(1, chain.aligned)) * max(1, chain.aligned)
    run_pieces(work, [(a, min(a + size, n)) for a in range(0, n, size)])
    return out


# --- drawing ---


def request_of(key: int, start: int, prefix: Stream | None, n_per_row: int, limit: int, fitted: Fitted) -> Any:
    """The kernels' description of the rows to draw."""
    none = Stream(np.empty(0, symbol_type(fitted.layout.n_states)), np.zeros(1, np.int64))
    given = none if prefix is None else prefix
    return markov_sampling.Request(
        np.uint64(key), np.uint64(start % 2**64), n_per_row, limit, given.symbols, given.starts
    )


def _row_pieces(n: int, length: float) -> list[tuple[int, int]]:
    size = max(1, int(PIECE_SYMBOLS / max(1.0, length)) // markov_sampling.ROWS) * markov_sampling.ROWS
    return [(a, min(a + size, n)) for a in range(0, n, size)]


def draw_rows(sampler: AnySampler, request: Any, n: int, dtype: npt.DTypeLike) -> Array:
    """Rows of ``request.limit`` codes."""
    check_memory(n * request.limit * np.dtype(dtype).itemsize, f"a sample of {n} rows x {request.limit} variables")
    out = np.empty((n, request.limit), dtype)
    is_sparse = isinstance(sampler, markov_sparse.SparseSampler)
    sample = markov_sparse.sparse_sample_rows_cpu if is_sparse else markov_sampling.sample_rows_cpu

    def work(begin: int, end: int) -> None:
        sample(begin, end, sampler, request, out)

    work(0, 0)
    run_pieces(work, _row_pieces(n, request.limit))
    return out


def draw_stream(
    sampler: AnySampler, request: Any, n: int, expected: float, must_end: bool
) -> tuple[Stream, npt.NDArray[np.bool_]]:
    """Sequences to their end or to ``request.limit`` symbols, and which ones were cut there."""
    length = min(expected, request.limit) + 1
    check_memory(int(n * (length * request.prefix.itemsize + 16)), f"a sample of {n} sequences")
    starts = np.zeros(n + 1, np.int64)
    lengths = starts[1:]
    kind = np.empty(0, request.prefix.dtype)
    is_sparse = isinstance(sampler, markov_sparse.SparseSampler)
    sample = markov_sparse.sparse_sample_stream_cpu if is_sparse else markov_sampling.sample_stream_cpu

    def work(begin: int, end: int) -> Array:
        room = int((length + 1) * (end - begin))
        part, used, late = sample(begin, end, sampler, request, must_end, lengths, room, kind)
        if late >= 0:
            raise not_ended(late, request.limit)
        return part[:used]

    work(0, 0)
    parts = run_pieces(work, _row_pieces(n, length))
    symbols = parts[0] if len(parts) == 1 else np.concatenate([*parts, kind])
    cut = lengths >= request.limit
    lengths += 1
    lengths.cumsum(out=lengths)
    return Stream(symbols.astype(kind.dtype, copy=False), starts), cut


def not_ended(row: int, limit: int) -> ValueError:
    """The error for a sequence that must end."""
    return ValueError(
        f"sequence {row} had not ended after {limit} symbols: give max_length, where those that do not end are cut"
    )


def draw_by_uniforms(
    chain: markov.Chain, request: Any, uniforms: Array, dtype: npt.DTypeLike
) -> tuple[Array, npt.NDArray[np.int64]]:
    """Inverse CDF of the probabilities in ``chain``: codes (n, limit), of which lengths (n,) count in each row."""
    n = len(uniforms)
    check_memory(n * request.limit * np.dtype(dtype).itemsize, f"a sample of {n} rows x {request.limit} variables")
    out, lengths = np.zeros((n, request.limit), dtype), np.empty(n, np.int64)

    def work(begin: int, end: int) -> None:
        markov_sampling.sample_given_uniforms_cpu(begin, end, chain, request, uniforms, out, lengths)

    work(0, 0)
    run_pieces(work, _row_pieces(n, request.limit))
    return out, lengths
