"""Least squares from moments about the mean: many regressions at once, collinear columns left out in order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..engines.moments.sums import Moments

Array = npt.NDArray[Any]
COLLINEAR = 1e-11  # the share of a column's variance that earlier ones must leave unexplained; below, rounding rules
RESOLVED = 1e-14  # the share of the child's variance below which its residual is no more than rounding


class Regressions(NamedTuple):
    """Of ``c`` configurations on ``m`` columns: the maximum of the likelihood of normal residuals."""

    intercept: Array  # (c,)
    coefficients: Array  # (c, m)
    std: Array  # (c,): root of the mean squared residual
    kept: Array  # (c, m) booleans: false for a column that is constant or a linear function of those before it
    resolved: Array  # (c,) booleans: false where the residual is lost in rounding, and ``std`` is its upper bound
    ordinary: Array  # (c,) booleans: resolved, with all columns kept and a positive std: nothing to tell


def regressions(moments: Moments) -> Regressions:
    """Regress the last column on the others, for each configuration with some rows; ``cross`` is ``(c, d, d)``.

    b = S_pp^-1 S_py,   intercept = mean_y - b . mean_p,   std^2 = (S_yy - b . S_py) / W

    by sweeps of the scaled matrix of moments, column by column (Goodnight 1979, A tutorial on the SWEEP operator); one
    that earlier columns explain but for rounding is left out: its coefficient is 0.
    """
    n_parents = moments.cross.shape[-1] - 1
    scale = np.sqrt(np.diagonal(moments.cross, axis1=1, axis2=2))
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0.0)
    matrix = moments.cross * inverse[:, :, None] * inverse[:, None, :]
    kept = np.zeros((len(matrix), n_parents), bool)
    for k in range(n_parents):
        kept[:, k] = matrix[:, k, k] > COLLINEAR
        _sweep(matrix, k, kept[:, k])
    coefficients = np.where(kept, matrix[:, :-1, -1], 0.0) * scale[:, -1:] * inverse[:, :-1]
    intercept = moments.mean[:, -1] - np.einsum("cm,cm->c", coefficients, moments.mean[:, :-1])
    varies = scale[:, -1] > 0.0
    rounding = RESOLVED * (n_parents + 1)
    share = np.where(varies, np.maximum(matrix[:, -1, -1], rounding if n_parents else 0.0), 0.0)
    std = scale[:, -1] * np.sqrt(share / moments.weight)
    resolved = ~varies | (matrix[:, -1, -1] > rounding)
    ordinary = resolved & kept.all(axis=1) & (std > 0.0)
    return Regressions(intercept, coefficients, std, kept, resolved, ordinary)


def _sweep(matrix: Array, k: int, where: Array) -> None:
    """Sweep pivot k of the matrices of a stack (c, d, d), in place, where it is asked for."""
    own = matrix[where]
    pivot = own[:, k, k].copy()
    row = own[:, k, :] / pivot[:, None]
    column = own[:, :, k].copy()
    own -= column[:, :, None] * row[:, None, :]
    own[:, k, :] = row
    own[:, :, k] = -column / pivot[:, None]
    own[:, k, k] = 1.0 / pivot
    matrix[where] = own
