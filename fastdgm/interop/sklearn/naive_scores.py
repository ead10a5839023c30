"""log p(class, row) of naive Bayes for many rows, by array operations on pieces that stay in cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]
PIECE = 1 << 18  # bytes of the numbers that are looked at together, which L2 holds a few times
SMALLEST = 1e-300  # variance of a feature that is constant, at which rows that are so have a density


class Scores:
    """What is added up over the features of a row."""

    def __init__(
        self, prior: Numbers, tables: Mapping[str, Numbers], gaussian: Sequence[str], means: Numbers, variances: Numbers
    ) -> None:
        """``prior`` (k,) and ``tables`` (k, n_states) are logarithms, ``means`` and ``variances`` (k, n_gaussian)."""
        self._prior = prior
        self._tables = {name: np.vstack([own.T, np.zeros(len(prior))]) for name, own in tables.items()}  # -1: missing
        self._gaussian = list(gaussian)
        self._means = means
        variances = np.maximum(variances, SMALLEST)
        self._inverse = 1 / np.sqrt(variances)
        self._constants = 0.5 * np.log(2 * np.pi * variances)

    def __call__(self, columns: Mapping[str, Array]) -> Numbers:
        """log p(class, row) (n, k) of codes, -1 where missing, and of numbers with NaN."""
        n = len(next(iter(columns.values())))
        out = np.tile(self._prior, (n, 1))
        binary = [name for name in self._tables if self._is_linear(name, columns[name])]
        others = [name for name in self._tables if name not in set(binary)]
        step = max(256, PIECE // (8 * len(columns)))
        for begin in range(0, n, step):
            part = out[begin : begin + step]
            piece = {name: column[begin : begin + step] for name, column in columns.items()}
            if binary:
                self._add_linear([piece[name] for name in binary], binary, part)
            for name in others:
                codes = piece[name]
                part += self._tables[name].take(codes.view(f"u{codes.itemsize}"), axis=0, mode="clip")  # -1: the last
            if self._gaussian:
                self._add_gaussian([piece[name] for name in self._gaussian], part)
        return out

    def _is_linear(self, name: str, codes: Array) -> bool:
        """Whether a feature has two states, both possible, and no missing values: many such are a matrix product."""
        table = self._tables[name]
        return len(table) == 3 and bool(np.isfinite(table).all()) and codes.min() >= 0

    def _add_linear(self, codes: Sequence[Array], names: Sequence[str], out: Numbers) -> None:
        tables = np.stack([self._tables[name] for name in names])
        out += tables[:, 0].sum(axis=0)
        out += np.stack(codes, axis=1, dtype=np.float64) @ (tables[:, 1] - tables[:, 0])

    def _add_gaussian(self, columns: Sequence[Array], out: Numbers) -> None:
        piece = np.stack(columns)
        missing = np.isnan(piece)
        has_missing = missing.any()
        scratch = np.empty_like(piece)
        for k in range(out.shape[1]):
            np.subtract(piece, self._means[k][:, None], out=scratch)
            scratch *= self._inverse[k][:, None]
            if has_missing:
                scratch[missing] = 0.0
            out[:, k] -= 0.5 * np.einsum("ij,ij->j", scratch, scratch)
        out -= (~missing).T @ self._constants.T if has_missing else self._constants.sum(axis=1)
