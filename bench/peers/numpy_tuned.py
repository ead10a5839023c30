"""As fast as we can make plain NumPy: flat tables, ``take`` with intp indices, one threshold at a time."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .base import Family, Peer, families


class NumpyTuned(Peer):
    """NumPy, tuned by hand."""

    library, label = "numpy-tuned", "NumPy, tuned"
    native = "uint8 codes by column"

    def open(self) -> None:
        self.block = np.ascontiguousarray(self.rows.block)
        self.families = families(self.model)
        self.thresholds = [np.cumsum(family.table, axis=1).T[:-1].copy() for family in self.families]
        with np.errstate(divide="ignore"):
            self.log_tables = [np.log(family.table).ravel() for family in self.families]
        self.random = np.random.default_rng(1)

    def sample(self) -> np.ndarray:
        block = np.empty((len(self.families), self.n_rows), np.uint8)
        for family, thresholds in zip(self.families, self.thresholds, strict=True):
            uniform = self.random.random(self.n_rows)
            code = block[family.column]
            code[:] = 0
            index = parent_configuration(family, block) if family.parents else None
            for threshold in thresholds:
                code += uniform >= (threshold[0] if index is None else threshold.take(index))
        return block

    def log_prob(self) -> np.ndarray:
        total = np.zeros(self.n_rows)
        for family, log_table in zip(self.families, self.log_tables, strict=True):
            total += log_table.take(joint_index(family, self.block))
        return total

    def fit(self) -> list[np.ndarray]:
        return [self._fit_table(family) for family in self.families]

    def _fit_table(self, family: Family) -> np.ndarray:
        counts = np.bincount(joint_index(family, self.block), minlength=family.table.size)
        counts = counts.reshape(family.table.shape)
        sums = counts.sum(axis=1, keepdims=True)
        uniform = np.full(counts.shape, 1.0 / counts.shape[1])
        return np.divide(counts, sums, out=uniform, where=sums > 0)

    operations: ClassVar = {"sample": sample, "log_prob": log_prob, "fit": fit}


def parent_configuration(family: Family, block: np.ndarray) -> np.ndarray:
    """Row of the family's table, for every row of the data; intp, which ``take`` needs anyway."""
    index = np.multiply(block[family.parents[0]], family.strides[0], dtype=np.intp)
    for parent, stride in zip(family.parents[1:], family.strides[1:], strict=True):
        index += np.multiply(block[parent], stride, dtype=np.intp)
    return index


def joint_index(family: Family, block: np.ndarray) -> np.ndarray:
    """Cell of the family's table, for every row of the data."""
    if not family.parents:
        return block[family.column].astype(np.intp)
    index = parent_configuration(family, block)
    index *= family.table.shape[1]
    index += block[family.column]
    return index
