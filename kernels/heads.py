"""Output heads: what the parameters z of a variable mean. Each works on rows of lanes, one lane per row of data.

BERNOULLI    z = logit;                                   p(x = 1) = sigmoid(z)
CATEGORICAL  z = K logits;                                p(x = k) = exp(z_k) / sum_j exp(z_j)
NORMAL       z = mean, log sigma;                         x = mean + sigma * noise
MIXTURE      z = M logits, M means, M log sigmas;         component by its probability, then as NORMAL
AFFINE       z = shift, scale of zuko's MAF;              noise = x * exp(s) + shift, s = scale / (1 + |scale| / CAP)
"""

from __future__ import annotations

import math

import numpy as np
from numba import float64

from .functions import HALF_LOG_2_PI, exp, log, sigmoid, softplus
from .jit import loop, scalar

BERNOULLI, CATEGORICAL, NORMAL, MIXTURE, AFFINE = range(5)
AFFINE_CAP = math.log(1000.0)  # zuko's MonotonicAffineTransform(slope=1e-3)
EXCLUDED = -1e30  # logit of a state that truncation has removed


# Bernoulli --------------------------------------------------------------------------------------------------------


@loop
def _draw_bernoulli(z, uniform, value):
    one, zero = value.dtype.type(1), value.dtype.type(0)
    for i in range(value.size):
        value[i] = one if uniform[i] * (one + exp(-z[i])) < one else zero


@loop
def _score_bernoulli(z, value, term):
    for i in range(value.size):
        term[i] = value[i] * z[i] - softplus(z[i])


@loop
def _slope_bernoulli(z, value, weight):
    """z becomes the gradient of weight * log p(value)."""
    for i in range(value.size):
        z[i] = (value[i] - sigmoid(z[i])) * weight[i]


# Categorical ------------------------------------------------------------------------------------------------------


@loop
def _largest(z, largest):
    largest[:] = -np.inf
    for k in range(z.shape[0]):
        own = z[k]
        for i in range(largest.size):
            largest[i] = max(largest[i], own[i])


@loop
def _add_exponentials(z, largest, total):
    total[:] = 0
    for k in range(z.shape[0]):
        own = z[k]
        for i in range(total.size):
            total[i] += exp(own[i] - largest[i])


@loop
def _draw_categorical(z, uniform, value, scratch):
    """The smallest state whose cumulative probability exceeds the uniform; the last possible one if rounding leaves
    none."""
    largest, total, below = scratch[0], scratch[1], scratch[2]
    _largest(z, largest)
    _add_exponentials(z, largest, total)
    below[:] = 0
    value[:] = -1
    for k in range(z.shape[0]):
        _advance(z[k], largest, total, uniform, k, below, value)
    for i in range(value.size):
        if value[i] < 0:
            k = z.shape[0] - 1
            while exp(z[k, i] - largest[i]) == 0:
                k -= 1
            value[i] = k


@loop
def _advance(z, largest, total, uniform, k, below, value):
    code, undecided = value.dtype.type(k), value.dtype.type(-1)
    for i in range(value.size):
        below[i] += exp(z[i] - largest[i])
        value[i] = code if value[i] == undecided and below[i] > uniform[i] * total[i] else value[i]


@loop
def _score_categorical(z, value, term, scratch):
    largest, total = scratch[0], scratch[1]
    _largest(z, largest)
    _add_exponentials(z, largest, total)
    for i in range(value.size):
        term[i] = z[np.int64(value[i]), i] - largest[i] - log(total[i])


@loop
def _slope_categorical(z, value, weight, scratch):
    largest, total = scratch[0], scratch[1]
    _largest(z, largest)
    _add_exponentials(z, largest, total)
    one, zero = value.dtype.type(1), value.dtype.type(0)
    for k in range(z.shape[0]):
        own, code = z[k], value.dtype.type(k)
        for i in range(value.size):
            hit = one if value[i] == code else zero
            own[i] = (hit - exp(own[i] - largest[i]) / total[i]) * weight[i]


# Normal and affine ------------------------------------------------------------------------------------------------


@loop
def _draw_normal(mean, log_sigma, noise, value):
    for i in range(value.size):
        value[i] = mean[i] + exp(log_sigma[i]) * noise[i]


@loop
def _score_normal(mean, log_sigma, value, term):
    constant = value.dtype.type(HALF_LOG_2_PI)
    half = value.dtype.type(0.5)
    for i in range(value.size):
        r = (value[i] - mean[i]) * exp(-log_sigma[i])
        term[i] = -half * r * r - log_sigma[i] - constant


@loop
def _slope_normal(mean, log_sigma, value, weight, by_value):
    """mean and log_sigma become their gradients; ``by_value`` gets the one by the value itself."""
    one = value.dtype.type(1)
    for i in range(value.size):
        inverse = exp(-log_sigma[i])
        r = (value[i] - mean[i]) * inverse
        mean[i] = r * inverse * weight[i]
        log_sigma[i] = (r * r - one) * weight[i]
        by_value[i] = -mean[i]


@scalar
def _soft_cap(scale):
    one, cap = type(scale)(1), type(scale)(1.0 / AFFINE_CAP)
    return scale / (one + abs(scale) * cap)


@loop
def _draw_affine(shift, scale, noise, value):
    for i in range(value.size):
        value[i] = (noise[i] - shift[i]) * exp(-_soft_cap(scale[i]))


@loop
def _score_affine(shift, scale, value, term):
    """term = log |d noise / d value|; value becomes noise."""
    for i in range(value.size):
        term[i] = _soft_cap(scale[i])
        value[i] = value[i] * exp(term[i]) + shift[i]


# Mixtures of Normals ----------------------------------------------------------------------------------------------


@loop
def _draw_mixture(z, uniform, noise, value, scratch):
    m = z.shape[0] // 3
    _draw_categorical(z[:m], uniform, value, scratch)
    for i in range(value.size):
        k = np.int64(value[i])
        value[i] = z[m + k, i] + exp(z[2 * m + k, i]) * noise[i]


@loop
def _component_terms(z, value, joint, largest):
    """joint[k] = logit_k + log Normal(value; mean_k, sigma_k), and their maximum."""
    m = joint.shape[0]
    for k in range(m):
        _score_normal(z[m + k], z[2 * m + k], value, joint[k])
        own, logit = joint[k], z[k]
        for i in range(value.size):
            own[i] += logit[i]
    _largest(joint, largest)


@loop
def _score_mixture(z, value, term, scratch):
    m = z.shape[0] // 3
    largest, total, joint = scratch[0], scratch[1], scratch[2 : 2 + m]
    _largest(z[:m], largest)
    _add_exponentials(z[:m], largest, total)
    for i in range(value.size):
        term[i] = -largest[i] - log(total[i])
    _component_terms(z, value, joint, largest)
    _add_exponentials(joint, largest, total)
    for i in range(value.size):
        term[i] += largest[i] + log(total[i])


@loop
def _slope_mixture(z, value, weight, by_value, scratch):
    """Responsibility r_k = p(component k | value); every gradient is a Normal's times r_k."""
    m = z.shape[0] // 3
    largest, total, joint, share = scratch[0], scratch[1], scratch[2 : 2 + m], scratch[2 + m]
    _component_terms(z, value, joint, largest)
    _add_exponentials(joint, largest, total)
    for k in range(m):
        own = joint[k]
        for i in range(value.size):
            own[i] = exp(own[i] - largest[i]) / total[i] * weight[i]
    _largest(z[:m], largest)
    _add_exponentials(z[:m], largest, total)
    by_value[:] = 0
    for k in range(m):
        logit, responsibility = z[k], joint[k]
        for i in range(value.size):
            logit[i] = responsibility[i] - exp(logit[i] - largest[i]) / total[i] * weight[i]
        _slope_normal(z[m + k], z[2 * m + k], value, responsibility, share)
        for i in range(value.size):
            by_value[i] += share[i]


# Any head ---------------------------------------------------------------------------------------------------------


@loop
def draw_lanes(head, z, noise, value, scratch):
    """value = what parameters z (n_parameters, lanes) and noise (words, lanes) give."""
    if head == BERNOULLI:
        _draw_bernoulli(z[0], noise[0], value)
    elif head == CATEGORICAL:
        _draw_categorical(z, noise[0], value, scratch)
    elif head == NORMAL:
        _draw_normal(z[0], z[1], noise[0], value)
    elif head == MIXTURE:
        _draw_mixture(z, noise[0], noise[1], value, scratch)
    else:
        _draw_affine(z[0], z[1], noise[0], value)


@loop
def score_lanes(head, z, value, term, scratch):
    """term = log p(value); for AFFINE the log-derivative, and value becomes noise."""
    if head == BERNOULLI:
        _score_bernoulli(z[0], value, term)
    elif head == CATEGORICAL:
        _score_categorical(z, value, term, scratch)
    elif head == NORMAL:
        _score_normal(z[0], z[1], value, term)
    elif head == MIXTURE:
        _score_mixture(z, value, term, scratch)
    else:
        _score_affine(z[0], z[1], value, term)


@loop
def slope_lanes(head, z, value, weight, by_value, scratch):
    """z becomes the gradient of weight * log p(value) by z; ``by_value`` the one by value, for real values."""
    if head == BERNOULLI:
        _slope_bernoulli(z[0], value, weight)
    elif head == CATEGORICAL:
        _slope_categorical(z, value, weight, scratch)
    elif head == NORMAL:
        _slope_normal(z[0], z[1], value, weight, by_value)
    elif head == MIXTURE:
        _slope_mixture(z, value, weight, by_value, scratch)


# Tempering and truncation -----------------------------------------------------------------------------------------


@loop
def temper_lanes(head, z, temperature, top_k, top_p, tempered):
    """tempered = the parameters that draw at this temperature, among the top_k states (0: all), of mass top_p."""
    if head == NORMAL:
        _scale(z[0], 1.0, 0.0, tempered[0])
        _scale(z[1], 1.0, 0.5 * math.log(temperature), tempered[1])
        return
    for k in range(z.shape[0]):
        _scale(z[k], 1.0 / temperature, 0.0, tempered[k])
    if head == BERNOULLI:
        _truncate_bernoulli(tempered[0], top_k, top_p)
    elif top_k > 0 or top_p < 1.0:
        for i in range(tempered.shape[1]):
            _truncate_categorical(tempered[:, i], top_k, top_p)


@loop
def _scale(z, factor, shift, out):
    factor, shift = out.dtype.type(factor), out.dtype.type(shift)
    for i in range(out.size):
        out[i] = z[i] * factor + shift


@loop
def _truncate_bernoulli(z, top_k, top_p):
    for i in range(z.size):
        likely = 1.0 / (1.0 + math.exp(-abs(float64(z[i]))))
        if top_k == 1 or likely >= top_p:
            z[i] = -EXCLUDED if z[i] > 0 else EXCLUDED


@loop
def _next_ranked(z, previous):
    """The most probable state after ``previous`` (-1: the very first); of equals the lower comes first."""
    best = -1
    for k in range(z.size):
        after = previous < 0 or z[k] < z[previous] or (z[k] == z[previous] and k > previous)
        if after and (best < 0 or z[k] > z[best]):
            best = k
    return best


@loop
def _truncate_categorical(z, top_k, top_p):
    """Keep states from the most probable on until there are top_k of them or their mass is top_p."""
    peak, total = float64(z[_next_ranked(z, -1)]), 0.0
    for k in range(z.size):
        total += math.exp(float64(z[k]) - peak)
    last, kept, mass = -1, 0, 0.0
    while kept < z.size and (top_k == 0 or kept < top_k) and mass < top_p * total:
        last = _next_ranked(z, last)
        kept += 1
        mass += math.exp(float64(z[last]) - peak)
    lowest = z[last]
    for k in range(z.size):
        if z[k] < lowest or (z[k] == lowest and k > last):
            z[k] = EXCLUDED
