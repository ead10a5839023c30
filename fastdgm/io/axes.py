"""Which way round a flat table is written: what the sums of its rows say, and the other tables of its file.

A file may list the entries of a table with the child changing fastest, or slowest. Rows that sum to 1 one way
and not the other decide. Where both ways sum to 1 and give different tables, nothing in that table decides:
but one program wrote the whole file in one way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from ..conditionals.table import EXACT_TOLERANCE, LOUD_TOLERANCE
from .draft import Draft, Family
from .text import Array

Child = Literal["fastest", "slowest"]


class FlatTable(NamedTuple):
    """The entries of one table as they stand in the file, and which way of reading them gives rows that sum to 1.

    Where the child changes slowest the parents stand in the order listed, or with ``reversed_parents`` in the
    reverse order: then all axes are reversed.
    """

    family: Family
    values: Array
    reversed_parents: bool
    fastest_fits: bool
    slowest_fits: bool

    @property
    def decision(self) -> Child | None:
        """Which way the child changes, where only one way sums to 1."""
        if self.fastest_fits == self.slowest_fits:
            return None
        return "fastest" if self.fastest_fits else "slowest"

    @property
    def is_ambiguous(self) -> bool:
        """Both ways sum to 1, and they give different tables."""
        if self.family.n_rows == 1 or not (self.fastest_fits and self.slowest_fits):
            return False
        return not np.allclose(self._table("fastest"), self._table("slowest"), rtol=0.0, atol=EXACT_TOLERANCE)

    def entries(self, child: Child) -> Array:
        """The entries in our order, the child fastest, if in the file the child changes ``child``."""
        return self._table(child).reshape(-1)

    def _table(self, child: Child) -> Array:
        shape = self.family.shape
        if child == "fastest":
            return self.values.reshape(shape)
        if self.reversed_parents:
            return self.values.reshape(shape[::-1]).T
        return np.moveaxis(self.values.reshape(shape[-1:] + shape[:-1]), 0, -1)


def flat_table(family: Family, values: Array, tolerance: float, reversed_parents: bool = False) -> FlatTable:
    """The table whose ``n_rows * n_states`` entries stand in the file as ``values`` has them.

    Rows that are off by up to ``tolerance`` decide only where no way gives rows that are closer to 1.
    """
    if family.n_rows == 1:
        return FlatTable(family, values, reversed_parents, fastest_fits=True, slowest_fits=True)
    fastest = _worst(values.reshape(family.n_rows, family.n_states))
    slowest = _worst(values.reshape(family.n_states, family.n_rows).T)
    limit = LOUD_TOLERANCE if min(fastest, slowest) <= LOUD_TOLERANCE else tolerance + EXACT_TOLERANCE
    return FlatTable(family, values, reversed_parents, fastest <= limit, slowest <= limit)


def decisions(tables: Iterable[FlatTable]) -> set[Child]:
    """What the tables of a file decide: nothing, one way, or both where they contradict each other."""
    return {table.decision for table in tables if table.decision is not None}


def first_parent_fastest(family: Family, values: Array) -> Array:
    """The entries in our order, where in the file the child changes fastest, then the first parent, as aGrUM has it."""
    parents = family.shape[:-1]
    table = values.reshape(parents[::-1] + family.shape[-1:])
    return table.transpose(*reversed(range(len(parents))), len(parents)).reshape(-1)


def add_flat_tables(draft: Draft, tables: Sequence[FlatTable], advice: str) -> None:
    """Give a draft the tables of a file, now that all of them have been seen: each as its rows, or the others, say.

    Raises
    ------
    FormatError : rows that sum to 1 neither way, or both ways where nothing decides; ``advice`` ends that message.
    """
    votes = decisions(tables)
    for table in tables:
        child, position = table.family.child, table.family.position
        if not table.fastest_fits and not table.slowest_fits:
            raise draft.source.error(
                f"every row of a table sums to 1, those of the flat table of {child!r} do so neither "
                f"with the child changing fastest nor with the child changing slowest",
                position,
            )
        if table.is_ambiguous and len(votes) != 1:
            raise draft.source.error(
                f"the flat table of {child!r} is ambiguous: its rows sum to 1 whether the child changes fastest or "
                f"slowest{advice}",
                position,
            )
        slowest = not table.fastest_fits or (table.is_ambiguous and votes == {"slowest"})
        draft.add_table(table.family, table.entries("slowest" if slowest else "fastest"))


def _worst(rows: Array) -> float:
    """How far the worst row is off from summing to 1; NaN where one is no distribution at all."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.abs(rows.sum(axis=1) - 1.0).max()) if rows.min() >= 0.0 else np.nan
