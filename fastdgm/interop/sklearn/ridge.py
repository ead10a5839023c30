"""A normal vector of columns that have no covariance of their own: constant, or linear functions of others."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...bayesnet import BayesNet
from ...conditionals.multivariate import MultivariateNormal
from ...learning.base import UndeterminedError
from .recipes import Recipe

Numbers = npt.NDArray[np.float64]
RIDGE = 1e-6  # of a column's variance


def fit_recipe(asked: Recipe, data: dict[str, Any], weights: Numbers | None, options: dict[str, Any]) -> BayesNet:
    """The network, learnt; a normal vector without parents has a ridge on its covariance where it needs one."""
    try:
        return asked.net.fit(data, sample_weight=weights, **options)
    except UndeterminedError:
        if asked.vector is None or asked.net[asked.vector].parents:
            raise
    vector = with_ridge(data[asked.vector], weights)
    tables = {name: own for name, own in asked.net.conditionals.items() if name != asked.vector}
    if not tables:
        return BayesNet({asked.vector: vector})
    others = {name: data[name] for name in tables}
    fitted = BayesNet(tables).fit(others, sample_weight=weights, **options)
    return BayesNet({**fitted.conditionals, asked.vector: vector})


def with_ridge(numbers: Numbers, weights: Numbers | None) -> MultivariateNormal:
    """Mean and covariance of rows ``(n, d)``, RIDGE of each variance added to it; of 1 where a column is constant."""
    own = np.ones(len(numbers)) if weights is None else weights
    mean = np.average(numbers, axis=0, weights=own)
    centred = numbers - mean
    covariance = (centred * own[:, None]).T @ centred / own.sum()
    variances = covariance.diagonal()
    constant = variances <= 1e-24 * mean**2  # rounding
    return MultivariateNormal(mean, covariance + RIDGE * np.diag(np.where(constant, 1.0, variances)))
