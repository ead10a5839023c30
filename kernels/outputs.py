"""What the loops of autoregressive models write; empty arrays for what was not asked for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Draws", "Scores"]


class Scores(NamedTuple):
    """What scoring writes."""

    log_prob: np.ndarray  # float64 (n,)
    terms: np.ndarray  # float64 (n, n_vars): log p(x_d | x_<d), columns in the user's order; or (0, n_vars)
    scratch: np.ndarray  # of a CUDA twin, a column per row of data, so that threads read neighbours; else (0, 0)


class Draws(NamedTuple):
    """What sampling writes."""

    values: np.ndarray  # (n, n_vars) codes or reals, columns in the user's order
    log_prob: np.ndarray  # float64 (n,): of the model; or (0,)
    sampling_log_prob: np.ndarray  # float64 (n,): of the drawn variables under what truncation left; or (0,)
    undefined: np.ndarray  # bool (n,): rows in which a sum or a value left the range of the float type
    scratch: np.ndarray  # as in Scores
