"""What the log-probabilities of a file say in a few lines."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Place = Callable[[int], tuple[str, int]]


class ScoreSummary:
    """Mean, impossible rows and the ``n_worst`` least likely rows of scores that arrive in chunks.

    Examples
    --------
    >>> summary = ScoreSummary(n_worst=1)
    >>> summary.add(np.log([0.25, 0.5]))
    >>> summary.add(np.log([0.125]))
    >>> print(summary.text(n_vars=2))
    rows              3
    mean log_prob     -1.3863 nats, 1.0000 bits per variable
    worst rows        counted from 0
      row 2           -2.0794 nats
    """

    def __init__(self, n_worst: int) -> None:
        self.n_rows: int = 0
        self.n_impossible: int = 0
        self.n_missing: int = 0  # values
        self.total: float = 0.0  # of the possible rows
        self._n_worst = n_worst
        self._rows = np.empty(0, np.int64)
        self._scores = np.empty(0)

    def add(self, scores: npt.NDArray[np.float64], n_missing: int = 0) -> None:
        """Take in the next rows, of which so many values were missing."""
        possible = scores > -np.inf
        self.total += float(scores.sum(where=possible))
        self.n_impossible += len(scores) - int(possible.sum())
        rows = np.concatenate([self._rows, np.arange(self.n_rows, self.n_rows + len(scores))])
        candidates = np.concatenate([self._scores, scores])
        worst = np.argsort(candidates, kind="stable")[: self._n_worst]
        self._rows, self._scores = rows[worst], candidates[worst]
        self.n_rows += len(scores)
        self.n_missing += n_missing

    def text(self, n_vars: int | None, place: Place | None = None, n_cells: int | None = None) -> str:
        """The figures, aligned, for rows of ``n_vars`` variables and ``n_cells`` values, or of any length.

        ``place`` says which of several inputs a row is in, and its number there.
        """
        lines = [("rows", str(self.n_rows))]
        n_possible = self.n_rows - self.n_impossible
        if self.n_missing:
            share = "" if n_cells is None else f" of {self.n_rows * n_cells}"
            lines.append(("missing values", f"{self.n_missing}{share}, summed out"))
        if self.n_impossible:
            lines.append(("impossible rows", f"{self.n_impossible} (log_prob -inf), not in the mean"))
        if n_possible:
            mean = self.total / n_possible
            bits = f", {-mean / math.log(2.0) / n_vars:.4f} bits per variable" if n_vars and not self.n_missing else ""
            lines.append(("mean log_prob", f"{mean:.4f} nats{bits}"))
        if len(self._rows):
            lines.append(("worst rows", "counted from 0" + (" in each input" if place else "")))
        for row, score in zip(self._rows.tolist(), self._scores.tolist(), strict=True):
            name, own_row = place(row) if place else ("", row)
            lines.append((f"  row {own_row}", f"{score:.4f} nats" + (f", {name}" if place else "")))
        return "\n".join(f"{what:<18}{value}" for what, value in lines)
