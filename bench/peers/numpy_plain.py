"""What a NumPy user writes: one column at a time, tables indexed by the columns of the family."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .base import Family, Peer, families


class NumpyPlain(Peer):
    """NumPy, column at a time."""

    library, label = "numpy", "NumPy, column at a time"
    native = "uint8 codes by column"
    max_cells: ClassVar = {"sample": 40_000_000}

    def open(self) -> None:
        self.block = np.ascontiguousarray(self.rows.block)
        self.families = families(self.model)
        self.tables = [self.model[name].table for name in self.model.order]
        with np.errstate(divide="ignore"):
            self.log_tables = [np.log(table) for table in self.tables]
        self.random = np.random.default_rng(1)

    def sample(self) -> np.ndarray:
        block = np.empty((len(self.families), self.n_rows), np.uint8)
        for family, table in zip(self.families, self.tables, strict=True):
            thresholds = np.cumsum(table, axis=-1)[..., :-1]
            own = thresholds[tuple(block[parent] for parent in family.parents)]
            uniform = self.random.random(self.n_rows)
            block[family.column] = (uniform[:, None] >= own).sum(axis=1)
        return block

    def log_prob(self) -> np.ndarray:
        total = np.zeros(self.n_rows)
        for family, log_table in zip(self.families, self.log_tables, strict=True):
            total += log_table[self._columns(family)]
        return total

    def fit(self) -> list[np.ndarray]:
        fitted = []
        for family, table in zip(self.families, self.tables, strict=True):
            joint = np.ravel_multi_index(self._columns(family), table.shape)
            counts = np.bincount(joint, minlength=table.size).reshape(table.shape)
            sums = counts.sum(axis=-1, keepdims=True)
            uniform = np.full(table.shape, 1.0 / table.shape[-1])
            fitted.append(np.divide(counts, sums, out=uniform, where=sums > 0))
        return fitted

    def _columns(self, family: Family) -> tuple[np.ndarray, ...]:
        return tuple(self.block[column] for column in (*family.parents, family.column))

    operations: ClassVar = {"sample": sample, "log_prob": log_prob, "fit": fit}
