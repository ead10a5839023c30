"""Soft evidence: how likely what was seen is under each state of a variable, in all rows or in each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..runtime.text import preview
from .labels import Column
from .placement import as_array

Array = npt.NDArray[Any]


class Likelihood:
    """L(x_v = k) of every state k, ``(k,)`` or ``(n, k)``: not normalised, finite, not negative, not all zero.

    Raises ValueError that names variable, row and value otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> own = Likelihood(Column("smoke", ("yes", "no")), np.array([0.5, 2.0]))
    >>> out = np.empty((2, 3))
    >>> own.read(0, 3, out)
    >>> out.tolist()
    [[0.5, 0.5, 0.5], [2.0, 2.0, 2.0]]
    """

    def __init__(self, variable: Column, values: Array) -> None:
        k = len(variable.states)
        if values.ndim not in (1, 2) or values.shape[-1] != k:
            raise ValueError(
                f"a likelihood of {variable.name!r} has one number for each of its {k} states "
                f"({preview(variable.states)}), shape ({k},) or (n_rows, {k}), got shape {values.shape}"
            )
        if np.ma.is_masked(values):
            raise ValueError(f"a likelihood of {variable.name!r} has no masked numbers: leave out what is not known")
        self.n: int | None = len(values) if values.ndim == 2 else None  # rows; None: the same in all
        self._values = np.asarray(values).reshape(-1, k)
        self._check(variable)

    def _check(self, variable: Column) -> None:
        bad = ~np.isfinite(self._values) | (self._values < 0)
        where = "" if self.n is None else "row {row}, "
        if bad.any():
            row, k = (int(i) for i in np.argwhere(bad)[0])
            place = where.format(row=row) + f"state {variable.states[k]!r}"
            raise ValueError(
                f"likelihoods are finite and not negative: {variable.name!r}, {place} has {self._values[row, k]}"
            )
        empty = ~self._values.any(axis=1)
        if empty.any():
            row = int(empty.argmax())
            place = "" if self.n is None else f", row {row}"
            raise ValueError(f"a likelihood leaves some state possible: that of {variable.name!r}{place} is all zero")

    def read(self, begin: int, end: int, out: Array) -> None:
        """Write those of rows ``begin`` to ``end`` into ``out`` (k, end - begin)."""
        out[:] = self._values.T if self.n is None else self._values[begin:end].T


def likelihood_of(column: Any) -> Array | None:
    """An array of floats, or a torch tensor, as an array; None for anything else."""
    array = as_array(column)
    return array if isinstance(array, np.ndarray) and array.dtype.kind == "f" else None
