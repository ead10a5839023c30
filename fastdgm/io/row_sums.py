"""Rows that are printed with few digits: divided by their sum, and named in one warning for all tables of a network."""

from __future__ import annotations

import warnings

import numpy as np

from ..conditionals.table import LOUD_TOLERANCE, QUIET_TOLERANCE
from .text import Array


class RowSums:
    """Does for a whole network what CPT does with a warning per table."""

    def __init__(self) -> None:
        self._divided: list[str] = []

    def divide(self, name: str, rows: Array) -> None:
        """Divide, in place, the rows of ``(n_rows, n_states)`` that are far enough off 1 and not too far."""
        with np.errstate(over="ignore", invalid="ignore"):  # what is no distribution is refused by CPT
            sums = rows.sum(axis=1)
            off = np.abs(sums - 1.0)
        divide = (off > QUIET_TOLERANCE) & (off <= LOUD_TOLERANCE)
        if divide.any():
            rows[divide] /= sums[divide, None]
            self._divided.append(f"{name!r} ({divide.sum()} rows, worst {off[divide].max():.1e})")

    def warn(self, source: str, stacklevel: int) -> None:
        """Warn if any table had such rows; ``stacklevel`` counts from the caller of this method."""
        if self._divided:
            shown = ", ".join(self._divided[:5]) + (", ..." if len(self._divided) > 5 else "")
            warnings.warn(
                f"{source}: rows of {len(self._divided)} tables are off by more than {QUIET_TOLERANCE:g} from "
                f"summing to 1 and were divided by their sum: {shown}",
                UserWarning,
                stacklevel=stacklevel + 1,
            )
