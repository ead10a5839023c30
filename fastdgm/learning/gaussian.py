"""Linear Gaussian variables by least squares in closed form: a regression for each joint state of discrete parents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..conditionals.gaussian import LinearGaussian, Normal
from ..data.variables import Discrete, Real
from ..engines.moments.sums import Moments, pooled
from .base import Learnt, Target, UndeterminedError
from .moments import MomentsEstimator
from .notes import where
from .regression import Regressions, regressions

Array = npt.NDArray[Any]


class GaussianEstimator(MomentsEstimator):
    """Maximum likelihood of intercepts, coefficients and standard deviations; ``learning/regression.py`` says how.

    A joint state of the discrete parents with no more rows than a regression has coefficients gets the regression of
    the rows of all states together, with a note. Notes also tell of standard deviations of 0 and of parents that were
    left out.
    """

    def learnt(self, moments: Sequence[Moments]) -> Learnt:
        """Conditionals by variable. Raises UndeterminedError where even all rows together are too few."""
        enough, few = [], []
        for target, own in zip(self.targets, moments, strict=True):
            own_enough, own_few = _enough_rows(target, own)
            enough.append(own_enough)
            few.append(own_few)
        conditionals, notes = {}, list[str]()
        for target, found, own_few in zip(self.targets, _all_regressions(enough), few, strict=True):
            conditionals[target.name] = _conditional(target, found)
            notes += _notes(target, found, own_few)
        return Learnt(dict(conditionals), tuple(notes))

    def is_degenerate(self, moments: Moments) -> npt.NDArray[np.bool_]:
        """Too few rows, or nothing left to chance, or parents that do not vary."""
        enough = moments.rows > moments.cross.shape[1]
        degenerate: npt.NDArray[np.bool_] = np.logical_not(enough)
        degenerate[enough] = ~regressions(Moments(*(own[enough] for own in moments))).ordinary
        return degenerate


def _enough_rows(target: Target, moments: Moments) -> tuple[Moments, Array]:
    """Moments that have enough rows for a regression, and which were those of too few."""
    n_coefficients = moments.cross.shape[1]  # the intercept, too
    few = moments.rows <= n_coefficients
    if few.any():
        moments = with_all_rows(moments, few)
        n_rows = int(moments.rows[few.argmax()])
        if n_rows <= n_coefficients:
            raise UndeterminedError(
                f"too few rows of positive weight: {target.name!r} has {n_rows}, coefficients and std need at least "
                f"{n_coefficients + 1}"
            )
    return moments, few


def _all_regressions(moments: Sequence[Moments]) -> list[Regressions]:
    """Those on equally many columns at once, because a call of NumPy costs more than a small regression."""
    by_size: dict[int, list[int]] = {}
    for number, own in enumerate(moments):
        by_size.setdefault(own.cross.shape[1], []).append(number)
    found: dict[int, Regressions] = {}
    for numbers in by_size.values():
        parts = zip(*(moments[number] for number in numbers), strict=True)
        together = regressions(Moments(*map(np.concatenate, parts)))
        ends = np.cumsum([len(moments[number].rows) for number in numbers])
        for number, end in zip(numbers, ends, strict=True):
            rows = slice(end - len(moments[number].rows), end)
            found[number] = Regressions(*(part[rows] for part in together))
    return [found[number] for number in range(len(moments))]


def _conditional(target: Target, found: Regressions) -> LinearGaussian:
    n_states = [own.n_states for own in target.parents.values() if isinstance(own, Discrete)]
    intercept, std = found.intercept.reshape(n_states), found.std.reshape(n_states)
    if isinstance(target.conditional, Normal):
        return Normal(intercept, std)
    coefficients = found.coefficients.reshape(*n_states, found.coefficients.shape[1])
    return LinearGaussian(tuple(target.parents), intercept, coefficients, std)


def with_all_rows(moments: Moments, few: Array) -> Moments:
    """Moments with those of the rows of all configurations together where there are too few."""
    parts = [
        np.where(few.reshape(few.shape + (1,) * (own.ndim - 1)), of_all, own)
        for own, of_all in zip(moments, pooled(moments), strict=True)
    ]
    return Moments(*parts)


def _notes(target: Target, found: Regressions, few: Array) -> list[str]:
    name, notes = target.name, list[str]()
    if found.ordinary.all() and not few.any():
        return notes
    if few.any():
        notes.append(f"{name!r} has too few rows for a regression{where(target, few)}: it has that of all rows there")
    constant: Array = np.equal(found.std, 0.0)
    if constant.any():
        notes.append(f"{name!r} is constant{where(target, constant)}: its std is 0")
    left_out: Array = np.logical_not(found.kept)
    if left_out.any():
        names = [parent for parent, own in target.parents.items() if isinstance(own, Real) for _ in range(own.size)]
        which = list(dict.fromkeys(names[column] for column in np.flatnonzero(left_out.any(axis=0))))
        notes.append(
            f"real parents {which} of {name!r} are constant or linear functions of those before them"
            f"{where(target, np.any(left_out, axis=1))}: their coefficients are 0"
        )
    if not found.resolved.all():
        notes.append(
            f"{name!r} is a linear function of its parents but for rounding{where(target, ~found.resolved)}: its std "
            "is an upper bound, about 1e-7 of its spread"
        )
    return notes
