"""Networks of normal variables in NumPy: parameters by configuration, and one Gram matrix for all regressions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

import fastdgm as fd

from .base import Peer
from .blas import BlasPeer


class NumpyConditional(Peer):
    """Column at a time: parameters are gathered by the numbers of the discrete parents' configurations."""

    library, label = "numpy", "NumPy, column at a time"
    native = "columns"
    max_rounds: ClassVar = {"sample": 3, "log_prob": 3}

    def open(self) -> None:
        self.columns = {name: np.ascontiguousarray(self.rows[name]) for name in self.model.names}
        self.dtype = self.rows.blocks.reals.dtype

    def log_prob(self) -> np.ndarray:
        """(n,) nats."""
        total = np.zeros(self.n_rows)
        for name in self.model.order:
            own = self.model[name]
            if isinstance(own, fd.CPT):
                total += np.log(own.table)[(*(self.columns[each] for each in own.parents), self.columns[name])]
                continue
            mean, std = self._normal(own, self.columns)
            total -= 0.5 * ((self.columns[name] - mean) / std) ** 2 + np.log(std) + 0.5 * math.log(2 * math.pi)
        return total

    def sample(self) -> dict[str, np.ndarray]:
        """Columns by name."""
        random = np.random.default_rng(1)
        drawn: dict[str, np.ndarray] = {}
        for name in self.model.order:
            own = self.model[name]
            if isinstance(own, fd.CPT):
                sums = own.table.cumsum(axis=-1)[..., :-1][tuple(drawn[each] for each in own.parents)]
                drawn[name] = (random.random((self.n_rows, 1), np.float32) >= sums).sum(axis=1).astype(np.uint8)
                continue
            mean, std = self._normal(own, drawn)
            drawn[name] = random.standard_normal(self.n_rows, self.dtype) * std + mean
        return drawn

    def _normal(self, own: fd.LinearGaussian, values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of every row, or one of all."""
        at = tuple(values[each] for each in own.discrete_parents)
        kept = (own.intercept, own.coefficients, own.std)
        intercept, coefficients, std = (array.astype(self.dtype)[at] for array in kept)
        mean = intercept
        for number, parent in enumerate(own.real_parents):
            mean = mean + coefficients[..., number] * values[parent]
        return mean, std

    operations: ClassVar = {"sample": sample, "log_prob": log_prob}


class NumpyGram(BlasPeer):
    """All regressions from one Gram matrix of the centred columns, by BLAS."""

    library, label = "numpy-gram", "NumPy, one Gram matrix"
    native = "columns"
    max_rounds: ClassVar = {"fit": 5}

    def fit(self) -> dict[str, tuple[np.ndarray, float, float]]:
        """Coefficients, intercept and standard deviation by name."""
        columns = self.rows.block
        means = columns.mean(axis=1, dtype=np.float64)
        centred = columns - means[:, np.newaxis].astype(columns.dtype)
        gram = (centred @ centred.T).astype(np.float64) / self.n_rows
        found = {}
        position = {name: number for number, name in enumerate(self.model.names)}
        for name, v in position.items():
            parents = [position[each] for each in self.model[name].parents]
            coefficients = np.linalg.solve(gram[np.ix_(parents, parents)], gram[parents, v])
            variance = gram[v, v] - coefficients @ gram[parents, v]
            found[name] = (coefficients, means[v] - coefficients @ means[parents], math.sqrt(variance))
        return found

    operations: ClassVar = {"fit": fit}
