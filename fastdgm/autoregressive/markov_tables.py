"""Counts -> automaton: all contexts of up to ``order`` symbols, where each leads, and its smoothed distribution.

Contexts are grouped by length: level 0 knows nothing, level k the last k symbols. A sequence begins in the context
"start", which counts as a symbol of its context, so "start a b" has length 3. Contexts that cannot get longer, because
they have ``order`` symbols or begin at the start, are *complete*: these are what the chain conditions on, the others
are what it backs off to. Where tables depend on the position, every position has its own levels and needs no start.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ..memory import check_memory
from .markov_counts import Counts, Layout

Array = npt.NDArray[Any]
MAX_CELLS = 2**32 - 1  # states and slots are uint32
Smoothing = Literal["witten-bell", "kneser-ney", "add-alpha"]


class Level(NamedTuple):
    """Contexts of one length k."""

    keys: Array  # uint64 (contexts,), ascending: position * base**k + the symbols as digits
    counts: Array  # int64 (contexts, width)
    complete: Array  # bool (contexts,)
    suffix: Array  # int64: row, in the level below, of the context without its oldest symbol
    first: int  # state of row 0


class Automaton(NamedTuple):
    """States are the contexts, level by level."""

    successor: Array  # uint32 (states, width)
    probabilities: Array  # float64 (states, width)
    complete: Array  # bool (states,)
    root: int
    start: int


def build(counts: Counts, layout: Layout, smoothing: Smoothing, alpha: float) -> Automaton:
    """The automaton of a chain; ValueError where contexts are missing, as in a damaged file."""
    levels = _levels(counts, layout)
    n = sum(len(level.keys) for level in levels)
    if n * layout.width > MAX_CELLS:
        raise ValueError(f"{n} contexts of {layout.n_states} states are too many: use a lower order")
    check_memory(
        20 * n * layout.width, f"tables of {n} contexts of {layout.n_states} states (a lower order needs less)"
    )
    successor = _successors(levels, layout)
    start = int(successor[0, layout.n_states])
    probabilities = np.zeros((n, layout.width))
    lower = _allowed(layout)[np.newaxis] / layout.allowed
    for k, level in enumerate(levels):
        own = slice(level.first, level.first + len(level.keys))
        back_off = lower[level.suffix] if k else np.broadcast_to(lower, level.counts.shape)
        is_start = start - level.first if layout.n_vars is None and own.start <= start < own.stop else None
        if is_start is not None:
            back_off = _without_end(back_off, is_start)
        if smoothing == "witten-bell":
            lower = _witten_bell(level.counts, back_off)
        elif smoothing == "kneser-ney":
            lower = _kneser_ney(_continuations(levels, k), back_off)
        else:
            lower = _add_alpha(level, alpha, layout, is_start)
        probabilities[own] = lower
    complete = np.concatenate([level.complete for level in levels])
    return Automaton(successor, probabilities, complete, 0, start)


def _allowed(layout: Layout) -> Array:
    allowed = np.zeros(layout.width)
    allowed[: layout.allowed] = 1.0
    return allowed


def _without_end(back_off: Array, row: int) -> Array:
    """A sequence has at least one symbol, so that the end symbol cannot follow the start."""
    changed = np.array(back_off)
    changed[row] /= 1.0 - changed[row, -1]
    changed[row, -1] = 0.0
    return changed


# --- contexts ---


def _levels(counts: Counts, layout: Layout) -> list[Level]:
    """Every complete context and all its suffixes, each with the sum of the counts of what it is a suffix of."""
    lengths = _lengths(counts.contexts, layout)
    rows = np.repeat(np.arange(len(counts.contexts)), np.diff(counts.starts))
    levels: list[Level] = []
    longer: Level | None = None
    for k in range(layout.order, -1, -1):
        own = np.flatnonzero(lengths == k)
        own_keys = _shortened(counts.contexts[own], layout.modulus, layout.base**k)
        suffixes = np.empty(0, np.uint64)
        if longer is not None:
            suffixes = _shortened(longer.keys, layout.base ** (k + 1), layout.base**k)
        keys = np.unique(np.concatenate([own_keys, suffixes]))
        check_memory(24 * len(keys) * layout.width, f"counts of {len(keys)} contexts of {layout.n_states} states")
        cells = np.zeros(len(keys) * layout.width, np.int64)
        complete = np.zeros(len(keys), bool)
        place = np.searchsorted(keys, own_keys)
        complete[place] = True
        of_row = np.full(len(counts.contexts), -1)
        of_row[own] = place
        mine = of_row[rows] >= 0
        cells[of_row[rows[mine]] * layout.width + counts.symbols[mine]] = counts.counts[mine]
        table = cells.reshape(-1, layout.width)
        if longer is not None:
            suffix = np.searchsorted(keys, suffixes)
            _add_rows(table, suffix, longer.counts)
            levels.append(longer._replace(suffix=suffix))
        longer = Level(keys, table, complete, np.empty(0, np.int64), 0)
    assert longer is not None
    levels.append(longer)
    firsts = np.cumsum([0, *(len(level.keys) for level in reversed(levels))])
    return [level._replace(first=int(first)) for level, first in zip(reversed(levels), firsts, strict=False)]


def _lengths(contexts: Array, layout: Layout) -> Array:
    """Length of each complete context, start included; ValueError for a key that no sequence leads to."""
    boundary, base = np.uint64(layout.n_states), np.uint64(layout.base)
    known = np.full(len(contexts), layout.order)  # symbols since the start
    rest = contexts % np.uint64(layout.modulus)
    for k in range(layout.order):
        at_boundary = rest % base == boundary
        known = np.where(at_boundary, np.minimum(known, k), known)
        if (~at_boundary & (known < k)).any() or (rest % base > boundary).any():
            raise ValueError("contexts hold a symbol before the start of a sequence, or one that is no state")
        rest = rest // base
    if layout.position_dependent:
        positions = (contexts // np.uint64(layout.modulus)).astype(np.int64)
        if (known != np.minimum(positions, layout.order)).any():
            raise ValueError("contexts do not have the length of their positions")
        return known
    return np.minimum(known + 1, layout.order)


def _shortened(keys: Array, modulus: int, shorter: int) -> Array:
    """Keys without their oldest symbols."""
    big, small = np.uint64(modulus), np.uint64(shorter)
    return keys // big * small + keys % small


def _add_rows(table: Array, rows: Array, values: Array) -> None:
    """table[rows[i]] += values[i], for sorted runs of equal rows at once."""
    order = np.argsort(rows, kind="stable")
    targets, first = np.unique(rows[order], return_index=True)
    table[targets] += np.add.reduceat(values[order], first, axis=0)


def _successors(levels: list[Level], layout: Layout) -> Array:
    """The state of the longest known suffix of context + symbol.

    It is what the context's own suffix leads to, unless context + symbol is a context: then it is that.
    """
    successor = np.zeros((sum(len(level.keys) for level in levels), layout.width), np.uint32)
    n_roots = len(levels[0].keys)
    positions = layout.n_vars if layout.position_dependent and layout.n_vars else 1
    if n_roots != positions or (levels[0].keys != np.arange(positions, dtype=np.uint64)).any():
        raise ValueError(f"contexts must be known at all {positions} positions, got {n_roots}")
    if layout.position_dependent:
        successor[: n_roots - 1] = np.arange(1, n_roots)[:, np.newaxis]
    for k, level in enumerate(levels):
        if k:
            successor[level.first : level.first + len(level.keys)] = successor[levels[k - 1].first + level.suffix]
        if k + 1 < len(levels):
            _lead_to(successor, level, levels[k + 1], k, layout)
    start = 0
    if not layout.position_dependent:
        start = int(successor[0, layout.n_states])
        if start == 0:
            raise ValueError("contexts must include the start of a sequence")
    successor[:, layout.n_states] = start
    return successor


def _lead_to(successor: Array, level: Level, longer: Level, k: int, layout: Layout) -> None:
    """Contexts of length k + 1 are reached by their last symbol from what comes before it."""
    base = np.uint64(layout.base)
    shift, size = np.uint64(layout.base**k), np.uint64(layout.base ** (k + 1))
    position, symbols = longer.keys // size, longer.keys % size
    before = position - np.uint64(layout.position_dependent)
    prefixes = before * shift + symbols // base
    place = np.searchsorted(level.keys, prefixes)
    if (place == len(level.keys)).any() or (level.keys[place] != prefixes).any():
        raise ValueError(f"a context of {k + 1} symbols is known, but not the {k} symbols before its last")
    successor[level.first + place, (symbols % base).astype(np.int64)] = longer.first + np.arange(len(longer.keys))


# --- smoothing ---


def _witten_bell(counts: Array, back_off: Array) -> Array:
    kinds = (counts > 0).sum(axis=1, keepdims=True)
    total = counts.sum(axis=1, keepdims=True) + kinds
    with np.errstate(invalid="ignore"):
        return np.where(total > 0, (counts + kinds * back_off) / total, back_off)


def _continuations(levels: list[Level], k: int) -> Array:
    """Counts of complete contexts; of others, in how many contexts longer by one symbol each symbol was seen."""
    level = levels[k]
    if level.complete.all():
        return level.counts
    longer = levels[k + 1]
    counts = np.zeros_like(level.counts)
    _add_rows(counts, longer.suffix, (longer.counts > 0).astype(np.int64))
    return np.where(level.complete[:, np.newaxis], level.counts, counts)


def _kneser_ney(counts: Array, back_off: Array) -> Array:
    discount = discount_of(counts)
    kinds = (counts > 0).sum(axis=1, keepdims=True)
    total = counts.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.where(total > 0, (np.maximum(counts - discount, 0.0) + discount * kinds * back_off) / total, back_off)


def discount_of(counts: Array) -> float:
    """D = n1 / (n1 + 2 n2), n_r the number of cells with count r (Ney, Essen & Kneser 1994); 0.5 if either is 0."""
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return once / (once + 2 * twice) if once and twice else 0.5


def _add_alpha(level: Level, alpha: float, layout: Layout, start: int | None) -> Array:
    """(N + alpha) / (sum N + alpha K) in complete contexts; uniform in all others, which stand for unseen ones."""
    allowed = np.broadcast_to(_allowed(layout), level.counts.shape)
    if start is not None:
        allowed = np.array(allowed)
        allowed[start, -1] = 0.0
    size = allowed.sum(axis=1, keepdims=True)
    total = level.counts.sum(axis=1, keepdims=True) + alpha * size
    smoothed = (level.counts + alpha * allowed) / total
    return np.where(level.complete[:, np.newaxis], smoothed, allowed / size)
