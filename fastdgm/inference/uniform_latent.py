"""A hidden uniform variable above linear Gaussians, by its closed form.

For u ~ Uniform(low, high) and x_j ~ Normal(a_j + b_j u, s_j), the product of the densities is a normal one in u, with
precision P = sum_j b_j^2 / s_j^2 and mean m = sum_j b_j (x_j - a_j) / (s_j^2 P). So

    p(x) = e^(-Q / 2) prod_j (sqrt(2 pi) s_j)^-1 sqrt(2 pi) D,   Q = sum_j (x_j - a_j - b_j m)^2 / s_j^2

where D is the mean of the standard normal density over the interval from (low - m) sqrt(P) to (high - m) sqrt(P). For
one x that is [Phi((x - a - b low) / s) - Phi((x - a - b high) / s)] / (b (high - low)).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..engines.intervals.loops import LOOPS

Array = npt.NDArray[np.float64]

HALF_LOG_2_PI = 0.5 * np.log(2 * np.pi)


def uniform_latent_log_prob(residuals: Array, slopes: Array, std: Array, low: float, high: float) -> Array:
    """log p(x) in nats, (n,): residuals (m, n) are x_j - a_j; slopes and std (m,), every std above 0.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[0.25, 0.5, 9.0]])
    >>> uniform_latent_log_prob(x, np.array([1.0]), np.array([0.01]), 0.0, 1.0).round(3).tolist()
    [-0.0, -0.0, -320007.604]
    """
    weights = slopes / std**2
    precision = float(weights @ slopes)
    root = np.sqrt(precision)
    centre = np.full(residuals.shape[1], (low + high) / 2)
    if precision > 0:
        centre = _sum(weights[:, None] * residuals) / precision
    squares = _sum(((residuals - slopes[:, None] * centre) / std[:, None]) ** 2)
    middle, width = ((low + high) / 2 - centre) * root, np.array((high - low) * root)
    out = np.empty(len(centre))
    LOOPS["log mean density", "cpu"](0, len(out), middle, float(width), out)
    total: Array = out - squares / 2 - np.log(std).sum() - (len(std) - 1) * HALF_LOG_2_PI
    return total


def _sum(terms: Array) -> Array:
    """The sum of rows, one after the other: a column has the same bits in any batch."""
    total = np.zeros(terms.shape[1])
    for row in terms:
        total += row
    return total
