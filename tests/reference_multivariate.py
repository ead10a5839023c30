"""The oracle of normal vectors: densities by determinants and solved systems, draws by Cholesky factors."""

from __future__ import annotations

import numpy as np


def log_prob(x: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """log Normal(x; mean, covariance) of rows x (n, d): the formula as it is written."""
    centred = x - mean
    squared = (centred * np.linalg.solve(covariance, centred.T).T).sum(axis=1)
    _, log_det = np.linalg.slogdet(2 * np.pi * covariance)
    return -0.5 * (squared + log_det)


def draws(noise: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """mean + L noise for rows of noise (n, d)."""
    return mean + noise @ np.linalg.cholesky(covariance).T
