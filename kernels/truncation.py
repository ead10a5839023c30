"""Tempering and truncation: the parameters that a head draws from instead of its own.

    temperature T    logits / T; the variance of a Normal times T
    top_k            the k most probable states
    top_p            of what is left then, the most probable states until their share is at least p

They follow one another in this order, as in the samplers of language models; of equally probable states those of lower
code stay. Truncation takes the most probable states one by one from a heap: a sort at most, and little for few.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import float64

from .activations import sigmoid
from .categorical import find_largest
from .head_scratch import JOINT, LARGEST
from .jit import loop, wide_vectors

__all__ = ["Rule", "temper_bernoulli", "temper_categorical", "temper_normal"]

EXCLUDED = -np.inf  # logit of a state that truncation has removed
FIRST = np.int64(0)


class Rule(NamedTuple):
    """What the parameters are changed by."""

    temperature: float
    top_k: int  # 0: all
    top_p: float


@loop
def temper_bernoulli(z, at, size, rule, own, scratch):
    """z[own] = the logit that draws; infinite where only one state stays."""
    _scale(z, at, size, 1.0 / rule.temperature, own)
    for i in range(z.shape[1]):
        x = float64(z[own, i])
        likely = sigmoid(abs(x))
        if x == x and (rule.top_k == 1 or likely >= rule.top_p):
            z[own, i] = -EXCLUDED if x > 0 else EXCLUDED


@loop
def temper_categorical(z, at, size, rule, own, scratch):
    """Cold logits are taken relative to the largest first: those could not overflow upwards."""
    if rule.temperature < 1.0:
        _scale_below_largest(z, at, size, 1.0 / rule.temperature, own, scratch)
    else:
        _scale(z, at, size, 1.0 / rule.temperature, own)
    heap = scratch.reshape(scratch.size)[JOINT * z.shape[1] :]
    for i in range(z.shape[1]):
        if rule.top_k > 0:
            _truncate(z, own, size, i, rule.top_k, 1.0, heap)
        if rule.top_p < 1.0:
            _truncate(z, own, size, i, size, rule.top_p, heap)


@loop
def temper_normal(z, at, size, rule, own, scratch):
    """Rows ``own``: the mean, and the log sigma of T times the variance."""
    shift = z.dtype.type(0.5 * math.log(rule.temperature))
    for i in range(z.shape[1]):
        z[own, i] = z[at, i]
        z[own + 1, i] = z[at + 1, i] + shift


@loop
def _scale(z, at, size, factor, own):
    wide_vectors()
    factor = z.dtype.type(factor)
    for k in range(size):
        for i in range(z.shape[1]):
            z[own + k, i] = z[at + k, i] * factor


@loop
def _scale_below_largest(z, at, size, factor, own, scratch):
    wide_vectors()
    find_largest(z, at, size, scratch)
    factor = z.dtype.type(factor)
    for k in range(size):
        for i in range(z.shape[1]):
            z[own + k, i] = (z[at + k, i] - scratch[LARGEST, i]) * factor


# Truncation -------------------------------------------------------------------------------------------------------


@loop
def _sift_down(heap, root, size):
    """Let the number at ``root`` sink to where no child is larger."""
    x = heap[root]
    child = 2 * root + 1
    while child < size:
        if child + 1 < size:
            child += np.int64(heap[child + 1] > heap[child])
        if not heap[child] > x:
            break
        heap[root] = heap[child]
        root = child
        child = 2 * root + 1
    heap[root] = x


@loop
def _pop(heap, size):
    """The largest of ``size`` numbers, which leaves one fewer."""
    largest = heap[0]
    heap[0] = heap[size - 1]
    _sift_down(heap, FIRST, size - 1)
    return largest


@loop
def _last_kept(heap, size, top_k, top_p, total):
    """The least probable logit that stays, and how many of those that stay are equal to it."""
    peak = float64(heap[0])
    least, kept, equal, mass = heap[0], 0, 0, 0.0
    while kept < min(top_k, size) and (top_p >= 1.0 or mass < top_p * total):
        x = _pop(heap, size - kept)
        equal = equal + 1 if x == least else 1
        least = x
        kept += 1
        mass += math.exp(float64(x) - peak)
    return least, equal


@loop
def _truncate(z, begin, size, i, top_k, top_p, heap):
    """Lane i of rows begin .. begin + size: EXCLUDED but for the top_k largest until their share of all is top_p.

    ``heap`` is scratch for ``size`` numbers.
    """
    for k in range(size):
        heap[k] = z[begin + k, i]
    for root in range(size // 2 - 1, -1, -1):
        _sift_down(heap, np.int64(root), size)
    peak, total = float64(heap[0]), 0.0
    if top_p < 1.0:
        for k in range(size):
            total += math.exp(float64(z[begin + k, i]) - peak)
    least, equal = _last_kept(heap, size, top_k, top_p, total)
    for k in range(begin, begin + size):
        if z[k, i] == least and equal > 0:
            equal -= 1
        elif z[k, i] <= least:
            z[k, i] = EXCLUDED
