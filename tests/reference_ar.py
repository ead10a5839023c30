"""Masked networks in NumPy, in float64 and one full pass per variable: slow and obvious, imports nothing of ours.

Positions are places in the model's order; ``order[d]`` is the variable (column of the data) at position d. Uniforms are
``(n, n_vars)`` by position, ``(n, n_vars, 2)`` for mixtures: component, then value.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from reference import STREAM_REFINE, STREAM_SAMPLE, draws, random_words

HALF_LOG_2_PI = 0.5 * np.log(2.0 * np.pi)
AFFINE_CAP = np.log(1000.0)


class PlainLayer(NamedTuple):
    """activation(biases + weights . source + residual); layer 0 are the inputs."""

    weights: np.ndarray | None  # (units, sources)
    biases: np.ndarray
    activation: str = "linear"
    source: int = 0
    residual: int | None = None


class Plain(NamedTuple):
    """Inputs are the context, then the variables by position, ``n_states`` each (1: the number itself)."""

    layers: Sequence[PlainLayer]
    order: np.ndarray
    head: str
    n_states: int = 1


class Rule(NamedTuple):
    """How samples are tempered and truncated."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None


PLAIN_RULE = Rule()


def sigmoid(x):
    return np.where(x >= 0, 1.0, np.exp(np.minimum(x, 0.0))) / (1.0 + np.exp(-np.abs(x)))


def softplus(x):
    return np.logaddexp(0.0, x)


SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0.0),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0))),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: x * np.vectorize(NormalDist().cdf, otypes=[float])(x),
    "gelu_tanh": lambda x: 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "selu": lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0.0))),
    "mish": lambda x: x * np.tanh(softplus(x)),
}


def inputs(model: Plain, x: np.ndarray, context: np.ndarray | None = None) -> np.ndarray:
    """(n, n_context + n_vars * n_states)."""
    values = np.asarray(x)[:, model.order]
    if model.n_states > 1:
        values = (values[:, :, np.newaxis] == np.arange(model.n_states)).reshape(len(values), -1)
    first = np.empty((len(values), 0)) if context is None else context
    return np.concatenate([first.astype(np.float64), values.astype(np.float64)], axis=1)


def parameters(model: Plain, x: np.ndarray, context: np.ndarray | None = None) -> np.ndarray:
    """What the heads get, (n, n_vars, head_size), by position; those of position d read earlier positions only."""
    layers = [inputs(model, x, context)]
    for layer in model.layers:
        total = np.tile(layer.biases.astype(np.float64), (len(layers[0]), 1))
        if layer.weights is not None:
            total += layers[layer.source] @ layer.weights.astype(np.float64).T
        if layer.residual is not None:
            total += layers[layer.residual]
        layers.append(ACTIVATIONS[layer.activation](total))
    return layers[-1].reshape(len(layers[0]), len(model.order), -1)


# --- heads: z is (..., head_size) ---


def log_softmax(z):
    return z - np.logaddexp.reduce(z, axis=-1, keepdims=True)


def log_probabilities(head: str, z: np.ndarray, rule: Rule = PLAIN_RULE) -> np.ndarray:
    """log p of every state of a discrete variable, (..., n_states); -inf for those that truncation removes."""
    z = z / rule.temperature
    log_p = log_softmax(z) if head == "categorical" else np.stack([-softplus(z[..., 0]), -softplus(-z[..., 0])], -1)
    removed = np.zeros(log_p.shape, bool)
    for index in np.ndindex(log_p.shape[:-1]):
        p = np.exp(log_p[index])
        ranked = np.argsort(-p, kind="stable")
        largest = ranked[: rule.top_k]
        share = p[largest] / p[largest].sum()
        enough = np.zeros(len(largest), bool) if rule.top_p is None else np.cumsum(share) - share >= rule.top_p
        removed[index] = True
        removed[index][largest[~enough]] = False
    with np.errstate(divide="ignore"):
        return log_softmax(np.where(removed, -np.inf, log_p))


def normal_log_density(value, mean, log_sigma):
    with np.errstate(over="ignore"):
        return -0.5 * ((value - mean) * np.exp(-log_sigma)) ** 2 - log_sigma - HALF_LOG_2_PI


def tempered_normal(z: np.ndarray, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and log sigma; the density to the power 1 / temperature has temperature times the variance."""
    return z[..., 0], z[..., 1] + 0.5 * np.log(temperature)


def mixture_parts(z):
    """Log weights, means, log sigmas."""
    logits, means, log_sigmas = np.split(z, 3, axis=-1)
    return log_softmax(logits), means, log_sigmas


def soft_cap(scale):
    return scale / (1.0 + np.abs(scale) / AFFINE_CAP)


def softplus_slope(scale):
    return np.logaddexp(0.0, scale) + 1e-3


def head_terms(head: str, z: np.ndarray, values: np.ndarray, rule: Rule = PLAIN_RULE) -> np.ndarray:
    """log p(values | z); for affine heads log |d noise / d value|."""
    if head in ("bernoulli", "categorical"):
        codes = values.astype(np.int64)[..., np.newaxis]
        return np.take_along_axis(log_probabilities(head, z, rule), codes, -1)[..., 0]
    if head == "normal":
        return normal_log_density(values, *tempered_normal(z, rule.temperature))
    if head == "mixture":
        log_weights, means, log_sigmas = mixture_parts(z)
        return np.logaddexp.reduce(log_weights + normal_log_density(values[..., np.newaxis], means, log_sigmas), -1)
    return np.log(softplus_slope(z[..., 1])) if head == "softplus affine" else soft_cap(z[..., 1])


def first_above(cumulative: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The smallest state whose cumulative probability exceeds u."""
    return np.minimum((cumulative <= u[..., np.newaxis]).sum(axis=-1), cumulative.shape[-1] - 1)


def quantile(u: np.ndarray) -> np.ndarray:
    """Of the standard normal distribution."""
    return np.vectorize(NormalDist().inv_cdf, otypes=[float])(u)


def head_values(head: str, z: np.ndarray, noise: np.ndarray, rule: Rule = PLAIN_RULE) -> np.ndarray:
    """Values by the inverse CDF; ``noise`` holds uniforms, (n, words), or for affine heads what they invert."""
    if head == "bernoulli":
        return noise[:, 0] < np.exp(log_probabilities(head, z, rule)[:, 1])
    if head == "categorical":
        return first_above(np.exp(log_probabilities(head, z, rule)).cumsum(axis=-1), noise[:, 0])
    if head == "normal":
        mean, log_sigma = tempered_normal(z, rule.temperature)
        return mean + np.exp(log_sigma) * quantile(noise[:, 0])
    if head == "mixture":
        log_weights, means, log_sigmas = mixture_parts(z)
        component = first_above(np.exp(log_weights).cumsum(axis=-1), noise[:, 0])
        row = np.arange(len(z))
        return means[row, component] + np.exp(log_sigmas[row, component]) * quantile(noise[:, 1])
    slope = softplus_slope(z[:, 1]) if head == "softplus affine" else np.exp(soft_cap(z[:, 1]))
    return (noise[:, 0] - z[:, 0]) / slope


def thresholds(head: str, z: np.ndarray) -> np.ndarray:
    """Numbers at which the value that a uniform gives changes, (..., n_thresholds)."""
    if head == "bernoulli":
        return sigmoid(z[..., :1])
    logits = z if head == "categorical" else z[..., : z.shape[-1] // 3]
    return np.exp(log_softmax(logits)).cumsum(axis=-1)[..., :-1]


# --- models ---


def terms(model: Plain, x: np.ndarray, context: np.ndarray | None = None, rule: Rule = PLAIN_RULE) -> np.ndarray:
    """log p(x_v | earlier variables), (n, n_vars), in the order of x's columns."""
    x = np.asarray(x)
    by_position = head_terms(model.head, parameters(model, x, context), x[:, model.order], rule)
    out = np.empty(by_position.shape)
    out[:, model.order] = by_position
    return out


def log_prob(model: Plain, x: np.ndarray, context: np.ndarray | None = None) -> np.ndarray:
    return terms(model, x, context).sum(axis=1)


def sample(
    model: Plain,
    uniforms: np.ndarray,
    prefix: np.ndarray | None = None,
    context: np.ndarray | None = None,
    rule: Rule = PLAIN_RULE,
) -> np.ndarray:
    """The naive way: the whole network anew for every variable. Prefixes are by position."""
    n, n_vars = uniforms.shape[:2]
    given = 0 if prefix is None else prefix.shape[1]
    x = np.zeros((n, n_vars))
    for d, variable in enumerate(model.order):
        if d < given:
            x[:, variable] = prefix[:, d]
        else:
            z = parameters(model, x, context)[:, d]
            x[:, variable] = head_values(model.head, z, uniforms[:, d].reshape(n, -1), rule)
    return x


def uniforms(key: int, start: int, n: int, n_words: int, dtype: type) -> np.ndarray:
    """(n, n_words) from Philox: the 64 bits of each word over 2**64, rounded to ``dtype`` and kept inside (0, 1).

    In float32 a first word of 2**24 or more is rounded alone: only shorter ones need the second.
    """
    rows = np.uint64(start) + np.arange(n, dtype=np.uint64)
    out = np.empty((n, n_words), dtype)
    for word in range(n_words):
        high, low = (random_words(key, rows, word, stream) for stream in (STREAM_SAMPLE, STREAM_REFINE))
        exact = (high.astype(np.float64) + low.astype(np.float64) * 2.0**-32) * 2.0**-32 + 2.0**-65
        if dtype is np.float32:
            exact = np.where(high >= 2**24, high.astype(np.float32) * np.float32(2.0**-32), exact.astype(np.float32))
        out[:, word] = np.minimum(exact, 1.0 - np.finfo(dtype).epsneg)
    return out


def exact_numbers(key: int, start: int, n: int, n_words: int) -> np.ndarray:
    """The 64-bit numbers behind the uniforms, (n, n_words)."""
    rows = np.uint64(start) + np.arange(n, dtype=np.uint64)
    return np.stack([draws(key, rows, word) for word in range(n_words)], axis=1)


def all_rows(n_vars: int, n_states: int = 2) -> np.ndarray:
    """Every assignment, (n_states**n_vars, n_vars)."""
    return np.array(list(product(range(n_states), repeat=n_vars)))
