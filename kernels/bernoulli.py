"""A bit x with logit z: p(x = 1) = sigmoid(z) = 1 / (1 + exp(-z)).

    drawn by a uniform u    x = 1 where u < sigmoid(z), without a division: u (1 + exp(-z)) < 1
    log p(x)                log sigmoid(z) or log sigmoid(-z) = -log(1 + exp(-+z))
    d log p(x) / d z        x - sigmoid(z)

First for one number, as NADE and the CUDA twins call them; then as a head, for a row of lanes (see heads.py).
"""

from __future__ import annotations

from .activations import sigmoid, softplus
from .elementary import exp
from .head_scratch import TERM, UNDEFINED
from .jit import loop, scalar, wide_vectors

__all__ = [
    "bit_log_prob",
    "bit_slope",
    "draw_bernoulli",
    "draw_bit",
    "draw_likely_bit",
    "likely_bit_log_prob",
    "score_bernoulli",
    "slope_bernoulli",
]


@scalar
def draw_bit(z, u):
    """Whether u < sigmoid(z); u has the type of z."""
    one = type(z)(1)
    return u * (one + exp(-z)) < one


@scalar
def draw_likely_bit(z, u, sure):
    """As ``draw_bit``, but the more probable state (of equal ones 0) where its probability is at least ``sure``."""
    one = type(z)(1)
    likely = z > type(z)(0)
    return likely if sure * (one + exp(-abs(z))) <= one else draw_bit(z, u)


@scalar
def bit_log_prob(x, z):
    """log sigmoid(z) or log sigmoid(-z): no difference of large numbers."""
    return -softplus(-z if x else z)


@scalar
def likely_bit_log_prob(x, z, sure):
    """log p of a bit that ``draw_likely_bit`` drew."""
    one = type(z)(1)
    return type(z)(0) if sure * (one + exp(-abs(z))) <= one else bit_log_prob(x, z)


@scalar
def bit_slope(x, z):
    """d log p(x) / d z"""
    return (type(z)(1) if x else type(z)(0)) - sigmoid(z)


# Lanes ------------------------------------------------------------------------------------------------------------


@loop
def draw_bernoulli(z, at, size, noise, w, values, v, scratch):
    """values[v] = bits of the logits z[at]; ``noise`` has the type of z."""
    wide_vectors()
    one, zero = values.dtype.type(1), values.dtype.type(0)
    for i in range(values.shape[1]):
        values[v, i] = one if draw_bit(z[at, i], noise[w, i]) else zero
        scratch[UNDEFINED, i] = scratch[UNDEFINED, i] if z[at, i] == z[at, i] else one


@loop
def score_bernoulli(z, at, size, values, v, scratch):
    """scratch[TERM] = log p(values[v])"""
    wide_vectors()
    for i in range(values.shape[1]):
        scratch[TERM, i] = bit_log_prob(values[v, i], z[at, i])


@loop
def slope_bernoulli(z, at, size, values, v, weight, scratch):
    """z[at] becomes the gradient of weight * log p(values[v])."""
    wide_vectors()
    for i in range(values.shape[1]):
        z[at, i] = bit_slope(values[v, i], z[at, i]) * weight[i]
