"""One normal vector for many rows, by its mean and a factor of its covariance: for answers, beside any network."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.multivariate import Vector
from ..keys import given_key
from .loops import LOOPS
from .plan import factor_components, whitening_components

Array = npt.NDArray[np.float64]

NOBODY = np.zeros(0, np.int64)  # parents


def normal_log_prob(x: Array, mean: Array, factor: Array) -> Array:
    """log Normal(x_i; mean, factor factor') of columns x (d, n), in nats; the factor is (d, d), lower triangular."""
    components = whitening_components(mean[None], factor[None], x.dtype)
    out = np.empty((1, x.shape[1]))
    LOOPS["log_prob of components", "cpu"](0, x.shape[1], components, 0, np.ascontiguousarray(x), out)
    return out[0]


class GivenDraws:
    """mean + factor n, n standard normal, by words of ``sample(given=)``: of a stream that no other sampler reads."""

    def __init__(self, mean: Array, factor: Array, key: int, dtype: np.dtype[Any]) -> None:
        self._vector = Vector(factor_components(mean[None], factor[None], dtype), NOBODY, NOBODY, 0, 0)
        self._key = np.uint64(given_key(key))

    def fill(self, begin: int, end: int, start: int, out: npt.NDArray[Any]) -> None:
        """Columns begin .. end of out (d, n), of which column i is row ``start + i``."""
        codes = np.empty((0, out.shape[1]), np.uint8)
        LOOPS["sample", "cpu"](begin, end, self._key, np.uint64(start % 2**64), self._vector, codes, out)
