"""What a naive Bayes classifier knows of one feature: counts or moments by class, which grow with the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .categories import Column

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]


class Classes(NamedTuple):
    """Classes of rows, and the weights of those."""

    codes: Array  # (n,)
    n: int
    weights: Numbers | None  # (n,); None: all 1


def sums(codes: Array, n_codes: int, weights: Numbers | None) -> Numbers:
    """Sums of weights by code (n_codes,); counts where there are no weights."""
    return np.bincount(codes, weights, n_codes).astype(np.float64)


@dataclass
class Counts:
    """Weights of the rows of each class in each state of a discrete feature."""

    column: Column
    table: Numbers  # (n_classes, n_states)

    @classmethod
    def none(cls, column: Column, n_classes: int) -> Counts:
        """Of no rows."""
        assert column.categories is not None
        return cls(column, np.zeros((n_classes, len(column.categories))))

    def add(self, codes: Array, classes: Classes) -> None:
        """Count rows; code -1 is missing."""
        n_states = self.table.shape[1] + 1
        cells = classes.codes * n_states + codes + 1
        own = sums(cells, classes.n * n_states, classes.weights)
        self.table += own.reshape(classes.n, n_states)[:, 1:]

    def grow(self, column: Column) -> None:
        """Take the states of ``column``, which are these and others."""
        assert column.categories is not None and self.column.categories is not None
        place = {value: k for k, value in enumerate(column.categories.tolist())}
        table = np.zeros((len(self.table), len(column.categories)))
        table[:, [place[value] for value in self.column.categories.tolist()]] = self.table
        self.column, self.table = column, table

    def probabilities(self, alpha: float) -> Numbers:
        """(N + alpha) / sum (N + alpha), (n_classes, n_states): uniform where that is 0 / 0."""
        smoothed = self.table + alpha
        totals = smoothed.sum(axis=1, keepdims=True)
        uniform = np.full_like(smoothed, 1 / smoothed.shape[1])
        return np.divide(smoothed, totals, out=uniform, where=totals > 0)


@dataclass
class Moments:
    """Weight, mean and sum of squares about the mean of each class, and of all rows without weights."""

    column: Column
    weight: Numbers  # (n_classes,)
    mean: Numbers
    squares: Numbers
    overall: tuple[float, float, float]  # the same three of all rows

    @classmethod
    def none(cls, column: Column, n_classes: int) -> Moments:
        """Of no rows."""
        return cls(column, np.zeros(n_classes), np.zeros(n_classes), np.zeros(n_classes), (0.0, 0.0, 0.0))

    def add(self, values: Numbers, classes: Classes) -> None:
        """Take rows in; NaN is missing (Chan, Golub and LeVeque 1983)."""
        present = ~np.isnan(values)
        codes, weights = classes.codes, classes.weights
        if not present.all():
            values, codes = values[present], codes[present]
            weights = None if weights is None else weights[present]
        if not len(values):
            return
        mean = values.mean()
        own = float(len(values)), float(mean), float(((values - mean) ** 2).sum())
        self.overall = tuple(float(x) for x in merged(*map(np.asarray, self.overall), *map(np.asarray, own)))  # type: ignore[assignment]
        weight = sums(codes, classes.n, weights)
        shifted = values - mean
        of_class = _ratio(sums(codes, classes.n, shifted if weights is None else shifted * weights), weight)
        shifted -= of_class[codes]
        shifted *= shifted
        squares = sums(codes, classes.n, shifted if weights is None else shifted * weights)
        mine = np.where(weight > 0, mean + of_class, 0.0)
        self.weight, self.mean, self.squares = merged(self.weight, self.mean, self.squares, weight, mine, squares)

    @property
    def spread(self) -> float:
        """The variance of all rows."""
        n, _, squares = self.overall
        return squares / n if n else 0.0

    def variances(self) -> Numbers:
        """Of each class (n_classes,); 0 where it has no rows."""
        return _ratio(self.squares, self.weight)


def merged(w: Numbers, m: Numbers, s: Numbers, weight: Numbers, mean: Numbers, squares: Numbers) -> Sequence[Numbers]:
    """Weight, mean and squares of two sets of rows together."""
    total = w + weight
    share = _ratio(weight, total)
    off = mean - m
    return total, m + off * share, s + squares + off**2 * w * share


def _ratio(above: Numbers, below: Numbers) -> Numbers:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), 0.0)
