"""NADE in NumPy, one variable after the other in float64: slow and obvious, imports nothing of ours."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Plain(NamedTuple):
    """Weights in the user's order of variables; ``order`` is the variable at each position."""

    W: np.ndarray
    V: np.ndarray
    b: np.ndarray
    c: np.ndarray
    order: np.ndarray
    activation: str = "sigmoid"


def sigmoid(x):
    return np.where(x >= 0, 1.0, np.exp(np.minimum(x, 0.0))) / (1.0 + np.exp(-np.abs(x)))


def logits(model: Plain, x: np.ndarray) -> np.ndarray:
    """(n, n_vars) in the user's order; the column of a variable depends on earlier ones only."""
    x = np.asarray(x, np.float64)
    out = np.empty(x.shape)
    for d, variable in enumerate(model.order):
        before = model.order[:d]
        a = model.c.astype(np.float64) + x[:, before] @ model.W[before].astype(np.float64)
        h = sigmoid(a) if model.activation == "sigmoid" else np.maximum(a, 0.0)
        out[:, variable] = model.b[variable] + h @ model.V[variable].astype(np.float64)
    return out


def terms(model: Plain, x: np.ndarray) -> np.ndarray:
    z = logits(model, x)
    return np.where(np.asarray(x) == 1, z, 0.0) - np.logaddexp(0.0, z)


def log_prob(model: Plain, x: np.ndarray) -> np.ndarray:
    return terms(model, x).sum(axis=1)


def sample(model: Plain, uniforms: np.ndarray, prefix: np.ndarray | None = None) -> np.ndarray:
    """The naive way: all logits anew for every variable. Uniforms and prefix are in the model's order."""
    n, n_vars = uniforms.shape
    x = np.zeros((n, n_vars), np.uint8)
    for d, variable in enumerate(model.order):
        if prefix is not None and d < prefix.shape[1]:
            x[:, variable] = prefix[:, d]
        else:
            x[:, variable] = uniforms[:, d] < sigmoid(logits(model, x)[:, variable])
    return x


def all_rows(n_vars: int) -> np.ndarray:
    """Every assignment, (2**n_vars, n_vars)."""
    return (np.arange(2**n_vars)[:, np.newaxis] >> np.arange(n_vars) & 1).astype(np.uint8)
