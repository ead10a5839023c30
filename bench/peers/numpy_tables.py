"""NumPy on tables: what a NumPy user writes, and as fast as we can make it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .base import Family, Peer, families


class NumpyPlain(Peer):
    """One column at a time, tables indexed by the columns of the family."""

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
            fitted.append(normalised(np.bincount(joint, minlength=table.size).reshape(table.shape)))
        return fitted

    def _columns(self, family: Family) -> tuple[np.ndarray, ...]:
        return tuple(self.block[column] for column in (*family.parents, family.column))

    operations: ClassVar = {"sample": sample, "log_prob": log_prob, "fit": fit}


class NumpyTuned(Peer):
    """Flat tables, ``take`` with intp indices, one threshold at a time."""

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
        fitted = []
        for family in self.families:
            counts = np.bincount(joint_index(family, self.block), minlength=family.table.size)
            fitted.append(normalised(counts.reshape(family.table.shape)))
        return fitted

    operations: ClassVar = {"sample": sample, "log_prob": log_prob, "fit": fit}


def normalised(counts: np.ndarray) -> np.ndarray:
    """Distributions along the last axis; uniform where nothing was counted."""
    sums = counts.sum(axis=-1, keepdims=True)
    return np.divide(counts, sums, out=np.full(counts.shape, 1.0 / counts.shape[-1]), where=sums > 0)


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
