"""How often states of pgmpy's variables occur with each configuration of their parents, all families in one pass."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.blocks import ColumnBlock
from ...learning.counts import count_families
from ...runtime.arrays import code_type
from .pgmpy_columns import coded
from .replacement import NotOursError

Array = npt.NDArray[Any]
States = Mapping[Any, Sequence[Hashable]]
MAX_STATES = (1 << 16) - 1


def family_counts(parents: Mapping[Any, Sequence[Any]], data: Any, states: States, weights: Any) -> dict[Any, Array]:
    """Counts (k, configurations of the parents) of every variable, or sums of weights, one for each row.

    A row counts for a variable where it has values of it and of all its parents. Raises NotOursError, without a text,
    for what pgmpy refuses or has rules of its own for.
    """
    if not len(data) or not data.columns.is_unique:
        raise NotOursError
    sizes = {name: _size(data, name, states) for name in parents}
    block = np.empty((len(parents), len(data)), code_type(max(sizes.values()) + 1))
    for name, row in zip(parents, block, strict=True):
        row[:] = _codes(data[name], states[name])
    # A missing value is one more state, where there is any; its cells are left out.
    seen = [max(k, int(row.max()) + 1) for k, row in zip(sizes.values(), block, strict=True)]
    known = {name: tuple(map(str, range(size))) for name, size in zip(parents, seen, strict=True)}
    try:
        tables = count_families(parents, ColumnBlock(block.astype(code_type(max(seen)), copy=False), known), weights)
    except (MemoryError, TypeError, ValueError):  # a table too large, weights below 0 or not finite
        raise NotOursError from None
    families = zip(parents.items(), tables, strict=True)
    return {name: _known(table, [sizes[member] for member in (*own, name)]) for (name, own), table in families}


def _size(data: Any, name: Any, states: States) -> int:
    if name not in data.columns or not 0 < len(set(states.get(name, ()))) == len(states[name]) <= MAX_STATES:
        raise NotOursError
    return len(states[name])


def _codes(column: Any, states: Sequence[Hashable]) -> Array:
    own = coded(column)
    if _has_booleans(states) != _has_booleans(own.values):
        raise NotOursError  # unlike to Python, 1 is not True to pandas' indexes
    return own.places(states, missing=len(states))


def _has_booleans(values: Any) -> bool:
    return any(isinstance(value, (bool, np.bool_)) for value in values)


def _known(table: Array, sizes: Sequence[int]) -> Array:
    """The cells in which nothing is missing, with the variable, which is the last axis, first."""
    own = table[tuple(slice(size) for size in sizes)]
    return np.moveaxis(own, -1, 0).reshape(sizes[-1], -1)
