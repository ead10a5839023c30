"""Rows with missing values: hidden discrete variables are summed out exactly, pattern by pattern of what is missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.mixed import values_block
from ..data.partial import PartialRows, Pattern, without
from ..data.schema import Schema, Values
from ..engines.elimination.loops import LOOPS
from ..engines.elimination.plan import Elimination, elimination
from ..engines.hybrid import Program
from ..errors import ImpossibleEvidenceError
from ..runtime.memory import check_memory
from ..runtime.pieces import run_ranges, split
from ..runtime.text import preview
from .hidden_reals import integrated_terms
from .impossible import Impossible
from .joint import Joint
from .parts import without_missing_cells
from .relevance import connected, with_ancestors
from .terms import Terms, family_terms

Array = npt.NDArray[Any]
Parents = Mapping[str, Sequence[str]]

PIECE_BYTES = 1 << 23  # of a block of terms
LARGEST_PIECE = 1 << 16  # rows
PATTERNS_KEPT = 256


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
    return with_ancestors([name for name in schema.names if name not in missing or name == target], parents)


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
    schema = network.schema
    hidden = pattern.discrete.union(
        name for name, size in schema.sizes.items() if pattern.reals.intersection(_rows(schema.rows[name], size))
    )
    names = [name for name in network.order if name in kept]
    scopes = [hidden.intersection((name, *network.parents[name], *more.get(name, ()))) for name in names]
    return {names[i] for i in connected([target], scopes)}


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


class Inference:
    """Answers about rows with missing values, for one network; what a pattern needs is made when it first comes."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.network = Joint.of(program)
        self._kept: dict[tuple[Pattern, str | None], HiddenSums] = {}

    def sums(self, pattern: Pattern, target: str | None = None) -> HiddenSums:
        """Those of a pattern."""
        found = self._kept.get((pattern, target))
        if found is None:
            found = HiddenSums(self.network, pattern, target)
            if len(self._kept) < PATTERNS_KEPT:
                self._kept[pattern, target] = found
        return found

    def log_prob(self, rows: PartialRows) -> npt.NDArray[np.float64]:
        """log p of what is observed in every row (n,), nats: the logarithm of the sum over all that is missing.

        Raises ValueError where that cannot be summed, naming the variables.
        """
        out = np.empty(rows.n)
        for pattern, own in rows.patterns():
            self.fill_log_prob(rows, pattern, own, out)
        return out

    def fill_log_prob(self, rows: PartialRows, pattern: Pattern, own: Array | None, out: Array) -> None:
        """out[i] = log p of what is observed, for the rows ``own`` of one pattern (None: all)."""
        if pattern.is_complete:  # the same bits as in data where all rows are
            complete = taken(rows.values, slice(None) if own is None else own)
            out[slice(None) if own is None else own] = self.program.log_prob(values_block(complete, rows.schema))
            return
        sums = self.sums(pattern)

        def work(begin: int, end: int) -> None:
            place = slice(begin, end) if own is None else own[begin:end]
            out[place] = sums.fill(taken(rows.values, place))[-1]

        run_ranges(work, split(rows.n if own is None else len(own), sums.rows_at_once))

    def posterior(self, rows: PartialRows, target: str, impossible: Impossible = "error") -> npt.NDArray[np.float64]:
        """P(target = k | the other values of the row), (n, k); what a row says of the target itself is not looked at.

        Raises ImpossibleEvidenceError that names a row which is impossible or too far out, because it has no posterior.
        """
        rows = without(rows, target)
        out = empty_posterior(rows.n, target, rows.schema)
        for pattern, own in rows.patterns():
            self.fill_posterior(rows, pattern, own, target, out, impossible)
        return out

    def fill_posterior(
        self,
        rows: PartialRows,
        pattern: Pattern,
        own: Array | None,
        target: str,
        out: Array,
        impossible: Impossible = "error",
    ) -> None:
        """out[i, k] = P(target = k | the other values), for the rows ``own`` of one pattern (None: all)."""
        sums = self.sums(pattern, target)

        def work(begin: int, end: int) -> None:
            place = slice(begin, end) if own is None else own[begin:end]
            terms = sums.fill(taken(rows.values, place))
            if impossible == "error":
                _check_possible(terms[-1], place, target, rows.schema)
            out[place] = _normalised(terms[sums.sums.target]).T

        run_ranges(work, split(rows.n if own is None else len(own), sums.rows_at_once))


def empty_posterior(n: int, target: str, schema: Schema) -> npt.NDArray[np.float64]:
    """An array (n, n_states), where there is memory for it."""
    n_states = len(schema.states[target])
    check_memory(8 * n * n_states, f"the posterior of {n} rows x {n_states} states of {target!r}")
    return np.empty((n, n_states))


def taken(values: Values, place: slice | Array) -> Values:
    """Some rows as blocks in C order; the codes are a copy that may be written to."""
    return Values(np.array(values.codes[:, place], order="C"), np.ascontiguousarray(values.reals[:, place]))


def _check_possible(log_total: Array, place: slice | Array, target: str, schema: Schema) -> None:
    if not (log_total > -np.inf).all():
        at = int(np.argmin(log_total > -np.inf))
        row = place.start + at if isinstance(place, slice) else int(place[at])
        if schema.is_discrete:
            why = "the network calls what it holds impossible, whatever the state"
        else:
            why = (
                "whatever the state, the network calls what it holds impossible, or its values are so far out that its "
                "log-probability leaves the range of float64"
            )
        raise ImpossibleEvidenceError(f"row {row} has no posterior of {target!r}: {why}")


def _normalised(log_joint: Array) -> Array:
    """Columns of e^log_joint, scaled to sum to one; NaN where all entries are -inf."""
    with np.errstate(invalid="ignore"):
        shares = np.exp(log_joint - log_joint.max(axis=0))
    shares /= shares.sum(axis=0)
    return shares
