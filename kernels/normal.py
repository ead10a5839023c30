"""A real x with mean m and log sigma s: x = m + e^s n, n standard normal.

drawn by a uniform u     n = Phi^-1(u), algorithm AS 241, PPND16 (Wichura 1988), within 1e-15 relative
log p(x)                 -r^2 / 2 - s - log(2 pi) / 2,   r = (x - m) e^-s
d log p(x)               by m: r e^-s,   by s: r^2 - 1,   by x: -r e^-s
"""

from __future__ import annotations

import math

from .elementary import exp, exp_or_infinity
from .head_scratch import TERM, mark_infinite
from .jit import loop, scalar, wide_vectors

__all__ = [
    "draw_normal",
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
CENTRE = 0.425
SPLIT = 5.0

CENTRAL = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
MIDDLE = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0),
)  # fmt: skip
FAR = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
     0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
     0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0),
)  # fmt: skip


@scalar
def _ratio(coefficients, x):
    """A quotient of two polynomials, highest power first."""
    above, below = 0.0, 0.0
    for i in range(8):
        above = above * x + coefficients[0][i]
        below = below * x + coefficients[1][i]
    return above / below


@scalar
def normal_quantile(u):
    """z with Phi(z) = u, for u in (0, 1)."""
    q = u - 0.5
    if abs(q) <= CENTRE:
        return q * _ratio(CENTRAL, CENTRE * CENTRE - q * q)
    r = math.sqrt(-math.log(u if q < 0 else 1.0 - u))
    z = _ratio(MIDDLE, r - 1.6) if r <= SPLIT else _ratio(FAR, r - SPLIT)
    return -z if q < 0 else z


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
