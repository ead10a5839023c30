"""The oracle of real variables: densities and draws in plain NumPy, all in float64. It imports nothing of ours.

A linear Gaussian is ``(intercept, coefficients, std)`` with an axis for each discrete parent and a last one of
coefficients; ``states`` are the codes (n,) of its discrete parents, ``parents`` the numbers (m, n) of the real ones.
Word w of a row is the 64-bit number R of streams SAMPLE and REFINE, u = (R + 1/2) / 2**64; in float32 the first 32
bits stand for the middle of their interval, unless they lie in an outer 2**-8.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import reference

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def gaussian_mean(own: Arrays, states: Sequence[np.ndarray], parents: np.ndarray) -> np.ndarray:
    """intercept + coefficients . parents, of every row."""
    at = tuple(states)
    return own[0][at] + (own[1][at] * parents.T).sum(axis=-1)


def gaussian_log_prob(x: np.ndarray, own: Arrays, states: Sequence[np.ndarray], parents: np.ndarray) -> np.ndarray:
    """log Normal(x; mean, std); a point mass where std is 0."""
    std = np.broadcast_to(own[2][tuple(states)], x.shape)
    residual = x - gaussian_mean(own, states, parents)
    with np.errstate(divide="ignore", invalid="ignore"):
        density = -0.5 * (residual / std) ** 2 - np.log(std) - 0.5 * np.log(2 * np.pi)
    return np.where(std > 0, density, np.where(residual == 0, 0.0, -np.inf))


def uniform_log_prob(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """-log(high - low) within [low, high]."""
    return np.where((low <= x) & (x <= high), -np.log(high - low), -np.inf)


def exponential_log_prob(x: np.ndarray, rate: float) -> np.ndarray:
    """log rate - rate x for x >= 0."""
    return np.where(x >= 0, np.log(rate) - rate * x, -np.inf)


def laplace_log_prob(x: np.ndarray, loc: float, scale: float) -> np.ndarray:
    """-log(2 scale) - |x - loc| / scale; a point mass where scale is 0."""
    if scale == 0:
        return np.where(x == loc, 0.0, -np.inf)
    return -np.log(2 * scale) - np.abs(x - loc) / scale


def tails(key: int, rows: np.ndarray, word: int, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """min(u, 1 - u) of a word of every row, and whether u is above 1/2."""
    numbers = reference.draws(key, rows, word)
    upper = numbers >= np.uint64(2**63)
    steps = np.where(upper, ~numbers, numbers)
    exact = (steps.astype(np.longdouble) + 0.5) / np.longdouble(2) ** 64
    short = ((steps >> np.uint64(32)).astype(np.longdouble) + 0.5) / np.longdouble(2) ** 32
    is_short = (dtype == np.float32) & (steps >= np.uint64(2**56))
    return np.where(is_short, short, exact).astype(np.float64), upper


def standard(kind: str, key: int, rows: np.ndarray, word: int, dtype: type) -> np.ndarray:
    """Standard numbers of a word of every row: "uniform", "exponential", "laplace" or "normal"."""
    tail, upper = tails(key, rows, word, dtype)
    if kind == "uniform":
        return np.where(upper, 1 - tail, tail)
    if kind == "exponential":
        return np.where(upper, -np.log(tail), -np.log1p(-tail))
    size = -np.log(2 * tail) if kind == "laplace" else -np.vectorize(NormalDist().inv_cdf)(tail)
    return np.where(upper, size, -size)


def gaussian_gradient(
    x: np.ndarray, own: Arrays, states: Sequence[np.ndarray], parents: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Arrays]:
    """Of sum_i weights_i log Normal(x_i; mean_i, std_i): by x (n,), by the parents (m, n), and by intercept,
    coefficients and log std; 0 where std is 0."""
    at = tuple(states)
    std = np.broadcast_to(own[2][at], x.shape)
    residual = x - gaussian_mean(own, states, parents)
    g = np.where(std > 0, weights * residual / np.where(std > 0, std, 1) ** 2, 0.0)
    by_parents = (np.broadcast_to(own[1][at], (len(x), len(parents))) * g[:, None]).T
    sums = tuple(np.zeros_like(array) for array in own)
    where = (*at, ...) if at else ...
    for part, numbers in zip(
        sums, (g, g[:, None] * parents.T, np.where(std > 0, g * residual - weights, 0.0)), strict=True
    ):
        if at:
            np.add.at(part, where, numbers)
        else:
            part += numbers.sum(axis=0)
    return -g, by_parents, sums
