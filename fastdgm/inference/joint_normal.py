"""Linear Gaussians and normal vectors of a network as one normal vector, and what values of some say of the others.

Each variable is a linear function of its parents plus noise of its own, so all of them together are

    x = offset + slopes e + factor n,   n standard normal,   e real parents that are known

with a lower triangular factor B whose rows follow the topological order: row v of B is sum_j c_j (row of parent j),
plus the variable's own standard deviation on the diagonal. Covariances B B' are never formed to be factored: with the
known rows B_O' = Q R (a QR factorisation, which keeps twice the digits), S_OO = R' R, and given x_O the others have

    mean        m_H + G (x_O - m_O),   G = B_H Q R'^-1
    covariance  C C',                  C = B_H - (B_H Q) Q'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.multivariate import MultivariateNormal
from ..data.schema import Schema

Array = npt.NDArray[np.float64]

SINGULAR = 1e-12  # of its standard deviation: a variable with less noise of its own is a function of those before it


class JointNormal(NamedTuple):
    """Real variables that are jointly normal."""

    rows: tuple[int, ...]  # of the block of reals, in topological order
    inputs: tuple[int, ...]  # rows of real parents that are not among them
    offset: Array  # (n,)
    slopes: Array  # (n, n_inputs)
    factor: Array  # (n, n), lower triangular


class Conditioned(NamedTuple):
    """Some of the variables given the others: mean + gain (known - their mean), with a factor of the covariance."""

    gain: Array  # (h, o)
    factor: Array  # (h, h), lower triangular; 0 where nothing is left to chance


class DependentError(ValueError):
    """A known variable is a linear function of those before it; ``place`` is its place among them."""

    def __init__(self, place: int) -> None:
        super().__init__(f"known variable {place} is a linear function of those before it")
        self.place = place


def is_linear(conditional: Conditional) -> bool:
    """Whether a variable of this kind is normal around a linear function of its real parents."""
    return isinstance(conditional, LinearGaussian | MultivariateNormal)


def joint_normal(
    names: Sequence[str], conditionals: Mapping[str, Conditional], schema: Schema, codes: Mapping[str, int]
) -> JointNormal:
    """The joint distribution of linear variables, parents first, under one configuration of their discrete parents."""
    rows = tuple(row for name in names for row in rows_of(name, schema))
    place = {row: i for i, row in enumerate(rows)}
    parents = [row for name in names for row in _real_parent_rows(conditionals[name], schema)]
    inputs = tuple(sorted({row for row in parents if row not in place}))
    column = {row: i for i, row in enumerate(inputs)}
    joint = JointNormal(
        rows, inputs, np.zeros(len(rows)), np.zeros((len(rows), len(inputs))), np.zeros([len(rows)] * 2)
    )
    for name in names:
        own, i = conditionals[name], place[schema.rows[name]]
        if isinstance(own, MultivariateNormal):
            at, d = tuple(codes[parent] for parent in own.parents), schema.sizes[name]
            joint.offset[i : i + d] = own.mean[at]
            joint.factor[i : i + d, i : i + d] = np.linalg.cholesky(own.covariance[at])
        elif isinstance(own, LinearGaussian):
            intercept, coefficients, std = chosen(own, codes)
            joint.offset[i] = intercept
            joint.factor[i, i] = std
            for row, slope in zip(_real_parent_rows(own, schema), coefficients, strict=True):
                if row in place:
                    joint.offset[i] += slope * joint.offset[place[row]]
                    joint.slopes[i] += slope * joint.slopes[place[row]]
                    joint.factor[i] += slope * joint.factor[place[row]]
                else:
                    joint.slopes[i, column[row]] += slope
    return joint


def rows_of(name: str, schema: Schema) -> range:
    """The rows of a real variable in the block of reals."""
    first = schema.rows[name]
    return range(first, first + schema.sizes[name])


def name_of_row(row: int, schema: Schema) -> str:
    """The variable that a row of the block of reals belongs to."""
    return next(name for name in schema.sizes if row in rows_of(name, schema))


def _real_parent_rows(own: Conditional, schema: Schema) -> list[int]:
    return [row for parent in own.parents if parent in schema.sizes for row in rows_of(parent, schema)]


def chosen(own: LinearGaussian, codes: Mapping[str, int]) -> tuple[float, Array, float]:
    """Intercept, coefficients and std of one configuration."""
    at = tuple(codes[parent] for parent in own.discrete_parents or ())
    if own.intercept is None or own.coefficients is None or own.std is None:
        raise ValueError("parameters that were left out have no joint distribution")
    return float(own.intercept[at]), own.coefficients[at], float(own.std[at])


def is_constant(joint: JointNormal) -> npt.NDArray[np.bool_]:
    """(n,): whether nothing but what is known moves a variable: a point mass."""
    return np.logical_not(joint.factor.any(axis=1))


def factor_of(joint: JointNormal, places: Sequence[int]) -> Array:
    """A lower triangular factor of the covariance of some of the variables.

    Raises DependentError where one of them is a linear function of those before it: they have no joint density.
    """
    return np.ascontiguousarray(_known_factor(joint.factor[list(places)])[1].T)


def _known_factor(rows: Array) -> tuple[Array, Array]:
    """Q and R of the known rows of the factor."""
    q, r = np.linalg.qr(rows.T)
    weak = np.abs(np.diagonal(r)) <= SINGULAR * np.linalg.norm(rows, axis=1)
    if weak.any():
        raise DependentError(int(np.argmax(weak)))
    return q, r


def conditioned(joint: JointNormal, hidden: Sequence[int], known: Sequence[int]) -> Conditioned:
    """The distribution of the variables at some places given those at others. Raises as ``factor_of``."""
    own = joint.factor[list(hidden)]
    if known:
        q, r = _known_factor(joint.factor[list(known)])
        shared = own @ q
        gain: Array = np.linalg.solve(r, shared.T).T.astype(np.float64)
        left = own - shared @ q.T
        left[np.linalg.norm(left, axis=1) <= SINGULAR * np.linalg.norm(own, axis=1)] = 0.0
    else:
        gain, left = np.zeros((len(own), 0)), own
    return Conditioned(gain, _lower(left))


def _lower(root: npt.NDArray[Any]) -> Array:
    """A lower triangular L with L L' = root root', its diagonal not negative."""
    lower = np.asarray(np.linalg.qr(root.T, mode="r")).T
    signs = np.where(np.diagonal(lower) < 0, -1.0, 1.0)
    return np.tril(lower * signs)


def with_inputs(joint: JointNormal, reals: npt.NDArray[np.floating]) -> Array:
    """(n, n_rows): the means of all variables in every row of a block of reals, whose inputs are known.

    Input after input, so that a row has the same bits in any batch, which BLAS does not promise.
    """
    means = np.repeat(joint.offset[:, None], reals.shape[1], axis=1)
    for j, row in enumerate(joint.inputs):
        means += joint.slopes[:, j, None] * reals[row].astype(np.float64)
    return means
