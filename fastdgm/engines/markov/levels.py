"""The contexts of a Markov chain by length: every complete one, all its suffixes, and where each leads back to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .counts import Counts, Layout

Array = npt.NDArray[Any]


class Contexts(NamedTuple):
    """Contexts of one length k."""

    keys: Array  # uint64 (contexts,), ascending: position * base**k + the symbols as digits
    complete: Array  # bool (contexts,)
    suffix: Array  # int64: row, in the level below, of the context without its oldest symbol
    first: int  # state of row 0
    own: Array  # int64: which contexts of the counts these are, those that are complete
    own_rows: Array  # int64: their rows


def context_levels(counts: Counts, layout: Layout) -> list[Contexts]:
    """Lengths 0 to ``order``; ValueError for contexts, as in a damaged file, that no sequence leads to."""
    lengths = _lengths(counts.contexts, layout)
    levels: list[Contexts] = []
    longer: Contexts | None = None
    for k in range(layout.order, -1, -1):
        own = np.flatnonzero(lengths == k)
        own_keys = without_oldest(counts.contexts[own], layout.modulus, layout.base**k)
        suffixes = np.empty(0, np.uint64)
        if longer is not None:
            suffixes = without_oldest(longer.keys, layout.base ** (k + 1), layout.base**k)
        keys = np.unique(np.concatenate([own_keys, suffixes]))
        own_rows = np.searchsorted(keys, own_keys)
        complete = np.zeros(len(keys), bool)
        complete[own_rows] = True
        if longer is not None:
            levels.append(longer._replace(suffix=np.searchsorted(keys, suffixes)))
        longer = Contexts(keys, complete, np.empty(0, np.int64), 0, own, own_rows)
    assert longer is not None
    levels.append(longer)
    firsts = np.cumsum([0, *(len(level.keys) for level in reversed(levels))])
    levels = [level._replace(first=int(first)) for level, first in zip(reversed(levels), firsts, strict=False)]
    _check_roots(levels[0], layout)
    return levels


def cells_of(level: Contexts, counts: Counts) -> tuple[Array, Array]:
    """Which cells of the counts belong to a level's complete contexts, and the row of each."""
    row = np.full(len(counts.contexts), -1)
    row[level.own] = level.own_rows
    rows = np.repeat(row, np.diff(counts.starts))
    cells = np.flatnonzero(rows >= 0)
    return cells, rows[cells]


def without_oldest(keys: Array, modulus: int, shorter: int) -> Array:
    """Keys without their oldest symbols."""
    big, small = np.uint64(modulus), np.uint64(shorter)
    return keys // big * small + keys % small


def _check_roots(level: Contexts, layout: Layout) -> None:
    positions = layout.n_vars if layout.position_dependent and layout.n_vars else 1
    if len(level.keys) != positions or (level.keys != np.arange(positions, dtype=np.uint64)).any():
        raise ValueError(f"contexts must be known at all {positions} positions, got {len(level.keys)}")


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
