"""The oracle of linear Gaussian networks: covariances by inverting I - C, conditionals by the textbook's formulas."""

from __future__ import annotations

import numpy as np


def moments(coefficients: np.ndarray, intercepts: np.ndarray, variances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of x = intercepts + C x + noise, C (n, n) strictly triangular: C[v, p] is p's coefficient."""
    inverse = np.linalg.inv(np.eye(len(intercepts)) - coefficients)
    return inverse @ intercepts, inverse @ np.diag(variances) @ inverse.T


def conditional(
    mean: np.ndarray, covariance: np.ndarray, hidden: list[int], known: list[int], values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the hidden numbers given the known ones."""
    gain = covariance[np.ix_(hidden, known)] @ np.linalg.inv(covariance[np.ix_(known, known)])
    left = covariance[np.ix_(hidden, hidden)] - gain @ covariance[np.ix_(known, hidden)]
    return mean[hidden] + gain @ (values - mean[known]), left


def log_density(x: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> float:
    """log Normal(x) of one row."""
    centred = x - mean
    _, log_det = np.linalg.slogdet(2 * np.pi * covariance)
    return float(-0.5 * (centred @ np.linalg.solve(covariance, centred) + log_det))


def integral(density: object, low: float, high: float, n: int = 200_001) -> float:
    """The integral of a smooth function over an interval, by Simpson's rule."""
    grid = np.linspace(low, high, n)
    weights = np.ones(n)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    return float((weights * density(grid)).sum() * (high - low) / (n - 1) / 3)
