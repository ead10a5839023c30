"""Parents as columns of numbers, piece by piece of rows: what regressions multiply by their weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from ..data.blocks import Part
from ..data.schema import Schema
from ..data.variables import Discrete, Variable

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


class Column(NamedTuple):
    """An indicator of one state of a discrete parent, or a real number as ``(x - shift) / scale``."""

    parent: str
    row: int  # of codes or of reals
    state: int  # 0 for a real number: state 0 of a discrete parent has no column
    shift: float = 0.0
    scale: float = 1.0


class Design(NamedTuple):
    """Columns of the parents of one variable in some rows; before all comes a column of ones."""

    part: Part
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, part: Part, parents: dict[str, Variable], schema: Schema, weights: Floats) -> Self:
        """In the order of a conditional's weights; real numbers are scaled to mean 0 and deviation 1 of the rows with
        their weights."""
        columns: list[Column] = []
        for name, variable in parents.items():
            first = schema.rows[name]
            if isinstance(variable, Discrete):
                columns += [Column(name, first, state) for state in range(1, variable.n_states)]
            else:
                rows = range(first, first + variable.size)
                columns += [_scaled(name, row, part.reals[row], weights) for row in rows]
        return cls(part, tuple(columns))

    @property
    def size(self) -> int:
        """Columns, that of ones included."""
        return len(self.columns) + 1

    def rows(self, begin: int, end: int) -> Floats:
        """The columns (size, rows) of some rows."""
        x = np.empty((self.size, end - begin))
        x[0] = 1.0
        for j, own in enumerate(self.columns, 1):
            if own.state:
                np.equal(self.part.codes[own.row, begin:end], own.state, out=x[j], casting="unsafe")
            else:
                np.subtract(self.part.reals[own.row, begin:end], own.shift, out=x[j], dtype=np.float64)
                x[j] /= own.scale
        return x

    @property
    def scales(self) -> Floats:
        """Of the columns but that of ones."""
        return np.array([own.scale for own in self.columns])

    def unscaled(self, coefficients: Floats) -> tuple[Floats, Floats]:
        """Weights (k, n_columns) and bias (k,) of the parents as they are, from those (k, size) of the columns."""
        weights = coefficients[:, 1:] / self.scales
        shifts = np.array([own.shift for own in self.columns])
        return weights, coefficients[:, 0] - weights @ shifts


def _scaled(name: str, row: int, values: Array, weights: Floats) -> Column:
    if not weights.any():
        return Column(name, row, 0)
    mean = float(np.average(values, weights=weights))
    apart = np.abs(values - mean, dtype=np.float64)
    furthest = float(apart.max())
    if furthest == 0.0:
        return Column(name, row, 0, mean)
    apart /= furthest  # so that no square overflows
    deviation = furthest * float(np.sqrt(np.average(apart**2, weights=weights)))
    return Column(name, row, 0, mean, deviation if deviation > 0.0 else 1.0)


def independent(gram: Floats, smallest: float = 1e-11) -> npt.NDArray[np.bool_]:
    """Which columns of a matrix (rows, d) are no linear functions of those before them, by its ``gram`` (d, d).

    Column by column, what earlier ones explain is swept out; what leaves less than ``smallest`` of a column's sum of
    squares is rounding.
    """
    scale = np.sqrt(np.diagonal(gram))
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0.0)
    left = gram * inverse[:, None] * inverse[None, :]
    kept = np.zeros(len(gram), bool)
    for k in range(len(gram)):
        kept[k] = left[k, k] > smallest
        if kept[k]:
            left[k + 1 :, k + 1 :] -= np.outer(left[k + 1 :, k], left[k, k + 1 :] / left[k, k])
    return kept


def names_of(design: Design, columns: Sequence[int]) -> list[str]:
    """The parents of some columns, each once; columns are counted with that of ones, which has none."""
    return list(dict.fromkeys(design.columns[j - 1].parent for j in columns if j > 0))
