"""Real variables without parents that are not normal: maximum likelihood, in closed form."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..conditionals.roots import Exponential, Laplace, Uniform
from ..data.blocks import Block, Part
from .base import Learnt, RowsEstimator, SumEstimator, Target, UndeterminedError, Weights

Array = npt.NDArray[Any]
ROWS_AT_ONCE = 1 << 20
SUM, WEIGHT, SMALLEST, LARGEST = range(4)  # rows of the statistics


class RootEstimator(SumEstimator):
    """Gathers, of each variable, sum w x, sum w, and the smallest and largest value in rows of positive weight."""

    @property
    def n_sums(self) -> int:
        """Four for each variable."""
        return 4 * len(self.targets)

    def collect(self, begin: int, end: int, part: Part, weights: Weights) -> Array:
        """(4, n_targets)"""
        own_weights = np.ones(end - begin) if weights is None else weights[begin:end]
        used = own_weights > 0.0
        found = np.empty((4, len(self.targets)))
        for j, target in enumerate(self.targets):
            column = part.reals[self.schema.rows[target.name], begin:end]
            with np.errstate(over="ignore", invalid="ignore"):
                found[SUM, j] = np.dot(own_weights, column.astype(np.float64))
            found[SMALLEST, j] = column.min(initial=np.inf, where=used)
            found[LARGEST, j] = column.max(initial=-np.inf, where=used)
        found[WEIGHT] = own_weights.sum()
        return found

    def merged(self, earlier: Array, later: Array) -> Array:
        """Those of the rows of both."""
        both = earlier + later
        both[SMALLEST] = np.minimum(earlier[SMALLEST], later[SMALLEST])
        both[LARGEST] = np.maximum(earlier[LARGEST], later[LARGEST])
        return both

    def estimate(self, statistics: Any) -> Learnt:
        """Conditionals by variable. Raises ValueError where the rows fit none of this kind."""
        conditionals = {}
        for target, column in zip(self.targets, np.asarray(statistics).T, strict=True):
            if column[WEIGHT] == 0.0:
                raise UndeterminedError(f"{target.name!r} cannot be learnt from no rows of positive weight")
            if not np.isfinite(column).all():
                raise ValueError(
                    f"the sum of {target.name!r}, times its weights, leaves the range of float64: scale the column or "
                    "weights"
                )
            conditionals[target.name] = self.made(target.name, column)
        return Learnt(conditionals)

    @abstractmethod
    def made(self, name: str, statistics: Array) -> Conditional:
        """The conditional of one variable from its column of statistics."""


class UniformEstimator(RootEstimator):
    """low and high are the smallest and the largest value."""

    def made(self, name: str, statistics: Array) -> Conditional:
        """UndeterminedError for a constant column."""
        low, high = float(statistics[SMALLEST]), float(statistics[LARGEST])
        if low == high:
            raise UndeterminedError(f"a Uniform variable has more than one value, all of {name!r} are {low:g}")
        return Uniform(low, high)


class ExponentialEstimator(RootEstimator):
    """rate = 1 / mean."""

    def made(self, name: str, statistics: Array) -> Conditional:
        """ValueError for values below 0, UndeterminedError where all are 0."""
        if statistics[SMALLEST] < 0.0:
            raise ValueError(f"an Exponential variable is never below 0, {name!r} is {statistics[SMALLEST]:g}")
        with np.errstate(over="ignore", divide="ignore"):
            rate = float(statistics[WEIGHT] / statistics[SUM])
        if not 0.0 < rate < np.inf:
            raise UndeterminedError(
                f"an Exponential variable has a rate of 1 / mean, the mean of {name!r} is 0, or too close"
            )
        return Exponential(rate)


class LaplaceEstimator(RowsEstimator):
    """loc is the weighted median, scale the weighted mean distance from it.

    The median is the smallest value that half of the weight does not exceed, or half-way to the next one where exactly
    half of it does. It needs all rows at once.
    """

    def fit(self, block: Block, weights: Weights) -> Learnt:
        """Conditionals by variable, with a note where all values are alike."""
        conditionals, notes = {}, list[str]()
        for target in self.targets:
            values = self._column(target, block)
            conditionals[target.name] = found = _laplace(target.name, values, weights)
            if found.scale == 0.0:
                notes.append(f"{target.name!r} is constant: its scale is 0")
        return Learnt(dict(conditionals), tuple(notes))

    def _column(self, target: Target, block: Block) -> Array:
        """All values, float64."""
        values, row = np.empty(block.n), self.schema.rows[target.name]
        for begin in range(0, block.n, ROWS_AT_ONCE):
            end = min(begin + ROWS_AT_ONCE, block.n)
            part = block.read(begin, end)
            values[begin:end] = part.reals[row, begin - part.first : end - part.first]
        return values


def _laplace(name: str, values: Array, weights: Weights) -> Laplace:
    if weights is None:
        weights = np.ones(len(values))
    else:
        used = weights > 0.0
        values, weights = values[used], weights[used]
    if not len(values):
        raise ValueError(f"{name!r} cannot be learnt from no rows of positive weight")
    order = np.argsort(values)
    weights = weights / weights.max()
    values, weights = values[order], weights[order]
    below = np.cumsum(weights)
    half = below[-1] / 2.0
    first = int(np.searchsorted(below, half))
    following = min(first + 1, len(values) - 1)
    loc = values[first] if below[first] > half else values[first] / 2.0 + values[following] / 2.0
    with np.errstate(over="ignore"):
        scale = float(np.dot(weights, np.abs(values - loc)) / below[-1])
    if not np.isfinite(scale):
        raise ValueError(f"the distances of {name!r} from its median leave the range of float64: scale the column")
    return Laplace(float(loc), scale)
