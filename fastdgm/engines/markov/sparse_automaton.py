"""Counts -> automaton that stores only what was seen: memory for the distinct n-grams, not contexts x vocabulary.

Every context h has a run of the symbols c that followed it, with p(c | h) and the context that c leads to, and a factor
for all others: p(c | h) = back_off(h) p(c | h'), h' being h without its oldest symbol (the layout of ARPA files, Katz
1987). Without any context unseen symbols have one probability. Where no sequence was empty, the start has a run of all
symbols that were seen anywhere, because p(c | h') must be divided there by what is left without the end.

Smoothed distributions are mixtures, p(c | h) = mass(c | h) + back_mass(h) p(c | h'): so they are drawn from, too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...runtime.memory import check_memory
from .counts import Counts, Layout, allows_empty
from .levels import Contexts, cells_of, without_oldest
from .smoothing import Smoothing, discount_of, rest_of

Array = npt.NDArray[Any]
MAX_CONTEXTS = 2**32 - 2
NONE = 2**32 - 1  # the suffix of a context that unseen symbols do not back off from


class SparseAutomaton(NamedTuple):
    """States are the contexts, level by level; cells first[s] : first[s + 1] are what followed s, by symbol."""

    first: Array  # int64 (states + 1,)
    symbols: Array  # uint16 (cells,)
    successor: Array  # uint32 (cells,)
    probabilities: Array  # float64 (cells,)
    masses: Array  # float64 (cells,): their part that is not backed off
    suffix: Array  # uint32 (states,)
    back_off: Array  # float64 (states,): factor, or the probability of each unseen symbol where suffix is NONE
    back_masses: Array  # float64 (states,)
    complete: Array  # bool (states,)
    root: int
    start: int


class Grams(NamedTuple):
    """What followed the contexts of one length k, sorted by context, then symbol."""

    keys: Array  # uint64: key of the context and the symbol, as one number
    rows: Array  # int64: of the contexts
    counts: Array  # int64
    continuations: Array  # int64: in how many contexts longer by one symbol
    lower: Array  # int64: place, in the level below, of the gram without its oldest symbol


class Smoothed(NamedTuple):
    """Distributions of the contexts of one length."""

    probabilities: Array  # (grams,)
    masses: Array  # (grams,)
    back_off: Array  # (contexts,)


def build_sparse(
    levels: list[Contexts], counts: Counts, layout: Layout, smoothing: Smoothing, alpha: float
) -> SparseAutomaton:
    """The automaton of a chain; ValueError where contexts are missing, as in a damaged file."""
    n = sum(len(level.keys) for level in levels)
    if n > MAX_CONTEXTS:
        raise ValueError(f"{n} contexts are too many: use a lower order")
    check_memory(100 * len(counts.symbols) * (layout.order + 1), f"tables of {n} contexts (a lower order needs less)")
    grams = _grams(levels, counts, layout)
    start = _start(levels, layout)
    successors = _successors(grams, levels, layout)
    smoothed: list[Smoothed] = []
    for k, level in enumerate(levels):
        lower = np.full(len(grams[0].keys), 1.0 / layout.allowed)
        if k:
            lower = smoothed[k - 1].probabilities[grams[k].lower]
        smoothed.append(_smoothed(grams[k], level, lower, layout, smoothing, alpha))
    parts = [_part(*of) for of in zip(grams, levels, smoothed, successors, strict=True)]
    ends_later = layout.n_vars is None and not allows_empty(counts, layout)
    if ends_later:
        row = start - levels[1].first
        run = _start_run(grams, smoothed, successors, row, layout, smoothing, alpha)
        parts[1] = _with_run(parts[1], row, run)
    return _joined(parts, levels, layout, start if ends_later else None, start)


def _start(levels: list[Contexts], layout: Layout) -> int:
    """State of the start of a sequence."""
    if layout.position_dependent:
        return 0
    row = int(np.searchsorted(levels[1].keys, np.uint64(layout.n_states)))
    if row == len(levels[1].keys) or int(levels[1].keys[row]) != layout.n_states:
        raise ValueError("contexts must include the start of a sequence")
    return levels[1].first + row


# --- what was seen ---


def _grams(levels: list[Contexts], counts: Counts, layout: Layout) -> list[Grams]:
    """From the longest contexts down: what followed a context followed its suffixes, too."""
    bits = np.uint64(layout.bits)
    found: list[Grams] = []
    longer: Grams | None = None
    for k in range(layout.order, -1, -1):
        cells, rows = cells_of(levels[k], counts)
        keys = levels[k].keys[rows] << bits | counts.symbols[cells]
        numbers = counts.counts[cells]
        n_own = len(keys)
        if longer is not None:
            keys = np.concatenate([keys, without_oldest(longer.keys, layout.base ** (k + 2), layout.base ** (k + 1))])
            numbers = np.concatenate([numbers, longer.counts])
        keys, place = np.unique(keys, return_inverse=True)
        sums = np.zeros(len(keys), np.int64)
        np.add.at(sums, place, numbers)
        if longer is not None:
            found.append(longer._replace(lower=place[n_own:]))
        continuations = np.bincount(place[n_own:], minlength=len(keys))
        rows = np.searchsorted(levels[k].keys, keys >> bits)
        longer = Grams(keys, rows, sums, continuations, np.empty(0, np.int64))
    assert longer is not None
    return [longer, *reversed(found)]


def _successors(grams: list[Grams], levels: list[Contexts], layout: Layout) -> list[Array]:
    """The state of the longest known suffix of context + symbol, for what was seen."""
    n_roots = len(levels[0].keys)
    following = grams[0].rows + layout.position_dependent
    states = [np.where(following < n_roots, following, 0)]
    for k, own in enumerate(grams):
        if k:
            states.append(states[k - 1][own.lower])
        if k < layout.order:
            longer = levels[k + 1]
            led_to = own.keys + np.uint64(layout.base ** (k + 1) * layout.position_dependent)
            place = np.minimum(np.searchsorted(longer.keys, led_to), max(0, len(longer.keys) - 1))
            known = longer.keys[place] == led_to if len(longer.keys) else np.zeros(len(led_to), bool)
            states[k][known] = longer.first + place[known]
            _check_reached(longer.keys, place[known], k + 1, layout)
    return states


def _check_reached(keys: Array, places: Array, length: int, layout: Layout) -> None:
    reached = np.zeros(len(keys), bool)
    reached[places] = True
    if length == 1 and not layout.position_dependent:
        reached |= keys == np.uint64(layout.n_states)  # the start
    if not reached.all():
        raise ValueError(f"a context of {length} symbols is known, but not how a sequence leads to it")


# --- smoothing ---


def _smoothed(
    grams: Grams, level: Contexts, lower: Array, layout: Layout, smoothing: Smoothing, alpha: float
) -> Smoothed:
    n = len(level.keys)
    kinds = np.bincount(grams.rows, minlength=n)
    if smoothing == "add-alpha":
        total = _sums(grams.counts, grams.rows, n) + alpha * layout.allowed
        back = np.where(level.complete, alpha * layout.allowed / total, 1.0)
        masses = np.where(level.complete[grams.rows], grams.counts / total[grams.rows], 0.0)
        return Smoothed(masses + back[grams.rows] / layout.allowed, masses, back)
    if smoothing == "witten-bell":
        total = _sums(grams.counts, grams.rows, n) + kinds
        return _mixed(grams.counts / total[grams.rows], kinds / total, lower, grams.rows)
    used = np.where(level.complete[grams.rows], grams.counts, grams.continuations)
    total = _sums(used, grams.rows, n)
    discount = discount_of(used)
    return _mixed(np.maximum(used - discount, 0.0) / total[grams.rows], discount * kinds / total, lower, grams.rows)


def _sums(counts: Array, rows: Array, n: int) -> Array:
    sums = np.zeros(n, np.int64)
    np.add.at(sums, rows, counts)
    return sums


def _mixed(masses: Array, back: Array, lower: Array, rows: Array) -> Smoothed:
    return Smoothed(masses + back[rows] * lower, masses, back)


# --- runs of all states ---


class Runs(NamedTuple):
    """The runs of the contexts of one length."""

    lengths: Array  # int64 (contexts,)
    symbols: Array
    successor: Array
    probabilities: Array
    masses: Array
    back_off: Array  # (contexts,)
    back_masses: Array


class Run(NamedTuple):
    """That of a single context, from which unseen symbols do not back off: they have probability ``unseen``."""

    symbols: Array
    successor: Array
    probabilities: Array
    masses: Array
    unseen: float
    back_mass: float


def _part(grams: Grams, level: Contexts, smoothed: Smoothed, successor: Array) -> Runs:
    lengths = np.bincount(grams.rows, minlength=len(level.keys))
    return Runs(lengths, grams.keys, successor, *smoothed, smoothed.back_off)


def _start_run(
    grams: list[Grams],
    smoothed: list[Smoothed],
    successors: list[Array],
    row: int,
    layout: Layout,
    smoothing: Smoothing,
    alpha: float,
) -> Run:
    """No sequence was empty: the end has probability 0 here, all others what they would share with it."""
    own = np.flatnonzero(grams[1].rows == row)
    symbols, successor = grams[0].keys.astype(np.int64), successors[0].copy()
    if not len(symbols) or symbols[-1] != layout.n_states:
        raise ValueError("sequences must end, but the end symbol was never seen")
    places = grams[1].lower[own]
    successor[places] = successors[1][own]
    masses = np.zeros(len(symbols))
    if smoothing == "add-alpha":
        total = grams[1].counts[own].sum() + alpha * layout.n_states
        masses[places] = grams[1].counts[own] / total
        unseen = alpha / total
        backed_off = np.full(len(symbols), unseen)
    else:
        masses[places] = smoothed[1].masses[own]
        factor = float(smoothed[1].back_off[row]) / rest_of(float(smoothed[0].probabilities[-1]))
        unseen = factor * float(smoothed[0].back_off[0]) / layout.allowed
        backed_off = factor * smoothed[0].probabilities
    backed_off[-1] = 0.0
    masses += np.maximum(backed_off - unseen, 0.0)
    probabilities = masses + np.minimum(backed_off, unseen)
    return Run(symbols, successor, probabilities, masses, unseen, unseen * layout.n_states)


def _with_run(part: Runs, row: int, run: Run) -> Runs:
    """The run of one context replaced."""
    end = int(part.lengths[: row + 1].sum())
    begin = end - int(part.lengths[row])

    def replaced(old: Array, new: Array) -> Array:
        return np.concatenate([old[:begin], new.astype(old.dtype), old[end:]])

    lengths, back_off, back_masses = part.lengths.copy(), part.back_off.copy(), part.back_masses.copy()
    lengths[row], back_off[row], back_masses[row] = len(run.symbols), run.unseen, run.back_mass
    return Runs(
        lengths,
        replaced(part.symbols, run.symbols),
        replaced(part.successor, run.successor),
        replaced(part.probabilities, run.probabilities),
        replaced(part.masses, run.masses),
        back_off,
        back_masses,
    )


def _joined(
    parts: list[Runs], levels: list[Contexts], layout: Layout, alone: int | None, start: int
) -> SparseAutomaton:
    """All runs as one; ``alone`` is the state that does not back off, if there is one."""
    lengths, symbols, successor, probabilities, masses, back_off, back_masses = (
        np.concatenate(columns) for columns in zip(*parts, strict=True)
    )
    n_roots = len(levels[0].keys)
    below = [np.full(n_roots, NONE), *(levels[k].first + levels[k + 1].suffix for k in range(layout.order))]
    suffix = np.concatenate(below).astype(np.uint32)
    back_off[:n_roots] /= layout.allowed
    if alone is not None:
        suffix[alone] = NONE
    full = lengths == layout.allowed  # nothing is left to back off to
    return SparseAutomaton(
        first=np.append(0, lengths.cumsum()),
        symbols=(symbols & np.uint64(layout.base - 1)).astype(np.uint16),
        successor=successor.astype(np.uint32),
        probabilities=probabilities,
        masses=np.where(np.repeat(full, lengths), probabilities, masses),
        suffix=suffix,
        back_off=back_off,
        back_masses=np.where(full, 0.0, back_masses),
        complete=np.concatenate([level.complete for level in levels]),
        root=0,
        start=start,
    )
