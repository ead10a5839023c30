"""Normal vectors in closed form: the mean and covariance of the rows of each joint state of discrete parents."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conditionals.multivariate import MultivariateNormal
from ..data.variables import Discrete
from .base import Learnt, Target, UndeterminedError
from .gaussian import with_all_rows
from .moments import MomentsEstimator
from .notes import where


class MultivariateNormalEstimator(MomentsEstimator):
    """Maximum likelihood: mean = sum w x / W,   covariance = sum w (x - mean) (x - mean)' / W.

    A joint state of the discrete parents with no more rows than there are numbers in the vector gets the mean and
    covariance of the rows of all states together, with a note.
    """

    def estimate(self, statistics: Any) -> Learnt:
        """Conditionals by variable. Raises UndeterminedError where rows are too few, or a covariance is singular."""
        conditionals, notes = {}, list[str]()
        for target, moments in zip(self.targets, self.all_moments(statistics), strict=True):
            few = moments.rows <= moments.mean.shape[1]
            if few.any():
                moments = with_all_rows(moments, few)
                notes.append(
                    f"{target.name!r} has too few rows for a covariance{where(target, few)}: it has that of all rows "
                    "there"
                )
            if moments.rows.min() <= moments.mean.shape[1]:
                raise UndeterminedError(
                    f"too few rows of positive weight: {target.name!r} has {int(moments.rows.min())}, a covariance of "
                    f"{moments.mean.shape[1]} numbers needs at least {moments.mean.shape[1] + 1}"
                )
            covariance = moments.cross / moments.weight[:, None, None]
            conditionals[target.name] = _made(target, moments.mean, covariance)
        return Learnt(dict(conditionals), tuple(notes))


def _made(target: Target, mean: np.ndarray[Any, Any], covariance: np.ndarray[Any, Any]) -> MultivariateNormal:
    n_states = [own.n_states for own in target.parents.values() if isinstance(own, Discrete)]
    d = mean.shape[1]
    try:
        return MultivariateNormal.given(
            tuple(target.parents), mean.reshape(*n_states, d), covariance.reshape(*n_states, d, d)
        )
    except ValueError as error:
        raise UndeterminedError(
            f"the rows of {target.name!r} have no covariance that a normal vector can have, because a column is "
            f"constant or a linear function of others{where(target, _singular(covariance))}: {error}"
        ) from None


def _singular(covariance: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Which of some covariances is most so."""
    scale = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    scale = np.where(scale > 0.0, scale, 1.0)
    smallest = np.linalg.eigvalsh(covariance / (scale[:, :, None] * scale[:, None, :]))[:, 0]
    return np.asarray(smallest == smallest.min())
