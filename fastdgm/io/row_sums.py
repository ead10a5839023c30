"""Rows that are printed with few digits: divided by their sum, and named in one warning for all tables of a network."""

from __future__ import annotations

import warnings

import numpy as np

from ..conditionals.table import EXACT_TOLERANCE, QUIET_TOLERANCE, RowSumError
from ..runtime.text import shortened
from .text import Array

TOLERANCE = 1e-2  # 0.33 three times, 0.0167 sixty times: two or three digits, as people type them
_NAMED = 20
_NAME_CHARACTERS = 60


class RowSums:
    """Does for a whole network what CPT does with a warning per table.

    Rows are accepted if they are off by at most ``tolerance`` from summing to 1 (0.01 by default); those that are off
    by more than 1e-6 are named in the warning.
    """

    def __init__(self, tolerance: float | None = None) -> None:
        self.tolerance = TOLERANCE if tolerance is None else checked_tolerance(tolerance)
        self.limit = self.tolerance + EXACT_TOLERANCE  # sums are rounded too: 0.33 three times is 0.99 - 1e-17
        self._divided: list[str] = []

    def divide(self, name: str, table: Array) -> None:
        """Divide, in place, the rows of ``(..., n_states)`` that are off enough to matter, and not too far.

        Raises
        ------
        RowSumError : a row is off by more than the tolerance. What has a negative or infinite entry is left to CPT.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # what is no distribution is refused by CPT
            sums = table.sum(axis=-1)
            off = np.abs(sums - 1.0)
        if off.max() > self.limit and table.min() >= 0.0 and table.max() < np.inf:
            row = tuple(int(i) for i in np.unravel_index(np.argmax(off), off.shape))
            at = f" at parent states {list(row)}" if row else ""
            raise RowSumError(f"every row of a table sums to 1, got {float(sums[row]):.10g}{at}", row)
        divide = (off > QUIET_TOLERANCE) & (off <= self.limit) & (sums > 0.0)
        if divide.any():
            table[divide] /= sums[divide][..., None]
            self._divided.append(f"{_named(name)} ({divide.sum()} rows, worst {off[divide].max():.1e})")

    def notes(self) -> list[str]:
        """What was done to the tables, one sentence for each kind of change; empty if none was changed."""
        if not self._divided:
            return []
        return [
            f"rows of {len(self._divided)} tables are off by more than {QUIET_TOLERANCE:g} from summing to 1 "
            f"and were divided by their sum: {_listed(self._divided)}"
        ]

    def warn(self, source: str, stacklevel: int) -> None:
        """Warn if any table was changed; ``stacklevel`` counts from the caller of this method."""
        warn_once(source, self.notes(), stacklevel + 1)


def warn_once(source: str, notes: list[str], stacklevel: int) -> None:
    """One warning for all that is to be said about a network, if anything is."""
    if notes:
        warnings.warn(f"{source}: {'; '.join(notes)}", UserWarning, stacklevel=stacklevel + 1)


def checked_tolerance(tolerance: float) -> float:
    """How far a row may be off, as a float; ValueError unless it is a number from 0 on."""
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float | np.number) or not tolerance >= 0:
        raise ValueError(f"tolerance= is a number from 0 on, how far a row may be off 1, got {tolerance!r}")
    return float(tolerance)


def _named(name: str) -> str:
    return shortened(repr(name), _NAME_CHARACTERS)


def _listed(items: list[str]) -> str:
    more = len(items) - _NAMED
    return ", ".join(items[:_NAMED]) + (f", and {more} more" if more > 0 else "")
