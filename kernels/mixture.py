"""A real x from M Normals, the component by its probability: p(x) = sum_k p(k) Normal(x; m_k, e^{s_k}).

The 3 M parameters are logits of the components, means and log sigmas.

    drawn by two words       the first chooses a component as in categorical.py, the second draws as in normal.py
    log p(x)                 log sum_k e^{z_k} Normal(x; k) - log sum_k e^{z_k}
    d log p(x)               responsibility r_k = p(k | x): by z_k: r_k - p(k); by the rest: r_k times a Normal's
"""

from __future__ import annotations

import numpy as np

from .categorical import draw_categorical, normalise
from .elementary import exp, log_wide
from .head_scratch import BELOW, JOINT, LARGEST, REACHED, TERM, TOTAL, mark_infinite, wide_row
from .jit import loop, wide_vectors
from .normal import normal_value, score_component, slope_component

__all__ = ["draw_mixture", "score_mixture", "slope_mixture"]


@loop
def draw_mixture(z, at, size, noise, w, values, v, scratch):
    """values[v] = a component by the uniform noise[w], then its Normal by the standard normal noise[w + 1]."""
    wide_vectors()
    m = size // 3
    draw_categorical(z, at, m, noise, w, values, v, scratch)
    for i in range(values.shape[1]):
        k = np.int64(values[v, i])
        values[v, i] = normal_value(noise[w + 1, i], z[at + m + k, i], z[at + 2 * m + k, i])
    mark_infinite(values, v, scratch)


@loop
def _joint_terms(z, at, m, values, v, scratch):
    """scratch[JOINT + k] = logit_k + log Normal(value; mean_k, sigma_k)."""
    wide_vectors()
    for k in range(m):
        score_component(z, at + m + k, at + 2 * m + k, values, v, scratch, JOINT + k)
        for i in range(values.shape[1]):
            scratch[JOINT + k, i] += z[at + k, i]


@loop
def score_mixture(z, at, size, values, v, scratch):
    """scratch[TERM] = log p(values[v])"""
    wide_vectors()
    m = size // 3
    normalise(z, at, m, scratch)
    normaliser = wide_row(scratch, REACHED)
    for i in range(values.shape[1]):
        normaliser[i] = scratch[LARGEST, i] + log_wide(scratch[TOTAL, i])
    _joint_terms(z, at, m, values, v, scratch)
    normalise(scratch, JOINT, m, scratch)
    for i in range(values.shape[1]):
        joint = scratch[LARGEST, i] + log_wide(scratch[TOTAL, i])
        scratch[TERM, i] = scratch.dtype.type(joint - normaliser[i])


@loop
def slope_mixture(z, at, size, values, v, weight, scratch):
    """The parameters become the gradient of weight * log p(values[v]); scratch[TERM] the one by the value."""
    wide_vectors()
    m = size // 3
    _joint_terms(z, at, m, values, v, scratch)
    normalise(scratch, JOINT, m, scratch)
    for k in range(m):
        for i in range(values.shape[1]):
            share = exp(scratch[JOINT + k, i] - scratch[LARGEST, i]) / scratch[TOTAL, i]
            scratch[JOINT + k, i] = share * weight[i]
    normalise(z, at, m, scratch)
    for i in range(values.shape[1]):
        scratch[BELOW, i] = 0
    for k in range(m):
        for i in range(values.shape[1]):
            share = exp(z[at + k, i] - scratch[LARGEST, i]) / scratch[TOTAL, i]
            z[at + k, i] = scratch[JOINT + k, i] - share * weight[i]
        slope_component(z, at + m + k, at + 2 * m + k, values, v, scratch[JOINT + k], scratch)
        for i in range(values.shape[1]):
            scratch[BELOW, i] += scratch[TERM, i]
    for i in range(values.shape[1]):
        scratch[TERM, i] = scratch[BELOW, i]
