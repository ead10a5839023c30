"""Sums over what one pattern of missing values hides, and which variables these are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.partial import Pattern
from ..data.schema import Schema, Values
from ..engines.elimination.loops import LOOPS
from ..engines.elimination.plan import Elimination, elimination
from ..graph import reached
from ..runtime.text import preview
from .hidden_reals import integrated_terms
from .joint import Joint
from .parts import without_missing_cells
from .relevance import connected
from .terms import Terms, family_terms

Array = npt.NDArray[Any]
Parents = Mapping[str, Sequence[str]]

PIECE_BYTES = 1 << 23  # of a block of terms
LARGEST_PIECE = 1 << 16  # rows


class HiddenSums:
    """Sums for one pattern of missing values: factors of the joint distribution, and how they are summed out.

    With a target, a discrete variable that is missing, factors that do not bear on it are left out. ``families`` are
    the variables whose factors count, all of them; without, those that bear on what is observed.
    """

    def __init__(
        self,
        network: Joint,
        pattern: Pattern,
        target: str | None = None,
        families: Collection[str] | None = None,
    ) -> None:
        kept = set(bearing_on(network, pattern, target) if families is None else families)
        self.families: frozenset[str] = frozenset(kept)
        pattern, cells = without_missing_cells(network, pattern, kept)
        hidden = pattern.discrete
        integrated, done = integrated_terms(kept, pattern.reals, hidden, network.conditionals, network.order)
        rest = family_terms(sorted(kept - done), hidden, network.conditionals, network.order, cells)
        terms: list[Terms] = [*integrated, *rest]
        n_states = {name: len(states) for name, states in network.schema.states.items()}
        _refuse_vectors({name for own in terms for name in own.scope}, network.schema)
        self.terms = terms
        self.sums: Elimination = elimination([own.scope for own in terms], n_states, target)

    @property
    def rows_at_once(self) -> int:
        """How many rows of terms are worked on together, so that memory stays bounded."""
        rows = PIECE_BYTES // (8 * self.sums.n_terms)
        return max(1, min(rows, LARGEST_PIECE))

    def fill(self, values: Values) -> Array:
        """The block of terms (n_terms, n) of some rows, all sums taken; the last row is log p of what is observed."""
        n = values.codes.shape[1]
        terms = np.empty((self.sums.n_terms, n))
        for own, factor in zip(self.terms, self.sums.inputs, strict=True):
            first = int(factor.rows.flat[0])
            own.fill(values, terms[first : first + factor.rows.size])
        LOOPS["log sums", "cpu"](0, n, self.sums.plan, terms)
        return terms


def _refuse_vectors(hidden: Collection[str], schema: Schema) -> None:
    vectors = sorted(name for name in hidden if schema.variables[name].event_shape)
    if vectors:
        raise ValueError(
            f"cannot be summed out: values of {preview(vectors)} are missing, vectors of discrete variables, and what "
            "is observed depends on them"
        )


def kept_variables(parents: Parents, schema: Schema, pattern: Pattern, target: str | None = None) -> set[str]:
    """The variables that bear on what is observed: they and what they descend from, and the target."""
    missing = pattern.discrete | _missing_reals(schema, pattern)
    return reached([name for name in schema.names if name not in missing or name == target], parents)


def bearing_on(network: Joint, pattern: Pattern, target: str | None) -> set[str]:
    """The variables whose factors the answer depends on: with a target those that hidden variables connect to it."""
    kept = kept_variables(network.parents, network.schema, pattern, target)
    return kept if target is None else connected_to(target, kept, network, pattern)


def connected_to(
    target: str,
    kept: Collection[str],
    network: Joint,
    pattern: Pattern,
    more: Parents = MappingProxyType({}),
) -> set[str]:
    """Those of the ``kept`` variables whose families share hidden variables with the target's, or with such a family's.

    ``more`` are further parents of some variables.
    """
    hidden = hidden_variables(network.schema, pattern)
    parents = network.parents
    names = [name for name in network.order if name in kept]
    scopes = [hidden.intersection((name, *parents[name], *more.get(name, ()))) for name in names]
    return {names[i] for i in connected([target], scopes)}


def hidden_variables(schema: Schema, pattern: Pattern) -> set[str]:
    """The variables of which something is missing."""
    in_part = {name for name, size in schema.sizes.items() if pattern.reals & set(_rows(schema.rows[name], size))}
    return {*pattern.discrete, *in_part, *(schema.code_owners[cell] for cell in pattern.cells)}


def _missing_reals(schema: Schema, pattern: Pattern) -> set[str]:
    """The real variables of which nothing is known."""
    return {name for name, size in schema.sizes.items() if pattern.reals.issuperset(_rows(schema.rows[name], size))}


def hidden_reals(parents: Parents, schema: Schema, pattern: Pattern) -> list[str]:
    """The real variables that have to be integrated over: missing, or known in part, with something observed below."""
    kept = kept_variables(parents, schema, pattern)
    return [
        name
        for name, size in schema.sizes.items()
        if name in kept and pattern.reals.intersection(_rows(schema.rows[name], size))
    ]


def _rows(first: int, size: int) -> range:
    return range(first, first + size)
