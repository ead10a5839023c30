"""scikit-learn's mixture of normal distributions, with the model's parameters."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .blas import BlasPeer


class SklearnMixture(BlasPeer):
    """Rows of an array (n, n_vars). EM moves its parameters: each call begins anew."""

    library, label = "sklearn", "scikit-learn"
    note = "an EM step is fit from the present parameters: two expectations, one maximisation"
    native = "NumPy array (n, n_vars)"
    needs = ("sklearn", "threadpoolctl")
    repeatable = False
    max_rounds: ClassVar = {"sample": 5, "log_prob": 5, "EM step": 3}

    def open(self) -> None:
        self.mixture = self._made()

    def prepare(self) -> None:
        super().prepare()
        self.mixture = self._made()

    def _made(self) -> Any:
        """One EM step is ``fit`` from the present parameters: expectation, maximisation, expectation."""
        from sklearn.mixture import GaussianMixture

        own = self.model["x"]
        made = GaussianMixture(len(own.mean), max_iter=1, warm_start=True, tol=0.0)
        dtype = self.rows.dtype
        made.weights_ = self.model["z"].table.astype(dtype)
        made.means_, made.covariances_ = own.mean.astype(dtype), own.covariance.astype(dtype)
        precisions = np.linalg.inv(own.covariance)
        made.precisions_cholesky_ = np.linalg.cholesky(precisions).astype(dtype)
        made.precisions_ = precisions.astype(dtype)
        made.converged_, made.lower_bound_, made.n_iter_ = False, -np.inf, 0
        made.n_features_in_ = own.mean.shape[1]
        return made

    operations: ClassVar = {
        "sample": lambda self: self.mixture.sample(self.n_rows),
        "log_prob": lambda self: self.mixture.score_samples(self.rows),
        "EM step": lambda self: self.mixture.fit(self.rows),
    }
