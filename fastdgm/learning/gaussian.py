"""Linear Gaussian variables by least squares in closed form: a regression for each joint state of discrete parents."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..conditionals.gaussian import LinearGaussian, Normal
from ..data.variables import Discrete, Real
from ..engines.moments.sums import Moments, pooled
from .base import Learnt, Target
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

    def estimate(self, statistics: Any) -> Learnt:
        """Conditionals by variable. Raises ValueError where even all rows together are too few."""
        conditionals, notes = {}, list[str]()
        for number, target in enumerate(self.targets):
            conditionals[target.name], own_notes = _fitted(target, self.moments_of(number, statistics))
            notes += own_notes
        return Learnt(dict(conditionals), tuple(notes))


def _fitted(target: Target, moments: Moments) -> tuple[LinearGaussian, list[str]]:
    n_columns = moments.mean.shape[1] - 1
    n_states = [own.n_states for own in target.parents.values() if isinstance(own, Discrete)]
    few = moments.rows <= n_columns + 1
    if few.any():
        moments = with_all_rows(moments, few)
    if moments.rows[few.argmax()] <= n_columns + 1:
        raise ValueError(
            f"a regression with {n_columns + 1} coefficients, intercept included, needs more rows of positive weight "
            f"than that: {target.name!r} has {int(moments.rows[few.argmax()])}"
        )
    found = regressions(moments)
    intercept, std = found.intercept.reshape(n_states), found.std.reshape(n_states)
    notes = _notes(target, found, few)
    if isinstance(target.conditional, Normal):
        return Normal(intercept, std), notes
    return LinearGaussian(
        tuple(target.parents), intercept, found.coefficients.reshape(*n_states, n_columns), std
    ), notes


def with_all_rows(moments: Moments, few: Array) -> Moments:
    """Moments with those of the rows of all configurations together where there are too few."""
    parts = [
        np.where(few.reshape(few.shape + (1,) * (own.ndim - 1)), of_all, own)
        for own, of_all in zip(moments, pooled(moments), strict=True)
    ]
    return Moments(*parts)


def _notes(target: Target, found: Regressions, few: Array) -> list[str]:
    name, notes = target.name, []
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
