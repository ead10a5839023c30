"""Counts of a Markov chain: contexts met in a stream and the symbols that followed them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..kernels import markov
from ..memory import check_memory
from .sequences import Stream

PIECE = 1 << 24  # symbols counted between two chances for Ctrl-C
FIRST_CAPACITY = 1 << 10  # contexts
MAX_SYMBOLS = 2**32 - 1  # counts are uint32
MAX_STATES = 2**32 - 1  # and so are states


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
    def modulus(self) -> int:
        """Number of keys per position."""
        return self.width**self.order

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
    positions = layout.n_vars or 1
    if layout.modulus * (positions + 1) >= 2**63:
        raise ValueError(
            f"order {layout.order} is too large for {layout.n_states} states: (n_states + 1)**order contexts"
            f"{f' at {positions} positions' if layout.position_dependent else ''} must be below 2**63"
        )


def count(stream: Stream, layout: Layout) -> Counts:
    """Count every symbol of a stream after its context; contexts come in ascending order of keys."""
    n = len(stream.symbols)
    if n > MAX_SYMBOLS:
        raise ValueError(f"fit counts at most 2**32 - 1 symbols at a time, got {n}")
    contexts = _room(FIRST_CAPACITY, layout)
    contexts.keys[1] = layout.modulus - 1
    contexts.size[0] = 2  # state 0 is none
    markov.fill_places(contexts)
    size = PIECE - PIECE % layout.aligned if 0 < layout.aligned <= PIECE else max(PIECE, layout.aligned)
    for begin in range(0, n, size):
        done = 0
        while True:
            done = markov.count_cpu(begin, min(begin + size, n), done, contexts, stream.symbols)
            if done < 0:
                break
            contexts = _grown(contexts, layout)
    return _sparse(contexts, layout)


def _room(capacity: int, layout: Layout) -> markov.Contexts:
    check_memory(8 * capacity * layout.width, f"counting {capacity} contexts of {layout.n_states} states")
    return markov.Contexts(
        successor=np.zeros(capacity * layout.width, np.uint32),
        counts=np.zeros(capacity * layout.width, np.uint32),
        keys=np.zeros(capacity, np.uint64),
        places=np.zeros(4 * capacity, np.uint32),
        size=np.zeros(1, np.int64),
        width=layout.width,
        order=layout.order,
        modulus=layout.modulus,
        positions=int(layout.position_dependent),
        aligned=layout.aligned,
    )


def _grown(old: markov.Contexts, layout: Layout) -> markov.Contexts:
    new = _room(2 * len(old.keys), layout)
    new.successor[: len(old.successor)] = old.successor
    new.counts[: len(old.counts)] = old.counts
    new.keys[: len(old.keys)] = old.keys
    new.size[0] = old.size[0]
    markov.fill_places(new)
    return new


def _sparse(contexts: markov.Contexts, layout: Layout) -> Counts:
    """The counts in order of keys; rows of fixed length do not count their end, and contexts at the end go."""
    size = int(contexts.size[0])
    order = np.argsort(contexts.keys[1:size]) + 1
    table = contexts.counts[: size * layout.width].reshape(size, layout.width)[order, : layout.allowed]
    used = table.any(axis=1)
    table = table[used]
    rows, symbols = np.nonzero(table)
    return Counts(
        contexts=contexts.keys[order][used],
        starts=np.searchsorted(rows, np.arange(len(table) + 1)).astype(np.int64),
        symbols=symbols.astype(np.uint16),
        counts=table[rows, symbols].astype(np.int64),
    )


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
    if starts[0] != 0 or starts[-1] != len(symbols) or (np.diff(starts) < 1).any():
        raise ValueError("starts must rise from 0 to the number of symbols, with at least one symbol per context")
    rises = np.diff(symbols.astype(np.int64)) > 0
    rises[starts[1:-1] - 1] = True
    if not rises.all() or (symbols >= layout.allowed).any():
        raise ValueError(f"symbols must rise within a context and be below {layout.allowed}")
    if (numbers < 1).any() or (numbers > 2**53).any():
        raise ValueError("counts must be between 1 and 2**53")
