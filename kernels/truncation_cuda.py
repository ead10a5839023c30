"""Tempering and truncation on the device, of one row: column i of ``state``; the rules of truncation.py."""

from __future__ import annotations

import math
from typing import Any

from numba import cuda, float64

from . import truncation
from .activations import sigmoid
from .heads import BERNOULLI, NORMAL
from .truncation import EXCLUDED

__all__ = ["temper_row"]

device: Any = cuda.jit(device=True)
truncate = truncation._truncate  # the lane that it is told of is the column here


@device
def _temper_logit(state, at, rule, own, i):
    """The logit that draws; infinite where only one state stays."""
    kind = type(state[at, i])
    z = state[at, i] * kind(1.0 / rule.temperature)
    x = float64(z)
    if x == x and (rule.top_k == 1 or sigmoid(abs(x)) >= rule.top_p):
        z = kind(-EXCLUDED if x > 0 else EXCLUDED)
    state[own, i] = z


@device
def _temper_logits(state, at, size, rule, own, i):
    """Several logits; cold ones relative to the largest, which could not overflow upwards."""
    kind = type(state[at, i])
    factor, largest = kind(1.0 / rule.temperature), kind(0.0)
    if rule.temperature < 1.0:
        largest = kind(-math.inf)
        for k in range(at, at + size):
            largest = max(largest, state[k, i])
        if largest == -math.inf:
            largest = kind(0.0)
    for k in range(size):
        state[own + k, i] = (state[at + k, i] - largest) * factor
    heap = state[own + size : own + 2 * size, i]
    if rule.top_k > 0:
        truncate(state, own, size, i, rule.top_k, 1.0, heap)
    if rule.top_p < 1.0:
        truncate(state, own, size, i, size, rule.top_p, heap)


@device
def temper_row(head, state, at, size, rule, own, i):
    """Rows ``own`` .. of the state = the parameters that draw by a ``truncation.Rule``; as many after them are scratch
    of CATEGORICAL heads."""
    if head == BERNOULLI:
        _temper_logit(state, at, rule, own, i)
    elif head == NORMAL:
        kind = type(state[at, i])
        state[own, i] = state[at, i]
        state[own + 1, i] = state[at + 1, i] + kind(0.5 * math.log(rule.temperature))
    else:
        _temper_logits(state, at, size, rule, own, i)
