"""A linear-Gaussian network as one normal vector in SciPy, and SciPy's quantiles of normals."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .base import Peer
from .blas import BlasPeer


class ScipyNormal(BlasPeer):
    """Rows of an array (n, n_vars); float64, whatever the rows."""

    library, label = "scipy", "SciPy, one normal vector"
    native = "NumPy array (n, n_vars)"
    needs = ("scipy", "threadpoolctl")
    max_rounds: ClassVar = {"sample": 3, "log_prob": 3}
    max_cells: ClassVar = {"sample": 10_000_000, "log_prob": 10_000_000}
    operations: ClassVar = {
        "sample": lambda self: self.normal.rvs(self.n_rows, random_state=1),
        "log_prob": lambda self: self.normal.logpdf(self.array),
    }

    def open(self) -> None:
        from scipy.stats import multivariate_normal

        joint = self.model.to_multivariate_normal()
        self.normal = multivariate_normal(joint.mean, joint.covariance)
        self.array = np.ascontiguousarray(np.asarray(self.rows), np.float64)


class ScipyQuantile(Peer):
    """``ndtri`` of uniforms, a piece that stays in cache at a time."""

    library, label = "scipy", "SciPy, ndtri"
    needs = ("scipy",)

    def open(self) -> None:
        from scipy.special import ndtri

        self.ndtri, self.out = ndtri, np.empty_like(self.rows[:4096])
        self.parts = np.split(self.rows, range(4096, len(self.rows), 4096))

    def quantiles(self) -> None:
        for part in self.parts:
            self.ndtri(part, out=self.out[: len(part)])

    operations: ClassVar = {"normals": quantiles}
