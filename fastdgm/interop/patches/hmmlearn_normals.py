"""Log-densities of independent normals, a feature at a time: hmmlearn's formula, without an array of three axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

TINY = np.finfo(float).tiny  # the least variance, as in hmmlearn
ROWS = 4096  # at once: what fits the caches


def log_normal_diag(X: Array, means: Array, covars: Array) -> Array:
    """-1/2 sum_f (log 2 pi var_kf + (x_f - mean_kf)**2 / var_kf), of rows (n, f) in components (k, f): (n, k)."""
    X, means, covars = (np.asarray(each, np.float64) for each in (X, means, covars))
    covars = np.maximum(np.broadcast_to(covars, means.shape), TINY)
    constant = -0.5 * (means.shape[1] * np.log(2 * np.pi) + np.log(covars).sum(axis=1))
    out = np.empty((len(X), len(means)))
    with np.errstate(over="ignore"):
        for begin in range(0, len(X), ROWS):
            _fill(X[begin : begin + ROWS], means, -0.5 / covars, constant, out[begin : begin + ROWS])
    return out


def _fill(X: Array, means: Array, weights: Array, constant: Array, out: Array) -> None:
    out[:] = constant
    squares = np.empty_like(out)
    for f in range(X.shape[1]):
        np.subtract(X[:, f, None], means[:, f], out=squares)
        np.multiply(squares, squares, out=squares)
        np.multiply(squares, weights[:, f], out=squares)
        np.add(out, squares, out=out)
