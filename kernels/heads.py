"""Output heads: what the parameters z of a variable mean, for a row of lanes at a time.

BERNOULLI    z = logit;                                   p(x = 1) = sigmoid(z)
CATEGORICAL  z = K logits;                                p(x = k) = exp(z_k) / sum_j exp(z_j)
NORMAL       z = mean, log sigma;                         x = mean + sigma * noise
MIXTURE      z = M logits, M means, M log sigmas;         component by its probability, then as NORMAL
AFFINE       z = shift, scale of zuko's MAF;              noise = x * exp(s) + shift, s = scale / (1 + |scale| / CAP)

Loops take whole matrices and row numbers: a slice of an array costs more than what they do. ``z`` is (rows, lanes),
parameters in rows ``at`` .. ``at + size``; ``values`` has the variable's value in row ``v``; results of scoring are
row TERM of ``scratch`` (JOINT + size, lanes), whose other rows are free.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import float64
from numba.extending import overload

from .functions import HALF_LOG_2_PI, INLINED, exp, log, sigmoid, softplus, wide_vectors
from .jit import loop, scalar

BERNOULLI, CATEGORICAL, NORMAL, MIXTURE, AFFINE = range(5)
AFFINE_CAP = math.log(1000.0)  # zuko's MonotonicAffineTransform(slope=1e-3)
EXCLUDED = -1e30  # logit of a state that truncation has removed
LOWEST = -3e38  # the largest of several logarithms counts as at least this: -inf minus -inf would be NaN

TERM, LARGEST, TOTAL, BELOW, JOINT = range(5)  # rows of scratch; from JOINT on one for each parameter


# Bernoulli --------------------------------------------------------------------------------------------------------


@loop
def _draw_bernoulli(z, at, size, noise, w, values, v, scratch):
    wide_vectors()
    one, zero = values.dtype.type(1), values.dtype.type(0)
    for i in range(values.shape[1]):
        values[v, i] = one if noise[w, i] * (one + exp(-z[at, i])) < one else zero


@loop
def _score_bernoulli(z, at, size, values, v, scratch):
    wide_vectors()
    one, two = values.dtype.type(1), values.dtype.type(2)
    for i in range(values.shape[1]):  # log sigmoid(z) or log sigmoid(-z): no difference of large numbers
        scratch[TERM, i] = -softplus((one - two * values[v, i]) * z[at, i])


@loop
def _slope_bernoulli(z, at, size, values, v, weight, scratch):
    wide_vectors()
    for i in range(values.shape[1]):
        z[at, i] = (values[v, i] - sigmoid(z[at, i])) * weight[i]


# Categorical ------------------------------------------------------------------------------------------------------


@loop
def _normalise(z, at, size, scratch):
    """scratch[LARGEST] = max_k z_k, scratch[TOTAL] = sum_k exp(z_k - max)."""
    wide_vectors()
    for i in range(z.shape[1]):
        scratch[LARGEST, i] = LOWEST
        scratch[TOTAL, i] = 0
    for k in range(at, at + size):
        for i in range(z.shape[1]):
            scratch[LARGEST, i] = max(scratch[LARGEST, i], z[k, i])
    for k in range(at, at + size):
        for i in range(z.shape[1]):
            scratch[TOTAL, i] += exp(z[k, i] - scratch[LARGEST, i])


@loop
def _draw_categorical(z, at, size, noise, w, values, v, scratch):
    """The smallest state whose cumulative probability exceeds the uniform; the last possible one if rounding leaves
    none."""
    wide_vectors()
    _normalise(z, at, size, scratch)
    undecided = values.dtype.type(-1)
    for i in range(values.shape[1]):
        scratch[BELOW, i] = 0
        values[v, i] = undecided
    for k in range(size):
        code = values.dtype.type(k)
        for i in range(values.shape[1]):
            scratch[BELOW, i] += exp(z[at + k, i] - scratch[LARGEST, i])
            decided = values[v, i] == undecided and scratch[BELOW, i] > noise[w, i] * scratch[TOTAL, i]
            values[v, i] = code if decided else values[v, i]
    for i in range(values.shape[1]):
        if values[v, i] == undecided:
            k = size - 1
            while k > 0 and exp(z[at + k, i] - scratch[LARGEST, i]) == 0:
                k -= 1
            values[v, i] = k


@scalar
def state_of(value, size):
    """A value as the code that it is; the last one where another thread has put in a value beyond it."""
    return min(np.int64(value), np.int64(size) - np.int64(1))


@loop
def _score_categorical(z, at, size, values, v, scratch):
    wide_vectors()
    _normalise(z, at, size, scratch)
    for i in range(values.shape[1]):
        own = z[at + state_of(values[v, i], size), i]
        scratch[TERM, i] = own - scratch[LARGEST, i] - log(scratch[TOTAL, i])


@loop
def _slope_categorical(z, at, size, values, v, weight, scratch):
    wide_vectors()
    _normalise(z, at, size, scratch)
    one, zero = values.dtype.type(1), values.dtype.type(0)
    for k in range(size):
        code = values.dtype.type(k)
        for i in range(values.shape[1]):
            hit = one if values[v, i] == code else zero
            share = exp(z[at + k, i] - scratch[LARGEST, i]) / scratch[TOTAL, i]
            z[at + k, i] = (hit - share) * weight[i]


# Normal and affine ------------------------------------------------------------------------------------------------


@loop
def _draw_normal(z, at, size, noise, w, values, v, scratch):
    wide_vectors()
    for i in range(values.shape[1]):
        values[v, i] = z[at, i] + exp(z[at + 1, i]) * noise[w, i]


@loop
def _score_component(z, mean, log_sigma, values, v, out, row):
    wide_vectors()
    constant, half = values.dtype.type(HALF_LOG_2_PI), values.dtype.type(0.5)
    for i in range(values.shape[1]):
        r = (values[v, i] - z[mean, i]) * exp(-z[log_sigma, i])
        out[row, i] = -half * r * r - z[log_sigma, i] - constant


@loop
def _slope_component(z, mean, log_sigma, values, v, weight, scratch):
    """Mean and log sigma become their gradients; scratch[TERM] is the one by the value itself."""
    wide_vectors()
    one = values.dtype.type(1)
    for i in range(values.shape[1]):
        inverse = exp(-z[log_sigma, i])
        r = (values[v, i] - z[mean, i]) * inverse
        z[mean, i] = r * inverse * weight[i]
        z[log_sigma, i] = (r * r - one) * weight[i]
        scratch[TERM, i] = -z[mean, i]


@loop
def _score_normal(z, at, size, values, v, scratch):
    _score_component(z, at, at + 1, values, v, scratch, TERM)


@loop
def _slope_normal(z, at, size, values, v, weight, scratch):
    _slope_component(z, at, at + 1, values, v, weight, scratch)


@scalar
def _soft_cap(scale):
    one, cap = type(scale)(1), type(scale)(1.0 / AFFINE_CAP)
    return scale / (one + abs(scale) * cap)


@loop
def _draw_affine(z, at, size, noise, w, values, v, scratch):
    wide_vectors()
    for i in range(values.shape[1]):
        values[v, i] = (noise[w, i] - z[at, i]) * exp(-_soft_cap(z[at + 1, i]))


@loop
def _score_affine(z, at, size, values, v, scratch):
    """scratch[TERM] = log |d noise / d value|; scratch[LARGEST] = noise."""
    wide_vectors()
    for i in range(values.shape[1]):
        scratch[TERM, i] = _soft_cap(z[at + 1, i])
        scratch[LARGEST, i] = values[v, i] * exp(scratch[TERM, i]) + z[at, i]


# Mixtures of Normals ----------------------------------------------------------------------------------------------


@loop
def _draw_mixture(z, at, size, noise, w, values, v, scratch):
    wide_vectors()
    m = size // 3
    _draw_categorical(z, at, m, noise, w, values, v, scratch)
    for i in range(values.shape[1]):
        k = np.int64(values[v, i])
        values[v, i] = z[at + m + k, i] + exp(z[at + 2 * m + k, i]) * noise[w + 1, i]


@loop
def _joint_terms(z, at, m, values, v, scratch):
    """scratch[JOINT + k] = logit_k + log Normal(value; mean_k, sigma_k)."""
    wide_vectors()
    for k in range(m):
        _score_component(z, at + m + k, at + 2 * m + k, values, v, scratch, JOINT + k)
        for i in range(values.shape[1]):
            scratch[JOINT + k, i] += z[at + k, i]


@loop
def _score_mixture(z, at, size, values, v, scratch):
    wide_vectors()
    m = size // 3
    _normalise(z, at, m, scratch)
    for i in range(values.shape[1]):
        scratch[TERM, i] = -scratch[LARGEST, i] - log(scratch[TOTAL, i])
    _joint_terms(z, at, m, values, v, scratch)
    _normalise(scratch, JOINT, m, scratch)
    for i in range(values.shape[1]):
        scratch[TERM, i] += scratch[LARGEST, i] + log(scratch[TOTAL, i])


@loop
def _slope_mixture(z, at, size, values, v, weight, scratch):
    """Responsibility r_k = p(component k | value); every gradient is a Normal's times r_k."""
    wide_vectors()
    m = size // 3
    _joint_terms(z, at, m, values, v, scratch)
    _normalise(scratch, JOINT, m, scratch)
    for k in range(m):
        for i in range(values.shape[1]):
            share = exp(scratch[JOINT + k, i] - scratch[LARGEST, i]) / scratch[TOTAL, i]
            scratch[JOINT + k, i] = share * weight[i]
    _normalise(z, at, m, scratch)
    for i in range(values.shape[1]):
        scratch[BELOW, i] = 0
    for k in range(m):
        for i in range(values.shape[1]):
            share = exp(z[at + k, i] - scratch[LARGEST, i]) / scratch[TOTAL, i]
            z[at + k, i] = scratch[JOINT + k, i] - share * weight[i]
        _slope_component(z, at + m + k, at + 2 * m + k, values, v, scratch[JOINT + k], scratch)
        for i in range(values.shape[1]):
            scratch[BELOW, i] += scratch[TERM, i]
    for i in range(values.shape[1]):
        scratch[TERM, i] = scratch[BELOW, i]


# Tempering and truncation -----------------------------------------------------------------------------------------


@loop
def _temper_bernoulli(z, at, size, rule, own):
    wide_vectors()
    temperature, top_k, top_p = rule
    _scale(z, at, size, 1.0 / temperature, own)
    _truncate_bernoulli(z, own, top_k, top_p)


@loop
def _temper_categorical(z, at, size, rule, own):
    temperature, top_k, top_p = rule
    _scale(z, at, size, 1.0 / temperature, own)
    if top_k > 0 or top_p < 1.0:
        for i in range(z.shape[1]):
            _truncate_categorical(z, own, own + size, i, top_k, top_p)


@loop
def _temper_normal(z, at, size, rule, own):
    """The variance times the temperature."""
    shift = z.dtype.type(0.5 * math.log(rule[0]))
    for i in range(z.shape[1]):
        z[own, i] = z[at, i]
        z[own + 1, i] = z[at + 1, i] + shift


@loop
def _scale(z, at, size, factor, own):
    factor = z.dtype.type(factor)
    for k in range(size):
        for i in range(z.shape[1]):
            z[own + k, i] = z[at + k, i] * factor


@loop
def _truncate_bernoulli(z, own, top_k, top_p):
    for i in range(z.shape[1]):
        likely = 1.0 / (1.0 + math.exp(-abs(float64(z[own, i]))))
        if top_k == 1 or likely >= top_p:
            z[own, i] = -EXCLUDED if z[own, i] > 0 else EXCLUDED


@loop
def _next_ranked(z, begin, end, i, previous):
    """The most probable of rows begin .. end in lane i after row ``previous`` (-1: of all); of equals the first."""
    best = -1
    for k in range(begin, end):
        tied = previous >= 0 and z[k, i] == z[previous, i] and k > previous
        after = previous < 0 or z[k, i] < z[previous, i] or tied
        if after and (best < 0 or z[k, i] > z[best, i]):
            best = k
    return best


@loop
def _truncate_categorical(z, begin, end, i, top_k, top_p):
    """Keep states from the most probable on until there are top_k of them or their mass is top_p."""
    peak, total = float64(z[_next_ranked(z, begin, end, i, np.int64(-1)), i]), 0.0
    for k in range(begin, end):
        total += math.exp(float64(z[k, i]) - peak)
    last, kept, mass = np.int64(-1), 0, 0.0
    while kept < end - begin and (top_k == 0 or kept < top_k) and mass < top_p * total:
        last = _next_ranked(z, begin, end, i, last)
        kept += 1
        mass += math.exp(float64(z[last, i]) - peak)
    lowest = z[last, i]
    for k in range(begin, end):
        if z[k, i] < lowest or (z[k, i] == lowest and k > last):
            z[k, i] = EXCLUDED


# Any head ---------------------------------------------------------------------------------------------------------
# A network carries its head as a type, so that its kernels are compiled for that head alone: for all of them at once
# it takes twice as long.


class BernoulliHead(NamedTuple):
    """Type of a BERNOULLI head."""

    size: int  # parameters per variable


class CategoricalHead(NamedTuple):
    """Type of a CATEGORICAL head."""

    size: int


class NormalHead(NamedTuple):
    """Type of a NORMAL head."""

    size: int


class MixtureHead(NamedTuple):
    """Type of a MIXTURE head."""

    size: int


class AffineHead(NamedTuple):
    """Type of an AFFINE head."""

    size: int


KINDS = {
    BERNOULLI: BernoulliHead,
    CATEGORICAL: CategoricalHead,
    NORMAL: NormalHead,
    MIXTURE: MixtureHead,
    AFFINE: AffineHead,
}
DRAW = {
    BernoulliHead: _draw_bernoulli,
    CategoricalHead: _draw_categorical,
    NormalHead: _draw_normal,
    MixtureHead: _draw_mixture,
    AffineHead: _draw_affine,
}
SCORE = {
    BernoulliHead: _score_bernoulli,
    CategoricalHead: _score_categorical,
    NormalHead: _score_normal,
    MixtureHead: _score_mixture,
    AffineHead: _score_affine,
}
SLOPE = {
    BernoulliHead: _slope_bernoulli,
    CategoricalHead: _slope_categorical,
    NormalHead: _slope_normal,
    MixtureHead: _slope_mixture,
}
TEMPER = {
    BernoulliHead: _temper_bernoulli,
    CategoricalHead: _temper_categorical,
    NormalHead: _temper_normal,
}


def draw_lanes(kind, z, at, noise, w, values, v, scratch):
    """values[v] = what the parameters in rows ``at`` .. of z and noise[w :] give."""


def score_lanes(kind, z, at, values, v, scratch):
    """scratch[TERM] = log p(values[v])."""


def slope_lanes(kind, z, at, values, v, weight, scratch):
    """The parameters become the gradient of weight * log p; scratch[TERM] the one by the value, if that is real."""


def temper_lanes(kind, z, at, rule, own):
    """Rows ``own`` .. of z = the parameters that draw by ``rule`` = (temperature, top_k or 0, top_p)."""


@overload(draw_lanes, jit_options=INLINED)
def _choose_draw(kind, z, at, noise, w, values, v, scratch):
    draw = DRAW[kind.instance_class]
    return lambda kind, z, at, noise, w, values, v, scratch: draw(z, at, kind.size, noise, w, values, v, scratch)


@overload(score_lanes, jit_options=INLINED)
def _choose_score(kind, z, at, values, v, scratch):
    score = SCORE[kind.instance_class]
    return lambda kind, z, at, values, v, scratch: score(z, at, kind.size, values, v, scratch)


@overload(slope_lanes, jit_options=INLINED)
def _choose_slope(kind, z, at, values, v, weight, scratch):
    slope = SLOPE[kind.instance_class]
    return lambda kind, z, at, values, v, weight, scratch: slope(z, at, kind.size, values, v, weight, scratch)


@overload(temper_lanes, jit_options=INLINED)
def _choose_temper(kind, z, at, rule, own):
    if kind.instance_class not in TEMPER:
        return lambda kind, z, at, rule, own: None  # refused before
    temper = TEMPER[kind.instance_class]
    return lambda kind, z, at, rule, own: temper(z, at, kind.size, rule, own)
