"""The mean of the standard normal density over an interval: [Phi(t + w / 2) - Phi(t - w / 2)] / w, as a logarithm.

The difference is taken in the tail where both ends lie, of logarithms of Phi: nothing vanishes far out. Where the
interval is so short that these would cancel, the density's Taylor series about its middle stands in.
"""

from __future__ import annotations

import math

from .jit import kernel, scalar

__all__ = ["log_mean_density", "log_mean_density_cpu", "log_normal_cdf"]

HALF_LOG_2_PI = 0.9189385332046727
ROOT_HALF = 0.7071067811865476
FAR = -30.0  # the asymptotic series is exact to the last digit below it, and erfc has digits above it
SHORT = 0.05  # of w (1 + |t|): the next term of the series is below 1e-13


@scalar
def log_normal_cdf(x):
    """log Phi(x), for x <= 0."""
    if x > FAR:
        return math.log(0.5 * math.erfc(-x * ROOT_HALF))
    s = 1.0 / (x * x)
    series = s * (-1.0 + s * (3.0 + s * (-15.0 + s * (105.0 - 945.0 * s))))
    return -0.5 * x * x - math.log(-x) - HALF_LOG_2_PI + math.log1p(series)


@scalar
def log_mean_density(middle, width):
    """log of the mean density over [middle - width / 2, middle + width / 2]."""
    t, h = abs(middle), 0.5 * width
    if width * (1.0 + t) < SHORT:
        a, b = t * t, width * width
        series = b / 24.0 * (a - 1.0) + b * b / 1920.0 * (a * (a - 6.0) + 3.0)
        return -0.5 * a - HALF_LOG_2_PI + math.log1p(series)
    if t >= h:  # both ends on one side of 0
        near, far = log_normal_cdf(h - t), log_normal_cdf(-h - t)
        return near + math.log1p(-math.exp(far - near)) - math.log(width)
    outside = 0.5 * (math.erfc((h - t) * ROOT_HALF) + math.erfc((h + t) * ROOT_HALF))
    return math.log1p(-outside) - math.log(width)


@kernel
def log_mean_density_cpu(begin, end, middle, width, out):
    """out[i] = log of the mean standard normal density over an interval of this width about middle[i]."""
    for i in range(begin, end):
        out[i] = log_mean_density(middle[i], width)
