"""Rows with missing values: hidden discrete variables are summed out exactly, pattern by pattern of what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.mixed import values_block
from ..data.partial import PartialRows, Pattern, without
from ..data.schema import Schema, Values
from ..engines.hybrid import Program
from ..errors import ImpossibleEvidenceError
from ..runtime.lazy import cached_property
from ..runtime.memory import check_memory
from ..runtime.pieces import run_ranges, split
from .hidden_sums import HiddenSums, hidden_variables, kept_variables
from .impossible import Impossible
from .joint import Joint
from .separate import excluding_groups, may_exclude

Array = npt.NDArray[Any]

PATTERNS_KEPT = 256


class Inference:
    """Answers about rows with missing values, for one network; what a pattern needs is made when it first comes."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.network: Joint = Joint.of(program)
        self._kept: dict[tuple[Pattern, str | None], HiddenSums] = {}
        self._kept_separate: dict[tuple[Pattern, frozenset[str]], tuple[HiddenSums, ...]] = {}

    def sums(self, pattern: Pattern, target: str | None = None) -> HiddenSums:
        """Those of a pattern."""
        found = self._kept.get((pattern, target))
        if found is None:
            found = HiddenSums(self.network, pattern, target)
            if len(self._kept) < PATTERNS_KEPT:
                self._kept[pattern, target] = found
        return found

    @cached_property
    def _may_exclude(self) -> frozenset[str]:
        return frozenset(name for name, own in self.network.conditionals.items() if may_exclude(own))

    def separate_sums(self, pattern: Pattern, families: frozenset[str]) -> tuple[HiddenSums, ...]:
        """Those of what is observed but does not bear on the ``families``, where they have a closed form."""
        found = self._kept_separate.get((pattern, families))
        if found is None:
            found = tuple(self._separate_sums(pattern, families))
            if len(self._kept_separate) < PATTERNS_KEPT:
                self._kept_separate[pattern, families] = found
        return found

    def _separate_sums(self, pattern: Pattern, families: frozenset[str]) -> Iterator[HiddenSums]:
        if self._may_exclude <= families:
            return
        kept = kept_variables(self.network.parents, self.network.schema, pattern) - families
        hidden, parents = hidden_variables(self.network.schema, pattern), self.network.parents
        scopes = {name: hidden.intersection((name, *parents[name])) for name in self.network.order if name in kept}
        for group in excluding_groups(scopes, self._may_exclude):
            with suppress(ValueError):  # of no closed form: log_prob refuses such rows, and nothing is known of them
                yield HiddenSums(self.network, pattern, None, group)

    def are_impossible(self, rows: PartialRows) -> npt.NDArray[np.bool_]:
        """Whether the network is known to call a row impossible (n,): where log p has no closed form it is not."""
        out = np.zeros(rows.n, np.bool_)
        for pattern, own in rows.patterns():
            self.mark_impossible(rows, pattern, own, frozenset(), out)
        return out

    def mark_impossible(
        self, rows: PartialRows, pattern: Pattern, own: Array | None, families: frozenset[str], out: Array
    ) -> None:
        """Set out[i] where what does not bear on the ``families`` is, for the rows ``own`` of one pattern."""
        for sums in self.separate_sums(pattern, families):

            def work(begin: int, end: int, sums: HiddenSums = sums) -> None:
                place = slice(begin, end) if own is None else own[begin:end]
                with suppress(ValueError):  # known numbers without a joint density
                    out[place] |= sums.fill(taken(rows.values, place))[-1] == -np.inf

            run_ranges(work, split(rows.n if own is None else len(own), sums.rows_at_once))

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

    def posterior_of_possible(self, rows: PartialRows, target: str) -> npt.NDArray[np.float64]:
        """The same of rows that are known to be possible: what does not bear on the target is not looked at.

        NaN where what bears on it is impossible.
        """
        rows = without(rows, target)
        out = empty_posterior(rows.n, target, rows.schema)
        for pattern, own in rows.patterns():
            self._fill_shares(rows, pattern, own, target, out, "nan")
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
        self._fill_shares(rows, pattern, own, target, out, impossible)
        self.fill_impossible(rows, pattern, own, self.sums(pattern, target).families, target, out, impossible)

    def fill_impossible(
        self,
        rows: PartialRows,
        pattern: Pattern,
        own: Array | None,
        families: frozenset[str],
        target: str,
        out: Array,
        impossible: Impossible,
    ) -> None:
        """The same for rows that are impossible by what does not bear on the ``families``: the error, or NaN."""
        if self.separate_sums(pattern, families):
            is_impossible = np.zeros(rows.n, np.bool_)
            self.mark_impossible(rows, pattern, own, families, is_impossible)
            if impossible == "error":
                _check_possible(np.where(is_impossible, -np.inf, 0.0), slice(0, rows.n), target, rows.schema)
            out[is_impossible] = np.nan

    def _fill_shares(
        self,
        rows: PartialRows,
        pattern: Pattern,
        own: Array | None,
        target: str,
        out: Array,
        impossible: Impossible,
    ) -> None:
        """out[i, k] by the factors that bear on the target."""
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
