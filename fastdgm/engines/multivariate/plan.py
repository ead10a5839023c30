"""Means and covariances -> the triangular matrices that loops multiply by."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.multivariate import PANEL, Components
from ...kernels.products import ROWS
from ...runtime.arrays import freeze

Array = npt.NDArray[np.float64]


def drawing_components(mean: Array, covariance: Array, dtype: np.dtype[Any]) -> Components:
    """Of means (k, d) and covariances (k, d, d): x = m + L n, with L L' = S."""
    return factor_components(mean, np.linalg.cholesky(covariance), dtype)


def scoring_components(mean: Array, covariance: Array, dtype: np.dtype[Any]) -> Components:
    """Of means (k, d) and covariances (k, d, d): z = W (x - m), with W = L^-1, L L' = S."""
    return whitening_components(mean, np.linalg.cholesky(covariance), dtype)


def factor_components(mean: Array, factor: npt.NDArray[Any], dtype: np.dtype[Any]) -> Components:
    """Of lower triangular factors L (k, d, d): x = m + L n."""
    return _components(mean, factor, np.zeros(len(mean)), dtype)


def whitening_components(mean: Array, factor: npt.NDArray[Any], dtype: np.dtype[Any]) -> Components:
    """Of lower triangular factors L (k, d, d) without zeros on the diagonal: z = L^-1 (x - m)."""
    d = mean.shape[-1]
    inverse = np.tril(np.linalg.solve(factor, np.broadcast_to(np.eye(d), factor.shape)))
    log_det = -np.log(np.abs(np.diagonal(factor, axis1=-2, axis2=-1))).sum(axis=-1)
    return _components(mean, inverse, log_det - 0.5 * d * np.log(2 * np.pi), dtype)


def _components(mean: Array, matrices: npt.NDArray[Any], log_scale: Array, dtype: np.dtype[Any]) -> Components:
    k, d = mean.shape
    rows = -(-d // PANEL) * PANEL
    padded = np.zeros((k, rows, d), dtype)
    with np.errstate(over="ignore"):
        padded[:, :d] = matrices
        means = mean.astype(dtype)
    if not (np.isfinite(padded).all() and np.isfinite(means).all()):
        raise ValueError(f"the parameters of a normal vector leave the range of {dtype}: use float64, or other units")
    begin = np.stack([_first_columns(padded[:, i : i + ROWS]) for i in range(rows)], axis=1)
    plan = Components(means, padded.reshape(-1), begin, log_scale)
    freeze(*plan)
    return plan


def _first_columns(panels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """(k,): the first column of each panel (k, rows, d) with a number other than 0; d where there is none."""
    used = (panels != 0).any(axis=1)
    return np.where(used.any(axis=1), used.argmax(axis=1), used.shape[1]).astype(np.int64)
