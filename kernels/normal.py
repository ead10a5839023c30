"""A real x with mean m and log sigma s: x = m + e^s n, n standard normal.

drawn by a uniform u     n = Phi^-1(u), see normal_quantile.py
log p(x)                 -r^2 / 2 - s - log(2 pi) / 2,   r = (x - m) e^-s
d log p(x)               by m: r e^-s,   by s: r^2 - 1,   by x: -r e^-s
"""

from __future__ import annotations

from .elementary import exp, exp_or_infinity
from .head_scratch import TERM, mark_infinite
from .jit import loop, scalar, wide_vectors
from .normal_quantile import far_normal, near_normal, normal_quantile
from .quantiles import filler

__all__ = [
    "draw_normal",
    "fill_normals",
    "normal_quantile",
    "normal_term",
    "normal_value",
    "score_component",
    "score_normal",
    "slope_component",
    "slope_normal",
    "to_normal",
]

HALF_LOG_2_PI = 0.9189385332046727
fill_normals = filler(near_normal, far_normal)


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


# Lanes ------------------------------------------------------------------------------------------------------------


@loop
def to_normal(uniforms, row, noise):
    """noise[row] = normal_quantile(uniforms[row])."""
    for i in range(noise.shape[1]):
        noise[row, i] = normal_quantile(uniforms[row, i])


@loop
def draw_normal(z, at, size, noise, w, values, v, scratch):
    """values[v] = mean + sigma * noise[w]"""
    wide_vectors()
    for i in range(values.shape[1]):
        values[v, i] = normal_value(noise[w, i], z[at, i], z[at + 1, i])
    mark_infinite(values, v, scratch)


@loop
def score_component(z, mean, log_sigma, values, v, out, row):
    """out[row] = log Normal(values[v]), of the parameters in rows ``mean`` and ``log_sigma`` of z."""
    wide_vectors()
    for i in range(values.shape[1]):
        out[row, i] = normal_term(values[v, i], z[mean, i], z[log_sigma, i])


@loop
def slope_component(z, mean, log_sigma, values, v, weight, scratch):
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
def score_normal(z, at, size, values, v, scratch):
    """scratch[TERM] = log p(values[v])"""
    score_component(z, at, at + 1, values, v, scratch, TERM)


@loop
def slope_normal(z, at, size, values, v, weight, scratch):
    """Mean and log sigma become the gradient of weight * log p(values[v]); scratch[TERM] the one by the value."""
    slope_component(z, at, at + 1, values, v, weight, scratch)
