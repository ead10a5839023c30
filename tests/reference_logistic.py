"""The oracle of logistic, softmax and noisy-or variables: plain NumPy in float64, obvious and slow. Imports nothing of
ours.

Each variable owns one word of a row. The word and its refinement are a 64-bit number U; u = (U + 1/2) / 2**64. A bit
is 1 where u is below its chance, counted from the end that its less probable state is at. A state of K is the smallest
whose cumulative weight exceeds u times the sum of all weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import reference


def columns(parents: Sequence[np.ndarray], n_states: Sequence[int]) -> np.ndarray:
    """(n, n_columns): k - 1 indicators for a parent with k states; a real parent has 0 states and is as it is."""
    parts = [
        np.asarray(own, np.float64)[:, None] if k == 0 else (own[:, None] == np.arange(1, k)).astype(np.float64)
        for own, k in zip(parents, n_states, strict=True)
    ]
    return np.concatenate(parts, axis=1)


def softmax_probabilities(x: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """(n, k) of columns (n, d), weights (k, d)"""
    z = x @ weights.T + bias
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def logistic_log_prob(x: np.ndarray, weights: np.ndarray, bias: float, y: np.ndarray) -> np.ndarray:
    """log p(y), of columns (n, d), weights (d,)"""
    return -np.logaddexp(0.0, np.where(y == 1, -1.0, 1.0) * (x @ weights + bias))


def noisy_or_log_prob(x: np.ndarray, probabilities: np.ndarray, leak: float, y: np.ndarray) -> np.ndarray:
    """log p(y), of bits (n, d)"""
    with np.errstate(divide="ignore"):
        off = (
            (np.log1p(-leak) + np.where(x == 1, np.log1p(-probabilities), 0.0).sum(axis=1))
            if x.size
            else np.log1p(-leak)
        )
        off = np.broadcast_to(off, y.shape)
        return np.where(y == 1, np.log(-np.expm1(off)), off)


def uniforms(key: int, rows: np.ndarray, word: int) -> tuple[np.ndarray, np.ndarray]:
    """u and 1 - u, each with the precision of a float64 near 0."""
    drawn = reference.draws(key, rows, word)
    largest = 1.0 - 2.0**-53
    ends = [
        (own >> 32).astype(np.float64) + (own & reference.LOW).astype(np.float64) / 2**32 for own in (drawn, ~drawn)
    ]
    low, high = (np.minimum(end / 2**32 + 2.0**-65, largest) for end in ends)
    return low, high


def draw_bits(chance: np.ndarray, off: np.ndarray, key: int, rows: np.ndarray, word: int) -> np.ndarray:
    """Bits of probability ``chance`` = 1 - ``off``, each with its own precision."""
    low, high = uniforms(key, rows, word)
    return np.where(chance <= 0.5, low < chance, ~(high < off)).astype(np.int64)


def draw_states(p: np.ndarray, key: int, rows: np.ndarray, word: int) -> np.ndarray:
    """States by their probabilities (n, k), or weights."""
    target = p.sum(axis=1) * uniforms(key, rows, word)[0]
    return (p.cumsum(axis=1) <= target[:, None]).sum(axis=1)
