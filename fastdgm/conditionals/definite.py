"""Covariances: symmetric, positive definite matrices, or a clear no."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SYMMETRIC = 1e-8  # of the standard deviations: entries that differ by less from their mirror image are averaged
DEFINITE = 1e-14  # of its own variance, per variable: what must be left of each, given those before it


def definite(covariance: Array) -> Array:
    """Exactly symmetric matrices (..., d, d). ValueError where they are not, or not positive definite.

    The scales of the variables do not matter: what is judged are the correlations.
    """
    mirrored = covariance.swapaxes(-1, -2)
    variances = np.diagonal(covariance, axis1=-2, axis2=-1)
    deviations = np.sqrt(np.maximum(variances, 0.0))
    scale = deviations[..., :, None] * deviations[..., None, :]
    off = np.abs(covariance - mirrored) > SYMMETRIC * scale
    if off.any():
        *leading, i, j = (int(index) for index in np.argwhere(off)[0])
        at, other = (*leading, i, j), (*leading, j, i)
        raise ValueError(
            f"a covariance is symmetric, got {covariance[at]:.6g} at {list(at)} and {covariance[other]:.6g} at "
            f"{list(other)}"
        )
    symmetric: Array = (covariance + mirrored) / 2
    if not ((variances > 0).all() and _has_pivots(symmetric / scale)):
        raise ValueError(_not_definite(symmetric))
    return symmetric


def _has_pivots(correlations: Array) -> bool:
    """Whether every variable keeps some variance of its own, beyond rounding, given those before it."""
    try:
        factor = np.linalg.cholesky(correlations)
    except np.linalg.LinAlgError:
        return False
    pivots = np.diagonal(factor, axis1=-2, axis2=-1)
    return bool((pivots**2 > DEFINITE * correlations.shape[-1]).all())


def _not_definite(covariance: Array) -> str:
    smallest = np.linalg.eigvalsh(covariance)[..., 0]
    at = tuple(int(i) for i in np.unravel_index(np.argmin(smallest), smallest.shape))
    where = f" at parent states {list(at)}" if at else ""
    return f"a covariance is positive definite, got one whose smallest eigenvalue is {float(smallest[at]):.6g}{where}"
