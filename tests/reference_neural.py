"""The oracle of vectors whose parameters a module gave in rows: plain NumPy in float64. It imports nothing of ours.

``rows`` are the global numbers of the rows; cell c of a vector owns word ``word + c``, of a mixture two from
``word + 2 c`` on. Results are (n, cells).
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import reference_gaussian
import reference_logistic

HALF_LOG_2_PI = 0.5 * np.log(2 * np.pi)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)), of any z."""
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-np.asarray(z, np.float64)))


def weights(z: np.ndarray) -> np.ndarray:
    """exp(z - max z) over the last axis."""
    wide = np.asarray(z, np.float64)
    return np.exp(wide - wide.max(axis=-1, keepdims=True))


def features(parents: list[tuple[np.ndarray, int]]) -> np.ndarray:
    """(n, d) of columns with their numbers of states: one-hot, or as they are where that is 0."""
    parts = [own[:, None] == np.arange(k) if k else own[:, None] for own, k in parents]
    return np.concatenate([part.astype(np.float64) for part in parts], axis=1)


def draw_bits(logits: np.ndarray, key: int, rows: np.ndarray, word: int) -> np.ndarray:
    """Bits of logits (n, cells)."""
    cells = range(logits.shape[1])
    drawn = [
        reference_logistic.draw_bits(sigmoid(logits[:, c]), sigmoid(-logits[:, c]), key, rows, word + c) for c in cells
    ]
    return np.stack(drawn, axis=1)


def draw_states(logits: np.ndarray, key: int, rows: np.ndarray, word: int) -> np.ndarray:
    """States of logits (n, cells, k)."""
    p = weights(logits)
    cells = range(logits.shape[1])
    return np.stack([reference_logistic.draw_states(p[:, c], key, rows, word + c) for c in cells], axis=1)


def draw_normals(mean: np.ndarray, log_std: np.ndarray, key: int, rows: np.ndarray, word: int) -> np.ndarray:
    """mean + std n, by inverse CDF."""
    cells = range(mean.shape[1])
    noise = [reference_gaussian.standard("normal", key, rows, word + c, mean.dtype.type) for c in cells]
    return mean + np.exp(log_std) * np.stack(noise, axis=1)


def draw_mixtures(
    logits: np.ndarray, mean: np.ndarray, log_std: np.ndarray, key: int, rows: np.ndarray, word: int
) -> np.ndarray:
    """A component by the first word of a cell, its normal by the second."""
    p, drawn = weights(logits), []
    for c in range(logits.shape[1]):
        own = reference_logistic.draw_states(p[:, c], key, rows, word + 2 * c)[:, None]
        u, _ = reference_logistic.uniforms(key, rows, word + 2 * c + 1)
        noise = np.vectorize(NormalDist().inv_cdf)(u)
        at, std = (np.take_along_axis(part[:, c], own, 1)[:, 0] for part in (mean, np.exp(log_std)))
        drawn.append(at + std * noise)
    return np.stack(drawn, axis=1)


def bits_terms(x: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """log p of bits."""
    return -np.logaddexp(0.0, np.where(x == 1, -1.0, 1.0) * np.asarray(logits, np.float64))


def states_terms(x: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """log p of states."""
    p = weights(logits)
    with np.errstate(divide="ignore"):
        return np.take_along_axis(np.log(p / p.sum(axis=-1, keepdims=True)), x[..., None].astype(np.int64), -1)[..., 0]


def normal_terms(x: np.ndarray, mean: np.ndarray, log_std: np.ndarray) -> np.ndarray:
    """log-densities of normals."""
    mean, log_std = np.asarray(mean, np.float64), np.asarray(log_std, np.float64)
    return -0.5 * ((x - mean) / np.exp(log_std)) ** 2 - log_std - HALF_LOG_2_PI


def mixture_terms(x: np.ndarray, logits: np.ndarray, mean: np.ndarray, log_std: np.ndarray) -> np.ndarray:
    """log sum_k p(k) Normal(x; k)."""
    p = weights(logits)
    return np.log((p / p.sum(axis=-1, keepdims=True) * np.exp(normal_terms(x[..., None], mean, log_std))).sum(axis=-1))
