"""What the estimators check alike: that they are fitted, weights, seeds, names."""

from __future__ import annotations

from collections.abc import Container
from math import inf
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import NotFittedError as TheirNotFittedError
from sklearn.utils import check_random_state

from ...errors import NotFittedError


class EstimatorNotFittedError(TheirNotFittedError, NotFittedError):
    """An estimator was asked before its ``fit``: caught by scikit-learn's ``NotFittedError`` and by ours."""


def check_fitted(estimator: Any, learnt: str) -> None:
    """EstimatorNotFittedError unless ``fit`` came to its end, which sets the attribute ``learnt``."""
    if not hasattr(estimator, learnt):
        raise EstimatorNotFittedError(
            f"This {type(estimator).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before "
            "using this estimator."
        )


def forget(estimator: Any) -> None:
    """Take away what was learnt, so that a ``fit`` that fails leaves nothing that is half of it."""
    for name in [name for name in vars(estimator) if name.endswith("_")]:
        delattr(estimator, name)


def check_at_least_zero(**options: Any) -> None:
    """ValueError for an option that is no finite number of at least 0."""
    for name, value in options.items():
        if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < inf:
            raise ValueError(f"{name} is a finite number of at least 0, got {value!r}")


def seed_of(random_state: Any) -> int:
    """A seed of ours from scikit-learn's ``random_state``: the same integer, or a number that it draws, of None from
    NumPy's global state."""
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def unused(name: str, names: Container[str]) -> str:
    """A name that is none of those."""
    while name in names:
        name += "_"
    return name


def checked_weights(sample_weight: Any, n_rows: int) -> npt.NDArray[np.float64] | None:
    """One weight for each row, or None. ValueError for another length, negative or infinite ones, or only zeros."""
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, np.float64)
    if weights.ndim == 0:
        weights = np.full(n_rows, float(weights))
    if weights.shape != (n_rows,):
        raise ValueError(f"sample_weight has one weight for each of the {n_rows} rows, got shape {weights.shape}")
    if not np.isfinite(weights).all() or weights.min() < 0:
        row = int((~np.isfinite(weights) | (weights < 0)).argmax())
        raise ValueError(f"sample weights are non-negative and finite, row {row} has {weights[row]}")
    if not weights.any():
        raise ValueError("sample weights have at least one that is not 0, got only zeros")
    return weights
