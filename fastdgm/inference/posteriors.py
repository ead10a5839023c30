"""What known values say of real variables: their posterior as a normal vector, and draws from it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.gaussian import LinearGaussian
from ..conditionals.multivariate import MultivariateNormal
from ..data.blocks import Block
from ..data.evidence import Known
from ..data.schema import Schema, Values
from ..data.vectors import cell_names
from ..engines.base import Members
from ..engines.gaussian.run import GaussianEngine
from ..engines.hybrid import Program
from ..engines.keys import given_key
from ..engines.multivariate.direct import GivenDraws
from ..errors import ImpossibleEvidenceError
from ..graph import reached
from ..runtime.memory import check_memory
from ..runtime.pieces import cell_ranges, run_ranges
from ..runtime.text import preview
from .joint import Joint
from .joint_normal import (
    SINGULAR,
    Conditioned,
    DependentError,
    JointNormal,
    chosen,
    conditioned,
    is_constant,
    is_linear,
    joint_normal,
    name_of_row,
    rows_of,
)
from .relevance import connected

Array = npt.NDArray[np.float64]

EQUAL = 1e-12  # of the terms of its sum: a known value this close to a constant is that constant


class Answer(NamedTuple):
    """Some real numbers given what is known."""

    rows: list[int]  # of the block of reals
    mean: Array  # (h,)
    factor: Array  # (h, h), lower triangular, of the covariance


def posterior(network: Joint, names: Sequence[str], known: Known) -> MultivariateNormal:
    """p(names | known) of real variables, in the order asked for.

    Raises ValueError where it is no normal distribution, naming why: discrete variables that bear on it without a
    value, other kinds of conditionals, point masses.
    """
    for name in names:
        if name in known.names:
            raise ValueError(f"{name!r} is given a value, so it has no posterior")
    answer = answer_of(network, names, known)
    fixed = np.flatnonzero(np.diagonal(answer.factor) <= SINGULAR * np.linalg.norm(answer.factor, axis=1))
    sizes = network.schema.vectors
    components = cell_names(names, {name: sizes[name] for name in names if name in sizes})
    if len(fixed):
        raise ValueError(
            f"a posterior that leaves something to chance is asked for: {components[fixed[0]]!r} is a function of the "
            "given values and the other names (a std of 0)"
        )
    return MultivariateNormal(answer.mean, answer.factor @ answer.factor.T, components)


def joint(network: Joint) -> MultivariateNormal:
    """All variables, in the order of declaration. ValueError where they are not jointly normal."""
    odd = [name for name, own in network.conditionals.items() if not is_linear(own)]
    if odd:
        kinds = ", ".join(f"{name!r} ({type(network.conditionals[name]).__name__})" for name in odd[:5])
        raise ValueError(
            "a joint normal distribution is made of linear Gaussians and normal vectors only, not of "
            f"{kinds}{', ...' if len(odd) > 5 else ''}: net.posterior(names, given={{...}}) is one where these have "
            "values"
        )
    return posterior(network, network.schema.names, Known({}, {}, frozenset()))


def draws(network: Joint, n: int, key: int, start: int, dtype: np.dtype[Any], known: Known) -> Values:
    """Rows ``start`` to ``start + n`` of p(x | known): known values as they are, real ones left by their posterior.

    What has std 0 is the mean that scoring finds in its row, to the last bit, so that the row is possible. Where that
    is no normal vector, but all that known variables descend from is known, too, the others are drawn parents first.
    """
    schema = network.schema
    hidden = [name for name in network.order if name not in known.names and name in schema.sizes]
    is_normal = not _unknown_states(schema, known) and all(is_linear(network.conditionals[name]) for name in hidden)
    if not is_normal and _is_ancestral(network, known):
        values = known_rows(schema, n, dtype, known)
        order = [name for name in network.order if name not in known.names]
        Program(network.conditionals, order).draw(values, given_key(key), start)
        return values
    values = known_rows(schema, n, dtype, known)
    if hidden:
        answer = answer_of(network, hidden, known)
        drawn = np.empty((len(answer.rows), n), dtype)
        source = GivenDraws(answer.mean, answer.factor, key, dtype)
        points = point_masses_of(network, hidden, known)

        def work(begin: int, end: int) -> None:
            source.fill(begin, end, start, drawn)
            values.reals[answer.rows, begin:end] = drawn[:, begin:end]
            if points is not None:
                points.sample(begin, end, key, start, values)

        run_ranges(work, cell_ranges(n, len(answer.rows), Block.cells_per_piece))
    return values


def is_mixture(network: Joint, known: Known) -> bool:
    """Whether ``draws`` has no way, because of discrete variables without values."""
    return bool(_unknown_states(network.schema, known)) and not _is_ancestral(network, known)


def _unknown_states(schema: Schema, known: Known) -> list[str]:
    return [name for name in schema.states if name not in known.names]


def _is_ancestral(network: Joint, known: Known) -> bool:
    """Whether known variables have known parents only: then the posterior of the others is their own distribution."""
    return all(parent in known.names for name in known.names for parent in network.parents[name])


def known_rows(schema: Schema, n: int, dtype: np.dtype[Any], known: Known) -> Values:
    """Blocks of n rows in which the known values are."""
    what = f"a sample of {n} rows x {len(schema.names)} variables"
    check_memory(n * (schema.n_codes * schema.code_dtype.itemsize + 2 * schema.n_reals * dtype.itemsize), what)
    values = Values(np.empty((schema.n_codes, n), schema.code_dtype), np.empty((schema.n_reals, n), dtype))
    for name, code in known.codes.items():
        values.codes[schema.rows[name]] = code
    for row, code in known.cells.items():
        values.codes[row] = code
    check_range(schema, dtype, known)
    for row, number in known.reals.items():
        values.reals[row] = number
    return values


def check_range(schema: Schema, dtype: np.dtype[Any], known: Known) -> None:
    """ValueError where a known number is beyond the type of the data."""
    for row, number in known.reals.items():
        if abs(number) > float(np.finfo(dtype).max):
            raise ValueError(
                f"given values are within the range of {dtype}: {name_of_row(row, schema)!r} is {number:g}; use "
                "dtype=float64, or other units"
            )


def point_masses_of(network: Joint, names: Sequence[str], known: Known) -> GaussianEngine | None:
    """An engine of the variables, parents first, whose std is 0: it draws their means, whatever its words are."""
    numbers = {name: i for i, name in enumerate(network.conditionals)}
    points = [
        numbers[name]
        for name in names
        if isinstance(own := network.conditionals[name], LinearGaussian) and chosen(own, known.codes)[2] == 0.0
    ]
    return GaussianEngine(Members(network.conditionals, points)) if points else None


def answer_of(network: Joint, names: Sequence[str], known: Known) -> Answer:
    """The normal vector that some real variables are. ValueError, naming why, where they are none."""
    schema = network.schema
    members = _members(network, names, known)
    joint = joint_normal(members, network.conditionals, schema, known.codes)
    place = {row: i for i, row in enumerate(joint.rows)}
    rows = [row for name in names for row in rows_of(name, schema)]
    inputs = np.array([known.reals[row] for row in joint.inputs])
    means = joint.offset + joint.slopes @ inputs
    observed = _informative(joint, inputs, means, known, schema)
    values = np.array([known.reals[joint.rows[i]] for i in observed])
    found = _conditioned(joint, [place[row] for row in rows], observed, schema)
    mean = means[[place[row] for row in rows]] + found.gain @ (values - means[observed])
    if not (np.isfinite(mean).all() and np.isfinite(found.factor).all()):
        raise ValueError("the posterior leaves the range of float64: use other units")
    return Answer(rows, mean, found.factor)


def _members(network: Joint, names: Sequence[str], known: Known) -> list[str]:
    """The variables whose families bear on the names, parents first. ValueError where some are not linear."""
    kept = reached({*names, *known.names}, network.parents)
    families = [name for name in network.order if name in kept]
    scopes = [_unknown(network, name, known.names) for name in families]
    members = [families[i] for i in connected(names, scopes)]
    discrete = dict.fromkeys(
        name for i in connected(names, scopes) for name in scopes[i] if name in network.schema.states
    )
    if discrete:
        raise ValueError(
            f"the posterior of {preview(names)} is a mixture, not one normal distribution, unless given= has values of "
            f"{preview(list(discrete))}"
        )
    odd = [name for name in members if not is_linear(network.conditionals[name])]
    if odd:
        kind = type(network.conditionals[odd[0]]).__name__
        raise ValueError(
            f"the posterior of {preview(names)} is not normal: {odd[0]!r} bears on it and is a {kind}, not a linear "
            "Gaussian or normal vector"
        )
    return members


def _unknown(network: Joint, name: str, known: Collection[str]) -> list[str]:
    return [own for own in (name, *network.parents[name]) if own not in known]


def _informative(joint: JointNormal, inputs: Array, means: Array, known: Known, schema: Schema) -> list[int]:
    """The places of known values, but those of constants. ImpossibleEvidenceError where one has another value."""
    constant, observed = is_constant(joint), []
    for i, row in enumerate(joint.rows):
        if row in known.reals:
            value, size = known.reals[row], abs(joint.offset[i]) + np.abs(joint.slopes[i]) @ np.abs(inputs)
            if not constant[i]:
                observed.append(i)
            elif abs(value - means[i]) > EQUAL * size:
                name = name_of_row(row, schema)
                raise ImpossibleEvidenceError(
                    f"given values must be possible: {name!r} (std 0) is {means[i]:.9g}, not {value:.9g}"
                )
    return observed


def _conditioned(joint: JointNormal, hidden: list[int], observed: list[int], schema: Schema) -> Conditioned:
    try:
        return conditioned(joint, hidden, observed)
    except DependentError as error:
        name = name_of_row(joint.rows[observed[error.place]], schema)
        raise ValueError(
            f"given values of {name!r} and of the variables before it depend on each other: it is a linear function of "
            "them (a std of 0), so leave it out"
        ) from None
