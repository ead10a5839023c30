"""The expected value of one variable given its parents, in rows of blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.multivariate import MultivariateNormal
from ..conditionals.neural import Neural
from ..conditionals.table import CPT
from ..data.schema import Schema, Values

Array = npt.NDArray[Any]


def expected_value(name: str, own: Conditional, schema: Schema, values: Values) -> Array:
    """(n, *event_shape) means of a real variable or P(x = 1) of a bernoulli one, (n, *event_shape, n_states)
    probabilities of others.

    Raises ValueError for kinds of conditionals whose expected value is not known.
    """
    for kind in type(own).__mro__:
        if kind in EXPECTED:
            return EXPECTED[kind](name, own, schema, values)
    known = ", ".join(kind.__name__ for kind in EXPECTED)
    raise ValueError(f"expected values are known of {known}; {name!r} is a {type(own).__name__}")


def _of_neural(name: str, own: Conditional, schema: Schema, values: Values) -> Array:
    from ..engines.torch.expected import expected_neural

    assert isinstance(own, Neural)
    return expected_neural(name, own, schema, values)


def _of_table(name: str, own: Conditional, schema: Schema, values: Values) -> Array:
    assert isinstance(own, CPT)
    found: Array = own.table[tuple(values.codes[schema.rows[parent]] for parent in own.parents)]
    return np.broadcast_to(found, (values.codes.shape[1], found.shape[-1])).copy()


def _of_linear_gaussian(name: str, own: Conditional, schema: Schema, values: Values) -> Array:
    """intercept + coefficients . real parents, in the configuration of the discrete ones."""
    assert isinstance(own, LinearGaussian) and own.intercept is not None and own.coefficients is not None
    at = tuple(values.codes[schema.rows[parent]] for parent in own.discrete_parents or ())
    rows = [schema.rows[parent] + i for parent in own.real_parents or () for i in range(schema.sizes[parent])]
    real = values.reals[rows].astype(np.float64)
    means = own.intercept[at] + (own.coefficients[at] * real.T).sum(axis=-1)
    return np.broadcast_to(means, values.reals.shape[1]).astype(values.reals.dtype)


def _of_normal_vector(name: str, own: Conditional, schema: Schema, values: Values) -> Array:
    assert isinstance(own, MultivariateNormal)
    found = own.mean[tuple(values.codes[schema.rows[parent]] for parent in own.parents)]
    return np.broadcast_to(found, (values.reals.shape[1], found.shape[-1])).astype(values.reals.dtype)


EXPECTED: dict[type[Conditional], Callable[[str, Conditional, Schema, Values], Array]] = {
    CPT: _of_table,
    LinearGaussian: _of_linear_gaussian,
    MultivariateNormal: _of_normal_vector,
    Neural: _of_neural,
}
