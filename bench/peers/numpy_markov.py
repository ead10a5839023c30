"""A Markov chain in NumPy: one dense table over all contexts."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .base import Peer

ORDER = 3


class NumpyMarkov(Peer):
    """Add-one smoothed tables (n_states ** order, n_states) of one long sequence of codes."""

    library, label = "numpy", "NumPy"
    native = "uint8 codes"

    def open(self) -> None:
        self.codes = self.rows.ravel()
        self.n_states = int(self.codes.max()) + 1
        probabilities = self.fit()
        self.log_table = np.log(probabilities).ravel()
        self.cumulative = probabilities.cumsum(axis=1)[:, :-1].astype(np.float32)

    def _index(self) -> np.ndarray:
        n = len(self.codes) - ORDER
        index = self.codes[:n].astype(np.int64)
        for k in range(1, ORDER + 1):
            index *= self.n_states
            index += self.codes[k : k + n]
        return index

    def fit(self) -> np.ndarray:
        """How often each symbol followed each context, plus one, over the sum."""
        counts = np.bincount(self._index(), minlength=self.n_states ** (ORDER + 1)).reshape(-1, self.n_states) + 1.0
        return counts / counts.sum(axis=1, keepdims=True)


class NumpyMarkovText(NumpyMarkov):
    """Scoring and learning of one sequence."""

    note = "dense table; one sequence without start and end"

    def log_prob(self) -> float:
        """Of the sequence, but for its first symbols."""
        return float(self.log_table.take(self._index()).sum())

    operations: ClassVar = {"log_prob": log_prob, "fit": NumpyMarkov.fit}


class NumpyMarkovRows(NumpyMarkov):
    """Drawing of rows."""

    max_rounds: ClassVar = {"sample": 3}

    def sample(self) -> np.ndarray:
        """(length, n) codes, all rows at once, from the context of zeros."""
        random = np.random.default_rng(1)
        out = np.empty((self.rows.shape[1], self.n_rows), np.uint8)
        context = np.zeros(self.n_rows, np.int64)
        for row in out:
            row[:] = (random.random(self.n_rows, np.float32)[:, None] >= self.cumulative[context]).sum(axis=1)
            context = context % self.n_states ** (ORDER - 1) * self.n_states + row
        return out

    operations: ClassVar = {"sample": sample}
