"""Counts -> automaton: all contexts of up to ``order`` symbols, where each leads, and its smoothed distribution.

Contexts are grouped by length: level 0 knows nothing, level k the last k symbols. A sequence begins in the context
"start", which counts as a symbol of its context, so "start a b" has length 3. Contexts that cannot get longer, because
they have ``order`` symbols or begin at the start, are *complete*: these are what the chain conditions on, the others
are what it backs off to. Where tables depend on the position, every position has its own levels and needs no start.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...runtime.memory import check_memory
from .counts import Counts, Layout, allows_empty
from .levels import Contexts, cells_of
from .smoothing import Smoothing, discount_of, rest_of

Array = npt.NDArray[Any]
MOST_NUMBERS = 1 << 22  # 16 MB of cells by number
NUMBERS_PER_CELL = 4  # most of them are never read: they name runs of symbols that nobody met


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


def build_dense(
    contexts: list[Contexts], counts: Counts, layout: Layout, smoothing: Smoothing, alpha: float
) -> Automaton:
    """The automaton of a chain; ValueError where contexts are missing, as in a damaged file."""
    n = sum(len(level.keys) for level in contexts)
    levels = _filled(contexts, counts, layout)
    check_memory(
        20 * n * layout.width, f"tables of {n} contexts of {layout.n_states} states (a lower order needs less)"
    )
    successor = _successors(levels, layout)
    start = int(successor[0, layout.n_states])
    probabilities = np.zeros((n, layout.width))
    lower = _allowed(layout)[np.newaxis] / layout.allowed
    ends_later = layout.n_vars is None and not allows_empty(counts, layout)
    for k, level in enumerate(levels):
        own = slice(level.first, level.first + len(level.keys))
        back_off = lower[level.suffix] if k else np.broadcast_to(lower, level.counts.shape)
        is_start = start - level.first if ends_later and own.start <= start < own.stop else None
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
    """Where no sequence was empty, the end symbol cannot follow the start."""
    changed = np.array(back_off)
    changed[row] /= rest_of(float(changed[row, -1]))
    changed[row, -1] = 0.0
    return changed


# --- contexts ---


def _filled(levels: list[Contexts], counts: Counts, layout: Layout) -> list[Level]:
    """Every context with the sum of the counts of what it is a suffix of."""
    filled: list[Level] = []
    longer: Level | None = None
    for level in reversed(levels):
        n = len(level.keys)
        check_memory(24 * n * layout.width, f"counts of {n} contexts of {layout.n_states} states")
        flat = np.zeros(n * layout.width, np.int64)
        cells, rows = cells_of(level, counts)
        flat[rows * layout.width + counts.symbols[cells]] = counts.counts[cells]
        table = flat.reshape(-1, layout.width)
        if longer is not None:
            _add_rows(table, longer.suffix, longer.counts)
        longer = Level(level.keys, table, level.complete, level.suffix, level.first)
        filled.append(longer)
    return filled[::-1]


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


# --- states by the last symbols ---


def cells_by_number(automaton: Automaton, layout: Layout) -> Array:
    """First cell of the state after any ``order`` symbols, by the number whose digits these are, the oldest first.

    Empty where tables depend on the position, and where there are many more such numbers than cells.
    """
    states, width = automaton.successor.shape
    if layout.position_dependent or width**layout.order > min(MOST_NUMBERS, NUMBERS_PER_CELL * states * width):
        return np.empty(0, np.uint32)
    after = np.array([automaton.root], np.uint32)
    for _ in range(layout.order):
        after = automaton.successor[after].ravel()
    return after * np.uint32(width)
