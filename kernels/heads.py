"""Output heads: what the parameters z of a variable mean, for a row of lanes at a time.

BERNOULLI    z = logit;                                   p(x = 1) = sigmoid(z)
CATEGORICAL  z = K logits;                                p(x = k) = exp(z_k) / sum_j exp(z_j)
NORMAL       z = mean, log sigma;                         x = mean + sigma * noise
MIXTURE      z = M logits, M means, M log sigmas;         component by its probability, then as NORMAL
AFFINE       z = shift, scale of zuko's MAF;              noise = x * exp(s) + shift, s = scale / (1 + |scale| / CAP)

Sums over states are kept in float64 whatever the type of the logits, and so are the uniforms that they are compared
with: in float32 a state of weight 1e-8 beside one of weight 1 would add nothing, and never be drawn.

Parameters that have left the range of their type are never silent: log p is then NaN, and a draw sets row UNDEFINED.
Infinities that stand for a limit are no error: a logit of -inf is a state of probability 0, an infinite density of 0
that of a far outlier.

Loops take whole matrices and row numbers: a slice of an array costs more than what they do. ``z`` is (rows, lanes),
parameters in rows ``at`` .. ``at + size``; ``values`` has the variable's value in row ``v``; results of scoring are
row TERM of ``scratch`` (JOINT + size, lanes). Drawing only ever sets row UNDEFINED of it; the other rows are free.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import float64
from numba.extending import overload

from .functions import HALF_LOG_2_PI, INLINED, exp, exp_or_infinity, log_wide, sigmoid, softplus, wide_vectors
from .jit import loop, scalar

BERNOULLI, CATEGORICAL, NORMAL, MIXTURE, AFFINE = range(5)
AFFINE_CAP = math.log(1000.0)  # zuko's MonotonicAffineTransform(slope=1e-3)

# Rows of scratch: from WIDE on two of float64 (two rows of float32 hold one), from JOINT on one for each parameter.
TERM, LARGEST, TOTAL, BELOW, UNDEFINED, _, WIDE = range(7)
SUM, REACHED = np.int64(0), np.int64(1)  # the wide rows
JOINT = WIDE + 4


@loop
def wide_row(scratch, number):
    """Row ``number`` of those of float64, (lanes,)."""
    lanes, per_number = scratch.shape[1], 8 // scratch.itemsize
    begin = (WIDE + 2 * number) * lanes
    return scratch.reshape(scratch.size)[begin : begin + per_number * lanes].view(np.float64)


# Bernoulli --------------------------------------------------------------------------------------------------------


@loop
def _draw_bernoulli(z, at, size, noise, w, values, v, scratch):
    wide_vectors()
    one, zero = values.dtype.type(1), values.dtype.type(0)
    for i in range(values.shape[1]):
        values[v, i] = one if noise[w, i] * (one + exp(-z[at, i])) < one else zero
        scratch[UNDEFINED, i] = scratch[UNDEFINED, i] if z[at, i] == z[at, i] else one


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
def find_largest(z, at, size, scratch):
    """scratch[LARGEST] = max_k z_k; 0 where all are -inf, from which nothing could be subtracted."""
    wide_vectors()
    nothing, zero = z.dtype.type(-np.inf), z.dtype.type(0)
    for i in range(z.shape[1]):
        scratch[LARGEST, i] = nothing
    for k in range(at, at + size):
        for i in range(z.shape[1]):
            scratch[LARGEST, i] = max(scratch[LARGEST, i], z[k, i])
    for i in range(z.shape[1]):
        scratch[LARGEST, i] = zero if scratch[LARGEST, i] == nothing else scratch[LARGEST, i]


@loop
def _normalise(z, at, size, scratch):
    """LARGEST, and the sum of exp(z_k - LARGEST): wide row SUM, rounded in row TOTAL. It is at least 1, but 0 where
    all z_k are -inf, and NaN where one is NaN or +inf."""
    wide_vectors()
    find_largest(z, at, size, scratch)
    total = wide_row(scratch, SUM)
    for i in range(z.shape[1]):
        total[i] = 0.0
    even = at + size // 2 * 2
    for k in range(at, even, 2):  # two by two, which rounds once: adding in float64 takes as long as an exponential
        for i in range(z.shape[1]):
            total[i] += exp(z[k, i] - scratch[LARGEST, i]) + exp(z[k + 1, i] - scratch[LARGEST, i])
    for k in range(even, at + size):
        for i in range(z.shape[1]):
            total[i] += exp(z[k, i] - scratch[LARGEST, i])
    for i in range(z.shape[1]):
        scratch[TOTAL, i] = scratch.dtype.type(total[i])


@loop
def _draw_categorical(z, at, size, noise, w, values, v, scratch):
    """The smallest state whose cumulative probability exceeds the uniform: as many as there are sums that do not.
    Rows JOINT .. keep the weights: both sums must add the same numbers in the same order."""
    wide_vectors()
    find_largest(z, at, size, scratch)
    total, reached = wide_row(scratch, SUM), wide_row(scratch, REACHED)
    one, zero, last = values.dtype.type(1), values.dtype.type(0), values.dtype.type(size - 1)
    for i in range(values.shape[1]):
        total[i] = 0.0
        reached[i] = 0.0
        values[v, i] = zero
    for k in range(size):
        for i in range(values.shape[1]):
            weight = exp(z[at + k, i] - scratch[LARGEST, i])
            scratch[JOINT + k, i] = weight
            total[i] += weight
    for i in range(values.shape[1]):
        scratch[UNDEFINED, i] = scratch[UNDEFINED, i] if total[i] >= 1.0 else one
        total[i] *= noise[w, i]
    for k in range(JOINT, JOINT + size):
        for i in range(values.shape[1]):
            reached[i] += scratch[k, i]
            values[v, i] += one if reached[i] <= total[i] else zero
    for i in range(values.shape[1]):  # a uniform is below 1, so only undefined parameters leave none
        values[v, i] = min(values[v, i], last)


@scalar
def state_of(value, size):
    """A value as the code that it is; the last one where another thread has put in a value beyond it."""
    return min(np.int64(value), np.int64(size) - np.int64(1))


@loop
def _score_categorical(z, at, size, values, v, scratch):
    wide_vectors()
    _normalise(z, at, size, scratch)
    for i in range(values.shape[1]):
        code = state_of(values[v, i], size)
        above = float64(z[at + code, i]) - float64(scratch[LARGEST, i])
        scratch[TERM, i] = scratch.dtype.type(above - log_wide(scratch[TOTAL, i]))


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


@scalar
def normal_value(noise, mean, log_sigma):
    """mean + sigma * noise; infinite or NaN where sigma leaves the range of the type."""
    return mean + exp_or_infinity(log_sigma) * type(mean)(noise)


@scalar
def normal_term(value, mean, log_sigma):
    """log Normal(value; mean, sigma), never NaN of finite numbers: neither the halved difference nor the root of
    1 / sigma leaves the range of the type."""
    half = type(mean)(0.5)
    root = exp(-half * log_sigma)
    r = (half * value - half * mean) * root * (root + root)
    return -half * r * r - log_sigma - type(mean)(HALF_LOG_2_PI)


@loop
def _draw_normal(z, at, size, noise, w, values, v, scratch):
    wide_vectors()
    for i in range(values.shape[1]):
        values[v, i] = normal_value(noise[w, i], z[at, i], z[at + 1, i])
    _mark_infinite(values, v, scratch)


@loop
def _mark_infinite(values, v, scratch):
    one, zero = scratch.dtype.type(1), scratch.dtype.type(0)
    for i in range(values.shape[1]):
        scratch[UNDEFINED, i] = scratch[UNDEFINED, i] if values[v, i] - values[v, i] == zero else one


@loop
def _score_component(z, mean, log_sigma, values, v, out, row):
    wide_vectors()
    for i in range(values.shape[1]):
        out[row, i] = normal_term(values[v, i], z[mean, i], z[log_sigma, i])


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
        values[v, i] = (z.dtype.type(noise[w, i]) - z[at, i]) * exp(-_soft_cap(z[at + 1, i]))
    _mark_infinite(values, v, scratch)


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
        values[v, i] = normal_value(noise[w + 1, i], z[at + m + k, i], z[at + 2 * m + k, i])
    _mark_infinite(values, v, scratch)


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
    normaliser = wide_row(scratch, REACHED)
    for i in range(values.shape[1]):
        normaliser[i] = scratch[LARGEST, i] + log_wide(scratch[TOTAL, i])
    _joint_terms(z, at, m, values, v, scratch)
    _normalise(scratch, JOINT, m, scratch)
    for i in range(values.shape[1]):
        joint = scratch[LARGEST, i] + log_wide(scratch[TOTAL, i])
        scratch[TERM, i] = scratch.dtype.type(joint - normaliser[i])


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


def draw_lanes(kind, z, at, noise, w, values, v, scratch):
    """values[v] = what the parameters in rows ``at`` .. of z and noise[w :] give."""


def score_lanes(kind, z, at, values, v, scratch):
    """scratch[TERM] = log p(values[v])."""


def slope_lanes(kind, z, at, values, v, weight, scratch):
    """The parameters become the gradient of weight * log p; scratch[TERM] the one by the value, if that is real."""


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
