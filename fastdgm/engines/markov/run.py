"""Streams through the loops of a Markov chain, in pieces: scores, terms, rows and sequences."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from ...data.sequences import Stream, codes_as_stream, no_sequences
from ...kernels import markov, markov_sampling, markov_sparse
from ...kernels.markov_sampling import MarkovRequest
from ...runtime.memory import check_memory
from ...runtime.pieces import run_ranges, split
from ..draw import Draw
from .loops import LOOPS

Array = npt.NDArray[Any]
AnyChain: TypeAlias = markov.Chain | markov_sparse.SparseChain
AnySampler: TypeAlias = markov_sampling.Sampler | markov_sparse.SparseSampler

PIECE_SYMBOLS = 1 << 19  # about a millisecond
MAX_LENGTH = 1 << 16  # symbols after which a sequence must have ended where no max_length is given


class Loops(NamedTuple):
    """The loops that read one kind of tables."""

    log_prob: Callable[..., None]
    terms: Callable[..., None]
    sample_rows: Callable[..., None]
    sample_stream: Callable[..., tuple[Array, int, int]]


DENSE = Loops(
    LOOPS["log_prob", "cpu"], LOOPS["terms", "cpu"], LOOPS["sample rows", "cpu"], LOOPS["sample stream", "cpu"]
)
SPARSE = Loops(
    LOOPS["sparse log_prob", "cpu"],
    LOOPS["sparse terms", "cpu"],
    LOOPS["sparse sample rows", "cpu"],
    LOOPS["sparse sample stream", "cpu"],
)


# --- scoring ---


def log_prob(loops: Loops, chain: AnyChain, stream: Stream) -> Array:
    """Sum of table entries of every sequence, its end included."""
    units, first = _units(stream.starts, chain.aligned)
    size = int(max(markov.RUN, 4 * markov.WALKS * chain.aligned))
    out = np.empty(len(units) - 1)

    def work(begin: int, end: int) -> None:
        loops.log_prob(begin, end, chain, stream.symbols, units, size, out)

    cuts = np.searchsorted(units, np.arange(PIECE_SYMBOLS, len(stream.symbols), PIECE_SYMBOLS))
    run_ranges(work, list(pairwise(np.unique([0, *cuts, len(out)]).tolist())))
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


def terms(loops: Loops, chain: AnyChain, stream: Stream) -> Array:
    """The table entry of every symbol of a stream."""
    n = len(stream.symbols)
    check_memory(8 * n, f"log_prob of {n} symbols one by one")
    out = np.empty(n)

    def work(begin: int, end: int) -> None:
        loops.terms(begin, end, chain, stream.symbols, out)

    aligned = max(1, chain.aligned)
    run_ranges(work, split(n, max(1, PIECE_SYMBOLS // aligned) * aligned))
    return out


def sum_terms(terms: Array, begin: Array, end: Array) -> Array:
    """Sums (n,) of the terms begin[i] to end[i]."""
    out = np.empty(len(begin))
    markov.sum_runs(terms, np.ascontiguousarray(begin), np.ascontiguousarray(end), out)
    return out


# --- drawing ---


def request_of(draw: Draw, prefix: Stream | None, limit: int, n_states: int) -> MarkovRequest:
    """The kernels' description of the rows to draw, up to ``limit`` symbols each."""
    given = no_sequences(n_states) if prefix is None else prefix
    return MarkovRequest(
        np.uint64(draw.key), np.uint64(draw.start % 2**64), draw.n_per_row, limit, given.symbols, given.starts
    )


def _row_ranges(n: int, length: float) -> list[tuple[int, int]]:
    return split(n, max(1, int(PIECE_SYMBOLS / max(1.0, length)) // markov_sampling.ROWS) * markov_sampling.ROWS)


def draw_rows(loops: Loops, sampler: AnySampler, request: MarkovRequest, n: int, dtype: npt.DTypeLike) -> Array:
    """Rows of ``request.limit`` codes."""
    check_memory(n * request.limit * np.dtype(dtype).itemsize, f"a sample of {n} rows x {request.limit} variables")
    out = np.empty((n, request.limit), dtype)

    def work(begin: int, end: int) -> None:
        loops.sample_rows(begin, end, sampler, request, out)

    run_ranges(work, _row_ranges(n, request.limit))
    return out


class Sequences(NamedTuple):
    """Sequences that were drawn, and which of them were cut before their end."""

    stream: Stream
    cut: npt.NDArray[np.bool_]

    def sum_terms(self, terms: Array, skipped: Array | int = 0) -> Array:
        """Sums (n,) of the terms of every sequence but its first ``skipped`` ones; no end where it was cut."""
        starts = self.stream.starts
        return sum_terms(terms, starts[:-1] + skipped, starts[1:] - self.cut)


def draw_stream(
    loops: Loops, sampler: AnySampler, request: MarkovRequest, n: int, expected: float, must_end: bool
) -> Sequences:
    """Sequences to their end or to ``request.limit`` symbols; ``expected`` is about how many they have."""
    length = min(expected, request.limit) + 1
    check_memory(int(n * (length * request.prefix.itemsize + 16)), f"a sample of {n} sequences")
    starts = np.zeros(n + 1, np.int64)
    lengths = starts[1:]
    kind = np.empty(0, request.prefix.dtype)

    def work(begin: int, end: int) -> Array:
        room = int((length + 1) * (end - begin))
        part, used, late = loops.sample_stream(begin, end, sampler, request, must_end, lengths, room, kind)
        if late >= 0:
            raise not_ended(late, request.limit)
        return part[:used]

    parts = run_ranges(work, _row_ranges(n, length))
    symbols = parts[0] if len(parts) == 1 else np.concatenate([*parts, kind])
    cut = lengths >= request.limit
    lengths += 1
    lengths.cumsum(out=lengths)
    return Sequences(Stream(symbols.astype(kind.dtype, copy=False), starts), cut)


def draw_by_uniforms(
    chain: markov.Chain, request: MarkovRequest, uniforms: Array, dtype: npt.DTypeLike
) -> tuple[Array, npt.NDArray[np.int64]]:
    """Inverse CDF of the probabilities in ``chain``: codes (n, limit), of which lengths (n,) count in each row."""
    n = len(uniforms)
    check_memory(n * request.limit * np.dtype(dtype).itemsize, f"a sample of {n} rows x {request.limit} variables")
    out, lengths = np.zeros((n, request.limit), dtype), np.empty(n, np.int64)
    numbers = uniforms.astype(np.float64)

    def work(begin: int, end: int) -> None:
        LOOPS["sample given uniforms", "cpu"](begin, end, chain, request, numbers, out, lengths)

    run_ranges(work, _row_ranges(n, request.limit))
    return out, lengths


def as_sequences(
    codes: Array, lengths: Array, limit: int, must_end: bool, n_states: int, by_uniforms: bool
) -> Sequences:
    """Codes (n, room), of which lengths (n,) count; ValueError where one that must end has not."""
    cut = lengths >= limit
    if cut.any() and must_end:
        row = int(cut.argmax())
        if by_uniforms:
            raise ValueError(f"sequence {row} had not ended after its {limit} uniforms: give more of them")
        raise not_ended(row, limit)
    kept = np.arange(codes.shape[1]) < lengths[:, np.newaxis]
    offsets = np.concatenate([[0], lengths.cumsum()])
    return Sequences(codes_as_stream(codes[kept], offsets, n_states), cut)


def not_ended(row: int, limit: int) -> ValueError:
    """The error for a sequence that goes on after as many symbols as are drawn."""
    return ValueError(
        f"sequence {row} had not ended after {limit} symbols: give max_length, where those that do not end are cut"
    )
