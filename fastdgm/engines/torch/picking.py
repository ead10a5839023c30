"""One position of many rows: from logits ``(n, n_states)``, float64, and uniforms ``(n,)`` to states."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..draw import Draw
from ..truncation import most_probable

Array = npt.NDArray[Any]


def log_softmax(logits: Array, position: int) -> Array:
    """Normalised; ValueError where a row has no probabilities."""
    top = logits.max(axis=1, keepdims=True)
    if not np.isfinite(top).all():
        row = int(np.argmin(np.isfinite(top[:, 0])))
        raise ValueError(
            f"the module gives logits {logits[row][:4]} at position {position}: they must be finite or -inf"
        )
    shifted = logits - top
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def truncated(logits: Array, draw: Draw) -> Array:
    """logits / temperature; -inf but for the top_k most probable states, of them the fewest with a share of top_p.

    Cold logits are taken relative to the largest first: those cannot overflow upwards.
    """
    if draw.temperature < 1.0:
        logits = logits - logits.max(axis=1, keepdims=True)
    with np.errstate(over="ignore"):
        scaled = logits / draw.temperature
    order = np.argsort(-scaled, axis=1, kind="stable")
    weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    reached = np.take_along_axis(weights, order, axis=1).cumsum(axis=1)
    before = np.concatenate([np.zeros((len(reached), 1)), reached[:, :-1]], axis=1)
    kept = most_probable(reached, before, draw.top_k, draw.top_p)
    return np.where(np.take_along_axis(kept, np.argsort(order, axis=1), axis=1), scaled, -np.inf)


def pick(logits: Array, uniforms: Array) -> Array:
    """The smallest state whose cumulative probability exceeds the uniform; never one of probability 0."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    cumulative = np.cumsum(weights, axis=1)
    states = (cumulative <= (uniforms * cumulative[:, -1])[:, np.newaxis]).sum(axis=1)
    last = weights.shape[1] - 1 - np.argmax(weights[:, ::-1] > 0.0, axis=1)
    return np.minimum(states, last)


def pick_log_odds(logits: Array, uniforms: Array) -> Array:
    """1 where u < sigmoid(z) for logits (0, z): u (1 + exp(-z)) < 1."""
    with np.errstate(over="ignore", invalid="ignore"):  # z = -inf and u = 0 give NaN, which is not below 1
        return uniforms * (1.0 + np.exp(logits[:, 0] - logits[:, 1])) < 1.0
