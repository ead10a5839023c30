"""Rows that are printed with few digits: divided by their sum, and named in one warning for all tables of a network."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from ..conditionals.table import EXACT_TOLERANCE, QUIET_TOLERANCE, RowSumError
from ..runtime.text import shortened
from .text import Array

TOLERANCE = 1e-2  # 0.33 three times, 0.0167 sixty times: two or three digits, as people type them
_SHARE_OF_COUNTS = 0.9  # of the rows of a table of counts do not sum to 1; some parents were seen once
_NAMED = 20
_NAME_CHARACTERS = 60


class RowSums:
    """Does for a whole network what CPT does with a warning per table.

    Rows are accepted if they are off by at most ``tolerance`` from summing to 1 (0.01 by default); those that are off
    by more than 1e-6 are named in the warning.
    """

    def __init__(self, tolerance: float | None = None) -> None:
        self.tolerance: float = TOLERANCE if tolerance is None else checked_tolerance(tolerance)
        self.limit: float = self.tolerance + EXACT_TOLERANCE  # sums are rounded too: 0.33 three times is 0.99 - 1e-17
        self._divided: list[str] = []
        self._weights: list[str] = []
        self._uniform: list[str] = []

    def divide(self, name: str, table: Array, weights: bool = False) -> None:
        """Divide, in place, the rows of ``(..., n_states)`` that are off enough to matter, and not too far.

        With ``weights`` a table of counts, or of other weights above 1, is divided however large its sums are, unless
        the tolerance is 0.

        Raises
        ------
        RowSumError : a row is off by more than the tolerance. What has a negative or infinite entry is left to CPT.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # what is no distribution is refused by CPT
            sums = table.sum(axis=-1)
            off = np.abs(sums - 1.0)
        if off.max() > self.limit and table.min() >= 0.0 and table.max() < np.inf:
            if weights and self.tolerance > 0.0 and _are_weights(table, off > self.limit):
                positive = (sums > 0.0) & (sums < np.inf)
                table[positive] /= sums[positive][..., None]
                self._weights.append(_named(name))
                return
            row = tuple(int(i) for i in np.unravel_index(np.argmax(off), off.shape))
            at = f" at parent states {list(row)}" if row else ""
            raise RowSumError(f"every row of a table sums to 1, got {float(sums[row]):.10g}{at}", row)
        divide = (off > QUIET_TOLERANCE) & (off <= self.limit) & (sums > 0.0)
        if divide.any():
            table[divide] /= sums[divide][..., None]
            self._divided.append(f"{_named(name)} ({divide.sum()} rows, worst {off[divide].max():.1e})")

    def note_uniform(self, name: str) -> None:
        """A table was left out and is uniform."""
        self._uniform.append(_named(name))

    def notes(self) -> list[str]:
        """What was done to the tables, one sentence for each kind of change; empty if none was changed."""
        off = f"rows of {len(self._divided)} tables are off by more than {QUIET_TOLERANCE:g} from summing to 1"
        sentences = {
            f"{off} and were divided by their sum": self._divided,
            "rows of counts or weights were divided by their sum": self._weights,
            "tables without data were read as uniform": self._uniform,
        }
        return [f"{sentence}: {_listed(names)}" for sentence, names in sentences.items() if names]

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


def _are_weights(table: Array, off: npt.NDArray[np.bool_]) -> bool:
    """Whether a table of which some rows are ``off`` holds weights, and not probabilities with a typing error.

    Whole numbers, at most a tenth of whose rows sum to 1 as those of a deterministic table do; or fractions of which
    no row sums to 1, and some row has two entries above 1.
    """
    if (table == np.floor(table)).all():
        return bool(off.mean() >= _SHARE_OF_COUNTS)
    return bool(off.all() and ((table > 1.0).sum(axis=-1) > 1).any())


def _named(name: str) -> str:
    return shortened(repr(name), _NAME_CHARACTERS)


def _listed(items: list[str]) -> str:
    more = len(items) - _NAMED
    return ", ".join(items[:_NAMED]) + (f", and {more} more" if more > 0 else "")
