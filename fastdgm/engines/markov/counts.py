"""Counts of a Markov chain: contexts met in a stream and the symbols that followed them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...data.repeated import MAX_COUNT
from ...data.sequences import Stream
from ...kernels import markov_counting
from ...kernels.markov_counting import Digits, Rows
from ...runtime.memory import check_memory
from ...runtime.pieces import run_ranges, split
from .loops import LOOPS

PIECE = 1 << 22  # symbols counted by one thread at a time
FIRST_PLACES = 1 << 14
MOST_NUMBERS = 1 << 22  # of runs of symbols that a table is indexed by: 8 MB, of which most is never touched
NUMBERS_PER_SYMBOL = 4
FIRST_ROWS = 1 << 12  # of counts
MOST_ROWS = (1 << 16) - 1
MOST_CELLS = 1 << 22

Array = npt.NDArray[Any]


class Layout(NamedTuple):
    """The shape of a chain: which contexts can be, and what may follow."""

    n_states: int
    order: int
    n_vars: int | None  # None: ragged, with an end symbol of probability
    position_dependent: bool

    @property
    def width(self) -> int:
        """Symbols of a table, with the end symbol."""
        return self.n_states + 1

    @property
    def bits(self) -> int:
        """Of a symbol in the number of a context."""
        return self.n_states.bit_length()

    @property
    def base(self) -> int:
        """Of the digits of the number of a context."""
        return 1 << self.bits

    @property
    def modulus(self) -> int:
        """Number of keys per position."""
        return self.base**self.order

    @property
    def start(self) -> int:
        """Key of the context at the start of a sequence: the end symbol everywhere."""
        return sum(self.n_states * self.base**k for k in range(self.order))

    @property
    def allowed(self) -> int:
        """Symbols that a context can be followed by."""
        return self.n_states + (self.n_vars is None)

    @property
    def aligned(self) -> int:
        """What kernels must cut streams at multiples of; 0 for anywhere."""
        return self.n_vars + 1 if self.position_dependent and self.n_vars is not None else 0


class Counts(NamedTuple):
    """counts[starts[i] : starts[i + 1]] is how often symbols[...] followed the context with key contexts[i]."""

    contexts: npt.NDArray[np.uint64]
    starts: npt.NDArray[np.int64]
    symbols: npt.NDArray[np.uint16]
    counts: npt.NDArray[np.int64]


def check_layout(layout: Layout) -> None:
    """Refuse an order whose contexts cannot be numbered in 63 bits."""
    positions = layout.n_vars if layout.position_dependent and layout.n_vars else 0
    bits = layout.bits * (layout.order + 1) + positions.bit_length()
    if bits > 63:
        raise ValueError(
            f"order {layout.order} is too large for {layout.n_states} states: {layout.bits} bits for each of "
            f"{layout.order + 1} symbols{f' and {positions} positions' if positions else ''} are more than 63"
        )


def count(stream: Stream, layout: Layout, weights: Array | None = None) -> Counts:
    """Count every symbol of a stream after its context; contexts come in ascending order of keys.

    ``weights`` (n,) int64 says how often each sequence occurs; None: once. Raises ValueError where there are none, or
    where contexts cannot be numbered.
    """
    if not len(stream):
        raise ValueError("fit needs at least one sequence, got none")
    check_layout(layout)
    counted = _count_keys(stream, layout) if weights is None else _count_weighted(stream, layout, weights)
    return counts_of_keys(*counted, layout)


def counts_of_keys(keys: Array, counts: Array, layout: Layout) -> Counts:
    """Of how often every (position, context, symbol) occurs, in ascending order of its number."""
    shift = np.uint64(layout.bits)
    symbols = (keys & np.uint64(layout.base - 1)).astype(np.uint16)
    follows = symbols < layout.allowed  # the end of a row of fixed length is no event
    contexts = (keys >> shift)[follows]
    starts = np.flatnonzero(np.diff(contexts, prepend=~contexts[:1]))  # of ascending ones
    return Counts(contexts[starts], np.append(starts, len(contexts)), symbols[follows], counts[follows])


def _count_weighted(stream: Stream, layout: Layout, weights: Array) -> tuple[Array, Array]:
    """By binary digits: sequences whose weight has digit b count 2**b times."""
    lengths = np.diff(stream.starts)
    total = sum(weight * length for weight, length in zip(weights.tolist(), lengths.tolist(), strict=True))
    if total > MAX_COUNT:
        raise ValueError(f"all sequences together must have at most 2**53 symbols, got {total}")
    parts = []
    for digit in range(int(weights.max()).bit_length()):
        chosen = (weights >> digit & 1).astype(bool)
        if chosen.any():
            own = Stream(stream.symbols[np.repeat(chosen, lengths)], np.append(0, lengths[chosen].cumsum()))
            keys, counts = _count_keys(own, layout)
            parts.append((keys, counts << digit))
    return _merged(parts)


def _count_keys(stream: Stream, layout: Layout) -> tuple[Array, Array]:
    """How often every (position, context, symbol) occurs, in ascending order of its number."""
    n = len(stream.symbols)
    size = PIECE // max(1, layout.aligned) * layout.aligned or max(PIECE, layout.aligned)
    digits = digits_of(layout)
    by_rows = not layout.position_dependent and layout.width**layout.order <= min(MOST_NUMBERS, NUMBERS_PER_SYMBOL * n)

    def work(begin: int, end: int) -> tuple[Array, Array]:
        if not by_rows:
            return _count_hashed(digits, stream.symbols, begin, end)
        counted, reached = _count_in_rows(digits, layout, stream.symbols, begin, end)
        return counted if reached == end else _count_hashed(digits, stream.symbols, reached, end, counted)

    return _merged(run_ranges(work, split(n, size)))


def digits_of(layout: Layout) -> Digits:
    """How the kernels write contexts as numbers."""
    return Digits(
        bits=layout.bits,
        order=layout.order,
        mask=layout.modulus - 1,
        start=layout.start,
        end=layout.n_states,
        positions=int(layout.position_dependent),
    )


def _count_in_rows(
    digits: Digits, layout: Layout, symbols: Array, begin: int, end: int
) -> tuple[tuple[Array, Array], int]:
    """Keys and counts of [begin, reached), in ascending order of keys, and how far the rows reached.

    They reach as far as there are rows, and end early where it looks as if these would not suffice: a hash table is
    faster than rows for the beginning and a hash table for the rest.
    """
    stride = -(-layout.width // 8) * 8
    most = min(MOST_ROWS, MOST_CELLS // stride)
    n_rows = min(most, FIRST_ROWS)
    rows = Rows(
        row_of=np.zeros(layout.width**layout.order, np.uint16),
        contexts=np.empty(n_rows, np.uint64),
        counts=np.zeros(n_rows * stride, np.uint8),
        carried=np.empty((end - begin) // markov_counting.CARRY + 1, np.uint32),
        used=np.array([1, 0]),
        stride=stride,
    )
    reached = begin
    while (reached := LOOPS["count rows", "cpu"](reached, end, digits, symbols, rows)) < end and n_rows < most:
        if _rows_expected(layout, n_rows, reached - begin, end - begin) > most:
            break
        more = min(most, 4 * n_rows) - n_rows
        rows = rows._replace(
            contexts=np.append(rows.contexts, np.empty(more, np.uint64)),
            counts=np.append(rows.counts, np.zeros(more * stride, np.uint8)),
        )
        n_rows += more
    return _collected(digits, rows), reached


def _rows_expected(layout: Layout, met: int, counted: int, n: int) -> float:
    """Contexts in n symbols where some were met in the first: they grow about as the square root (Heaps' law)."""
    return min(layout.width**layout.order + 1, met * np.sqrt(n / max(1, counted)))


def _collected(digits: Digits, rows: Rows) -> tuple[Array, Array]:
    """What rows hold, in ascending order of keys."""
    used, n_carried = rows.used
    n = np.count_nonzero(rows.counts)
    keys, counts = np.empty(n + 1, np.uint64), np.empty(n + 1, np.int64)
    order = 1 + np.argsort(rows.contexts[1:used])
    markov_counting.collect_counts(order, digits, rows, rows.counts.view(np.uint64), keys, counts)
    keys, counts = keys[:n], counts[:n]
    contexts, symbols = np.divmod(rows.carried[:n_carried], np.uint32(rows.stride))
    carried = rows.contexts[contexts] << np.uint64(digits.bits) | symbols
    np.add.at(counts, np.searchsorted(keys, carried), markov_counting.CARRY)
    return keys, counts


def _count_hashed(
    digits: Digits, symbols: Array, begin: int, end: int, counted: tuple[Array, Array] | None = None
) -> tuple[Array, Array]:
    """Keys and counts of [begin, end), and of what was counted before, in ascending order of keys."""
    table, entries = _places(FIRST_PLACES), 0
    if counted is not None:
        used = np.column_stack([part.view(np.uint64) for part in counted])
        table, entries = _table_of(used, digits.order), len(used)
    while (begin := LOOPS["count", "cpu"](begin, end, entries, digits, symbols, table)) < end:
        used = table[table[:, 0] != np.uint64(markov_counting.FREE)]
        table, entries = _table_of(used, digits.order), len(used)
    keys = np.sort(table[:, 0])
    keys = keys[: np.searchsorted(keys, np.uint64(markov_counting.FREE))]
    counts = np.empty(len(keys), np.int64)
    markov_counting.look_up(keys, table, counts)
    return keys, counts


def _table_of(entries: Array, order: int) -> Array:
    """A hash table of (key, count) pairs, less than half full."""
    n = FIRST_PLACES
    while n <= 2 * len(entries):
        n *= 4
    check_memory(16 * n, f"counting more than {len(entries)} different runs of {order + 1} symbols")
    table = _places(n)
    markov_counting.enter(entries, table)
    return table


def _places(n: int) -> Array:
    table = np.zeros((n, 2), np.uint64)
    table[:, 0] = markov_counting.FREE
    return table


def _merged(parts: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """The counts of all pieces together."""
    if len(parts) == 1:
        return parts[0]
    keys, place = np.unique(np.concatenate([keys for keys, _ in parts]), return_inverse=True)
    counts = np.zeros(len(keys), np.int64)
    np.add.at(counts, place, np.concatenate([counts for _, counts in parts]))
    return keys, counts


def allows_empty(counts: Counts, layout: Layout) -> bool:
    """Whether the end symbol may follow the start: where it did, in an empty sequence of the data."""
    row = int(np.searchsorted(counts.contexts, np.uint64(layout.start)))
    if layout.n_vars is not None or row == len(counts.contexts) or int(counts.contexts[row]) != layout.start:
        return False
    return int(counts.symbols[counts.starts[row + 1] - 1]) == layout.n_states


def check_counts(counts: Counts, layout: Layout) -> None:
    """Refuse counts, as from a damaged file, that no data can have."""
    contexts, starts, symbols, numbers = counts
    if not (contexts.dtype == np.uint64 and starts.dtype == numbers.dtype == np.int64 and symbols.dtype == np.uint16):
        raise ValueError("counts must hold contexts (uint64), starts and counts (int64) and symbols (uint16)")
    if any(part.ndim != 1 for part in counts) or len(starts) != len(contexts) + 1 or len(symbols) != len(numbers):
        raise ValueError(f"counts have shapes that do not fit together: {[part.shape for part in counts]}")
    if len(contexts) < 1 or (contexts[1:] <= contexts[:-1]).any():
        raise ValueError("contexts must be at least one, in ascending order")
    positions = layout.n_vars if layout.position_dependent and layout.n_vars else 1
    if int(contexts[-1]) >= layout.modulus * positions:
        raise ValueError(f"contexts must be below {layout.modulus * positions}, got {int(contexts[-1])}")
    if starts[0] != 0 or starts[-1] != len(symbols) or (starts[1:] <= starts[:-1]).any():
        raise ValueError("starts must rise from 0 to the number of symbols, with at least one symbol per context")
    rises = np.diff(symbols.astype(np.int64)) > 0
    rises[starts[1:-1] - 1] = True
    if not rises.all() or (symbols >= layout.allowed).any():
        raise ValueError(f"symbols must rise within a context and be below {layout.allowed}")
    if (numbers < 1).any() or (numbers > MAX_COUNT).any() or numbers.sum(dtype=np.float64) > MAX_COUNT:
        raise ValueError("counts must be at least 1, and at most 2**53 together")
