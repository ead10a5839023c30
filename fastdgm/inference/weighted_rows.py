"""Rows drawn under known values in networks of any variables, by likelihood weighting."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.evidence import Known
from ..data.schema import Values
from ..engines.hybrid import Program
from ..engines.keys import given_key
from ..runtime.memory import check_memory
from .estimates import Estimates, log_means
from .known_row import one_row
from .likelihood_weighting import Clamped, LikelihoodWeighting
from .posteriors import check_range
from .weighted import WeightedSampling, chosen, uniform_numbers


def drawn_beside_reals(
    program: Program, known: Known, sampling: WeightedSampling, n: int, start: int, dtype: np.dtype[Any]
) -> tuple[Values, Estimates]:
    """n rows, chosen by their weights from the samples of one row of known values, and log p of that row.

    What is known is in them as it was given, rounded to the type of the data.
    """
    schema = program.schema
    cells = schema.n_codes * schema.code_dtype.itemsize + 8 * schema.n_reals
    check_memory((n + 2 * sampling.n_samples) * cells, f"{sampling.n_samples} samples, {n} rows")
    check_range(schema, dtype, known)
    clamped = Clamped(one_row(known, schema).values, {name: np.ones(1, np.bool_) for name in known.names}, {})
    draws = LikelihoodWeighting(program).draw(clamped, 0, sampling.n_samples, sampling.key)
    uniforms = uniform_numbers(n, given_key(sampling.key), start)
    columns = chosen(draws, uniforms[None])
    values = Values(draws.values.codes[:, columns], draws.values.reals[:, columns].astype(dtype, copy=False))
    return values, log_means(draws.log_weights)
