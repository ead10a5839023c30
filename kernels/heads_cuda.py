"""The heads of heads.py for one row of data: column i of ``state``, whose rows from ``at`` on are the parameters."""

from __future__ import annotations

import math
from typing import Any

from numba import cuda, float64

from .affine import affine_value, soft_cap, softplus_affine_value, softplus_slope
from .bernoulli import bit_log_prob, draw_bit
from .categorical import state_of
from .elementary import exp, log, log_wide
from .heads import BERNOULLI, CATEGORICAL, MIXTURE, NORMAL, SOFTPLUS_AFFINE
from .normal import normal_term, normal_value

__all__ = ["head_log_prob", "head_value", "is_undefined", "likelihood", "log_total"]

device: Any = cuda.jit(device=True)


@device
def log_total(state, at, size, i):
    """The largest of several logits, and the sum of exp(logit - largest) in float64; see ``categorical.normalise``."""
    largest = type(state[at, i])(-math.inf)
    for k in range(at, at + size):
        largest = max(largest, state[k, i])
    if largest == -math.inf:
        largest = type(largest)(0)
    total = float64(0.0)
    for k in range(at, at + size):
        total += exp(state[k, i] - largest)
    return largest, total


@device
def _mixture_log_prob(state, at, size, value, i):
    """log sum_k p(k) Normal(value; mean_k, sigma_k)"""
    m = size // 3
    largest, total = log_total(state, at, m, i)
    normaliser = largest + log_wide(type(largest)(total))
    top, joint = type(largest)(-math.inf), float64(0.0)
    for k in range(at, at + m):
        top = max(top, state[k, i] + normal_term(value, state[k + m, i], state[k + 2 * m, i]))
    if top == -math.inf:  # of densities that are 0, or of terms that are all NaN, which the sum shows
        top = type(largest)(0)
    for k in range(at, at + m):
        joint += exp(state[k, i] + normal_term(value, state[k + m, i], state[k + 2 * m, i]) - top)
    return type(largest)(top + log_wide(type(largest)(joint)) - normaliser)


@device
def _categorical_log_prob(state, at, size, value, i):
    """log of the softmax, at the state that ``value`` is."""
    largest, total = log_total(state, at, size, i)
    own = float64(state[at + state_of(value, size), i])
    return type(largest)(own - float64(largest) - log_wide(type(largest)(total)))


@device
def likelihood(head, state, at, size, value, i):
    """log p(value) of heads that are trained here: without affine ones, whose code would cost registers."""
    z = state[at, i]
    value = type(z)(value)
    if head == BERNOULLI:
        return bit_log_prob(value, z)
    if head == CATEGORICAL:
        return _categorical_log_prob(state, at, size, value, i)
    if head == MIXTURE:
        return _mixture_log_prob(state, at, size, value, i)
    return normal_term(value, z, state[at + 1, i])


@device
def head_log_prob(head, state, at, size, value, i):
    """log p(value); for affine heads log |d noise / d value|. Calling ``likelihood`` here would cost 15 registers."""
    z = state[at, i]
    value = type(z)(value)
    if head == BERNOULLI:
        return bit_log_prob(value, z)
    if head == CATEGORICAL:
        return _categorical_log_prob(state, at, size, value, i)
    if head == NORMAL:
        return normal_term(value, z, state[at + 1, i])
    if head == MIXTURE:
        return _mixture_log_prob(state, at, size, value, i)
    if head == SOFTPLUS_AFFINE:
        return log(softplus_slope(state[at + 1, i]))
    return soft_cap(state[at + 1, i])


@device
def _pick_state(state, at, size, u, i):
    """The smallest state whose cumulative probability exceeds u: as many as there are sums that do not."""
    largest, total = log_total(state, at, size, i)
    reached, k = float64(0.0), 0
    for j in range(at, at + size):
        reached += exp(state[j, i] - largest)
        k += 1 if reached <= u * total else 0
    return min(k, size - 1)


@device
def head_value(head, state, at, size, noise, i):
    """What the head draws by its two random words, float64; only MIXTURE heads have a second one."""
    z = state[at, i]
    if head == MIXTURE:
        m = size // 3
        k = at + _pick_state(state, at, m, noise[0], i)
        return normal_value(noise[1], state[k + m, i], state[k + 2 * m, i])
    if head == BERNOULLI:
        return type(z)(1 if draw_bit(z, type(z)(noise[0])) else 0)
    if head == CATEGORICAL:
        return type(z)(_pick_state(state, at, size, noise[0], i))
    if head == NORMAL:
        return normal_value(noise[0], z, state[at + 1, i])
    if head == SOFTPLUS_AFFINE:
        return softplus_affine_value(noise[0], z, state[at + 1, i])
    return affine_value(noise[0], z, state[at + 1, i])


@device
def is_undefined(head, state, at, size, value, i):
    """Whether the parameters, or the value that they drew, have left the range of their type."""
    if head == BERNOULLI:
        return state[at, i] != state[at, i]
    if head == CATEGORICAL:
        return not log_total(state, at, size, i)[1] >= 1.0
    if head == MIXTURE and not log_total(state, at, size // 3, i)[1] >= 1.0:
        return True
    return value - value != 0
