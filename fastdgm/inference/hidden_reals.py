"""Hidden real variables integrated out of their families: linear Gaussians as one normal vector, a uniform variable by
its closed form. What is left is a function of hidden discrete variables."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.roots import Uniform
from ..data.schema import Schema, Values
from ..data.variables import Discrete
from ..engines.elimination.plan import Scope
from ..engines.multivariate.direct import normal_log_prob
from ..runtime.text import preview
from .joint_normal import (
    DependentError,
    JointNormal,
    factor_of,
    is_constant,
    is_linear,
    joint_normal,
    name_of_row,
    rows_of,
    with_inputs,
)
from .terms import Terms
from .uniform_latent import uniform_latent_log_prob

Array = npt.NDArray[Any]

CONFIGURATIONS_KEPT = 256
EQUAL = 8  # roundings of the data's type by which a value may miss a constant


class Families(NamedTuple):
    """Hidden real variables, and all families that they are in; variables are in topological order."""

    hidden: list[str]  # in part or altogether
    names: list[str]  # theirs and their children's


class IntegratedTerms(Terms):
    """log p of the observed members of some families, their hidden real variables integrated out."""

    def __init__(
        self, families: Families, missing: frozenset[int], conditionals: Mapping[str, Conditional], discrete: Scope
    ) -> None:
        """``missing`` are rows of the block of reals, ``discrete`` hidden variables in the order of declaration."""
        self.families = families
        self.conditionals = conditionals
        self.schema: Schema = Schema({name: own.variable for name, own in conditionals.items()})
        self.missing = missing
        parents = dict.fromkeys(parent for name in families.names for parent in conditionals[name].parents)
        selectors = [name for name in self.schema.states if name in parents]
        self.scope: Scope = tuple(name for name in discrete if name in parents)
        self._observed = [name for name in selectors if name not in self.scope]
        self._shape = [len(self.schema.states[name]) for name in self.scope]
        self._kept: dict[tuple[int, ...], Callable[[Array], Array]] = {}

    def fill(self, values: Values, out: Array) -> None:
        """Rows with one configuration of the observed parents together."""
        for observed, rows in self._groups(values.codes):
            for c, configuration in enumerate(np.ndindex(*self._shape)):
                out[c, rows] = self._scorer((*observed, *configuration))(values.reals[:, rows])

    def _groups(self, codes: Array) -> Iterator[tuple[tuple[int, ...], Any]]:
        own = codes[[self.schema.rows[name] for name in self._observed]]
        if not self._observed:
            yield (), slice(None)
            return
        found, place = np.unique(own, axis=1, return_inverse=True)
        for i, configuration in enumerate(found.T.tolist()):
            yield tuple(configuration), np.flatnonzero(place.ravel() == i)

    def _scorer(self, configuration: tuple[int, ...]) -> Callable[[Array], Array]:
        scorer = self._kept.get(configuration)
        if scorer is None:
            scorer = self.scorer(dict(zip((*self._observed, *self.scope), configuration, strict=True)))
            if len(self._kept) < CONFIGURATIONS_KEPT:
                self._kept[configuration] = scorer
        return scorer

    @abstractmethod
    def scorer(self, codes: Mapping[str, int]) -> Callable[[Array], Array]:
        """log p (n,) as a function of the block of reals, under one configuration of the discrete parents."""


class NormalTerms(IntegratedTerms):
    """Linear Gaussians and normal vectors: those that are observed have a joint normal density."""

    def scorer(self, codes: Mapping[str, int]) -> Callable[[Array], Array]:
        """By a factor of the observed members' covariance; constants are compared with their value."""
        joint = joint_normal(self.families.names, self.conditionals, self.schema, codes)
        constant = is_constant(joint)
        observed = [i for i, row in enumerate(joint.rows) if row not in self.missing]
        fixed, random = [i for i in observed if constant[i]], [i for i in observed if not constant[i]]
        try:
            factor = factor_of(joint, random)
        except DependentError as error:
            name = name_of_row(joint.rows[random[error.place]], self.schema)
            raise ValueError(
                f"cannot be integrated out: {preview(self.families.hidden)} are missing, and what is known of {name!r} "
                "is a linear function of other known values: together they have no density"
            ) from None
        rows = [joint.rows[i] for i in random]

        def score(reals: Array) -> Array:
            means = with_inputs(joint, reals)
            x = reals[rows].astype(np.float64) - means[random]
            out = normal_log_prob(x, np.zeros(len(rows)), factor) if rows else np.zeros(reals.shape[1])
            for i in fixed:
                out[~_agrees(reals, joint, i, means[i])] = -np.inf
            return out

        return score


class UniformTerms(IntegratedTerms):
    """A uniform variable above linear Gaussians that are observed."""

    def scorer(self, codes: Mapping[str, int]) -> Callable[[Array], Array]:
        """By the closed form; the other real parents are known."""
        (name,) = self.families.hidden
        own = self.conditionals[name]
        if not isinstance(own, Uniform) or own.low is None or own.high is None:
            raise TypeError(f"{name!r} is not a known uniform variable")
        children = [self._child(child, name, codes) for child in self.families.names if child != name]
        slopes = np.array([own.slopes[0, own.inputs.index(self.schema.rows[name])] for own in children])
        std = np.array([own.factor[0, 0] for own in children])
        low, high = own.low, own.high

        def score(reals: Array) -> Array:
            known = reals.astype(np.float64)
            known[self.schema.rows[name]] = 0.0
            residuals = np.stack([known[own.rows[0]] - with_inputs(own, known)[0] for own in children])
            return uniform_latent_log_prob(residuals, slopes, std, low, high)

        return score

    def _child(self, child: str, name: str, codes: Mapping[str, int]) -> JointNormal:
        own = joint_normal([child], self.conditionals, self.schema, codes)
        if own.factor[0, 0] == 0.0:
            raise ValueError(
                f"cannot be integrated out: {name!r} is missing, and {child!r}, which depends on it, has std 0"
            )
        return own


def _agrees(reals: Array, joint: JointNormal, i: int, mean: Array) -> Array:
    """Whether values are a constant's, but for the rounding of sums in the data's type."""
    size = abs(joint.offset[i]) + np.abs(joint.slopes[i]) @ np.abs(reals[list(joint.inputs)].astype(np.float64))
    return np.abs(reals[joint.rows[i]] - mean) <= EQUAL * np.finfo(reals.dtype).eps * size


def integrated_terms(
    kept: Collection[str],
    missing: frozenset[int],
    discrete: Collection[str],
    conditionals: Mapping[str, Conditional],
    order: Sequence[str],
) -> tuple[list[IntegratedTerms], set[str]]:
    """Factors for the families of hidden real variables among the ``kept`` ones, and whose families those are.

    ``missing`` are rows of the block of reals, ``discrete`` the hidden discrete variables. Raises ValueError that names
    what cannot be integrated out.
    """
    scope = tuple(name for name, own in conditionals.items() if isinstance(own.variable, Discrete) and name in discrete)
    terms: list[IntegratedTerms] = []
    for families in components(kept, missing, conditionals, order):
        kind = closed_form(families, conditionals)
        if kind is None:
            raise _no_closed_form(families, conditionals)
        terms.append(kind(families, missing, conditionals, scope))
    return terms, {name for own in terms for name in own.families.names}


def components(
    kept: Collection[str], missing: frozenset[int], conditionals: Mapping[str, Conditional], order: Sequence[str]
) -> list[Families]:
    """The hidden real variables among the ``kept`` ones, those that share families together."""
    schema = Schema({name: own.variable for name, own in conditionals.items()})
    hidden = {name for name in schema.sizes if name in kept and not missing.isdisjoint(rows_of(name, schema))}
    groups: list[set[str]] = []  # hidden variables and families
    for name in order:
        if name in kept:
            own = {other for other in (name, *conditionals[name].parents) if other in hidden}
            if own:
                own.add(name)
                touching = [group for group in groups if group & own & set(hidden)]
                groups = [group for group in groups if group not in touching]
                groups.append(own.union(*touching))
    return [
        Families([name for name in order if name in group & set(hidden)], [name for name in order if name in group])
        for group in groups
    ]


def closed_form(families: Families, conditionals: Mapping[str, Conditional]) -> type[IntegratedTerms] | None:
    """How the hidden variables of some families are integrated out exactly; None where they cannot be."""
    odd = _not_linear(families, conditionals)
    if not odd:
        return NormalTerms
    others = [name for name in families.names if name not in odd]
    linear = all(isinstance(conditionals[name], LinearGaussian) for name in others)
    if families.hidden == odd and len(odd) == 1 and isinstance(conditionals[odd[0]], Uniform) and linear:
        return UniformTerms
    return None


def _not_linear(families: Families, conditionals: Mapping[str, Conditional]) -> list[str]:
    return [name for name in families.names if not is_linear(conditionals[name])]


def _no_closed_form(families: Families, conditionals: Mapping[str, Conditional]) -> ValueError:
    odd = _not_linear(families, conditionals)
    kinds = ", ".join(f"{name!r} ({type(conditionals[name]).__name__})" for name in odd[:5])
    return ValueError(
        f"cannot be integrated out: of {preview(families.hidden)} values are missing, and their families are not all "
        f"linear Gaussians: {kinds}{', ...' if len(odd) > 5 else ''}; with n_importance= (500, say) log_prob and "
        "predict_proba estimate the integral by importance sampling"
    )
