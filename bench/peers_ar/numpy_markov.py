"""A Markov chain in NumPy: one dense table over all contexts."""

from __future__ import annotations

import numpy as np


class NumpyMarkov:
    """Add-one smoothed tables (n_states ** order, n_states) of one long sequence of codes."""

    def __init__(self, codes: np.ndarray, n_states: int, order: int) -> None:
        self.codes, self.n_states, self.order = codes, n_states, order
        counts = self.count().reshape(-1, n_states) + 1.0
        probabilities = counts / counts.sum(axis=1, keepdims=True)
        self.log_table = np.log(probabilities).ravel()
        self.cumulative = probabilities.cumsum(axis=1)[:, :-1].astype(np.float32)

    def _index(self) -> np.ndarray:
        n = len(self.codes) - self.order
        index = self.codes[:n].astype(np.int64)
        for k in range(1, self.order + 1):
            index *= self.n_states
            index += self.codes[k : k + n]
        return index

    def count(self) -> np.ndarray:
        """How often each symbol followed each context, flat."""
        return np.bincount(self._index(), minlength=self.n_states ** (self.order + 1))

    def log_prob(self) -> float:
        """Of the sequence, but for its first symbols."""
        return float(self.log_table.take(self._index()).sum())

    def sample(self, n: int, length: int) -> np.ndarray:
        """(length, n) codes, all rows at once, from the context of zeros."""
        random = np.random.default_rng(1)
        out = np.empty((length, n), np.uint8)
        context = np.zeros(n, np.int64)
        for row in out:
            row[:] = (random.random(n, np.float32)[:, None] >= self.cumulative[context]).sum(axis=1)
            context = context % self.n_states ** (self.order - 1) * self.n_states + row
        return out
