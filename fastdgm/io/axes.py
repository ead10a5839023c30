"""Which way round a flat table is written: what the sums of its rows say, and the other tables of its file.

A file may list the entries of a table with the child changing fastest, or slowest. Rows that sum to 1 one way
and not the other decide. Where both ways sum to 1 and give different tables, nothing in that table decides:
but one program wrote the whole file in one way. With few digits a sum is off by what was rounded away: 0.99 beside
1.00 decides nothing, as 0.995123 beside 1.000000 does.
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

    Rows may be off by up to ``tolerance``; but where one way is off by no more than the rounding of its entries
    explains, another one that is off by more than that is none.
    """
    if family.n_rows == 1:
        return FlatTable(family, values, reversed_parents, fastest_fits=True, slowest_fits=True)
    fastest = _worst(values.reshape(family.n_rows, family.n_states))
    slowest = _worst(values.reshape(family.n_states, family.n_rows).T)
    rounded = min(max(family.n_states * _last_digit(values), LOUD_TOLERANCE), tolerance) + EXACT_TOLERANCE
    limit = rounded if min(fastest, slowest) <= rounded else tolerance + EXACT_TOLERANCE
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
    FormatError : rows that sum to 1 neither way, or both ways where nothing decides, or only the one way in one
        table and the other way in another; ``advice`` ends the last two messages.
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
        if len(votes) > 1 and table.decision == "slowest":
            other = next(table.family.child for table in tables if table.decision == "fastest")
            raise draft.source.error(
                f"the rows of the flat table of {child!r} sum to 1 only with the child changing slowest, those of "
                f"{other!r} only with the child changing fastest{advice}",
                position,
            )
        draft.add_table(table.family, table.entries("slowest" if votes == {"slowest"} else "fastest"))


def _last_digit(values: Array) -> float:
    """The value of one in the last digit that any of the entries has, at least 1e-7."""
    with np.errstate(over="ignore", invalid="ignore"):
        for digits in range(1, 7):
            if np.allclose(values, values.round(digits), rtol=0.0, atol=EXACT_TOLERANCE):
                return float(10.0**-digits)
    return 1e-7


def _worst(rows: Array) -> float:
    """How far the worst row is off from summing to 1; NaN where one is no distribution at all."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.abs(rows.sum(axis=1) - 1.0).max()) if rows.min() >= 0.0 else np.nan
