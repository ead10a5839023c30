"""The E-step of EM: expected statistics of every conditional, over the posterior of what is hidden in each row.

A family (a variable and its parents) whose hidden variables are S is seen in every configuration c of S, with the
weight w_i P(S = c | what row i says), so that its estimator learns as from complete rows. What does not change from one
step to the next is gathered once: families with nothing hidden, and the background (``background.py``) of the others.
EM maximises

    sum_i w_i log p(row i) + log prior of the tables

and each step raises it, but for one that widens a degenerate component. All is float64, whatever the rows are, so that
the rounding of narrow components far from 0 does not hide whether it rose. Variables that bear on nothing observed in a
row (what is missing without anything below it) learn nothing from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..conditionals.logistic import LogLinear
from ..conditionals.table import CPT
from ..data.blocks import Part
from ..data.partial import PartialRows, Pattern
from ..data.schema import Schema, Values
from ..engines.elimination.loops import LOOPS
from ..engines.elimination.plan import Scope
from ..graph import topological_order
from ..inference.hidden_sums import HiddenSums, hidden_reals, kept_variables
from ..inference.joint import Joint
from ..inference.latent import taken
from ..runtime.arrays import read_only
from ..runtime.pieces import split
from ..runtime.text import preview
from ..runtime.threads import run_pieces
from .background import BACKGROUND, STEPS
from .base import Estimator, RowsEstimator, SumEstimator, Target
from .counts import Prior
from .estimators import ESTIMATORS, KEPT, kind_of
from .gathered import GatheredRows
from .starts import start_codes
from .steps import Expected, Maximised, Steps

Array = npt.NDArray[Any]

NEGLIGIBLE = 1e-14  # a share of the posterior that no sum of float64 would show
ROWS_AT_ONCE = 1 << 14
PIECES_AT_ONCE = 64  # bounds the memory of the statistics of pieces


class Group(NamedTuple):
    """Variables of one kind that have the same hidden variables in every pattern of missing values."""

    estimator: SumEstimator
    scopes: tuple[Scope | None, ...]  # by pattern; None: they bear on nothing observed

    @property
    def is_fixed(self) -> bool:
        """Whether nothing of them is ever hidden."""
        return not any(self.scopes)


class Piece(NamedTuple):
    """Rows of one pattern."""

    pattern: int
    rows: slice | Array


class Expectation(Steps):
    """Everything of the E-step that does not depend on the parameters."""

    def __init__(self, targets: Sequence[Target], rows: PartialRows, weights: Array, prior: Prior) -> None:
        self.rows: PartialRows = rows
        self.weights: Array = weights
        self.prior: Prior = prior
        self.weight: float = float(weights.sum())
        self._rng = np.random.default_rng()  # of the starts
        self.parents: dict[str, tuple[str, ...]] = {target.name: tuple(target.parents) for target in targets}
        self._order = topological_order(self.parents)
        self.patterns: list[Pattern] = []
        self.pieces: list[Piece] = []
        for pattern, own in rows.patterns():
            _refuse_hidden_reals(self.parents, rows.schema, pattern)
            n = rows.n if own is None else len(own)
            places = [slice(*ends) if own is None else own[slice(*ends)] for ends in split(n, ROWS_AT_ONCE)]
            self.pieces += [Piece(len(self.patterns), place) for place in places]
            self.patterns.append(pattern)
        self.groups: list[Group] = self._grouped(targets)
        self.constant: list[Any] = self._collected(self._constant_part).statistics
        self.background: list[Any] = self._collected(self._background_part).statistics
        self._fixed = [
            group.estimator.estimate(own) if group.is_fixed else None
            for group, own in zip(self.groups, self.constant, strict=True)
        ]

    def _grouped(self, targets: Sequence[Target]) -> list[Group]:
        schema = self.rows.schema
        kept = [kept_variables(self.parents, schema, pattern) for pattern in self.patterns]
        number = {name: i for i, name in enumerate(schema.names)}
        found: dict[tuple[Any, tuple[Scope | None, ...]], list[Target]] = {}
        for target in targets:
            if isinstance(target.conditional, KEPT):
                continue
            scopes = tuple(
                tuple(sorted(pattern.discrete.intersection((target.name, *target.parents)), key=number.__getitem__))
                if target.name in own
                else None
                for pattern, own in zip(self.patterns, kept, strict=True)
            )
            found.setdefault((kind_of(target), scopes), []).append(target)
        groups = []
        for (kind, scopes), own_targets in found.items():
            estimator = self._estimator(ESTIMATORS[kind], own_targets, scopes)
            groups.append(Group(estimator, scopes))
        return groups

    def _estimator(
        self, kind: type[Estimator], targets: Sequence[Target], scopes: Sequence[Scope | None]
    ) -> SumEstimator:
        schema = self.rows.schema
        if issubclass(kind, SumEstimator):
            return kind(targets, schema, self.prior)
        if issubclass(kind, RowsEstimator):
            most = max(prod(len(schema.states[name]) for name in scope or ()) for scope in scopes)
            return GatheredRows(kind, targets, schema, self.prior, self.rows.n * most)
        raise TypeError(f"an estimator is a SumEstimator or a RowsEstimator, got a {kind.__name__}")

    @property
    def is_exact(self) -> bool:
        """Whether each M-step is in closed form, not by an iteration that ends near the maximum."""
        return not any(isinstance(group.estimator, GatheredRows) for group in self.groups if not group.is_fixed)

    # --- statistics ---

    def _collected(self, work: Callable[[Piece], Expected]) -> Expected:
        """Those of all pieces together, merged in order."""
        total = Expected(0.0, 0.0, self._nothing())
        for first in range(0, len(self.pieces), PIECES_AT_ONCE):
            numbers = range(first, min(first + PIECES_AT_ONCE, len(self.pieces)))
            for found in run_pieces(lambda i, _: work(self.pieces[i]), [(i, i + 1) for i in numbers]):
                statistics = self._merged(total.statistics, found.statistics)
                total = Expected(total.objective + found.objective, total.size + found.size, statistics)
        return total

    def _nothing(self) -> list[Any]:
        """The statistics of no rows; compiles in this thread."""
        part = _part(self._values(slice(0, 0)))
        return [group.estimator.collect(0, 0, part, np.empty(0)) for group in self.groups]

    def _merged(self, first: list[Any], second: list[Any]) -> list[Any]:
        return [
            own if new is None else group.estimator.merged(own, new)
            for group, own, new in zip(self.groups, first, second, strict=True)
        ]

    def _constant_part(self, piece: Piece) -> Expected:
        """Rows in which nothing of a family is hidden."""
        values, weights = self._taken(piece)
        return Expected(
            0.0,
            0.0,
            [
                group.estimator.collect(0, len(weights), _part(values), weights)
                if group.scopes[piece.pattern] == ()
                else None
                for group in self.groups
            ],
        )

    def _background_part(self, piece: Piece) -> Expected:
        """All rows in every configuration, of families of which something is hidden."""
        values, weights = self._taken(piece)
        statistics = [None] * len(self.groups)
        for g, group in enumerate(self.groups):
            if scope := group.scopes[piece.pattern]:
                shape = [len(self.rows.schema.states[name]) for name in scope]
                background = np.broadcast_to(BACKGROUND * weights, (*shape, len(weights)))
                statistics[g] = self._in_every_configuration(group, values, scope, background)
        return Expected(0.0, 0.0, statistics)

    def _taken(self, piece: Piece) -> tuple[Values, Array]:
        """The rows of a piece and their weights."""
        return self._values(piece.rows), self.weights[piece.rows]

    def _values(self, place: slice | Array) -> Values:
        """Some rows, codes that may be written to, reals as float64."""
        codes, reals = taken(self.rows.values, place)
        return Values(codes, reals.astype(np.float64, copy=False))

    def _in_every_configuration(self, group: Group, values: Values, scope: Scope, weights: Array) -> Any:
        """The hidden variables set to one configuration after the other, each with its own weights (*ks, n) of the
        rows; ``values`` are overwritten."""
        total = None
        for configuration in np.ndindex(*weights.shape[:-1]):
            for name, code in zip(scope, configuration, strict=True):
                values.codes[self.rows.schema.rows[name]] = code
            own = np.ascontiguousarray(weights[configuration])
            found = group.estimator.collect(0, len(own), _part(values), own)
            total = found if total is None else group.estimator.merged(total, found)
        return total

    def of_assignment(self, codes: Array) -> list[Any]:
        """The statistics of rows whose hidden variables have these codes (n_codes, n), to start from."""

        def work(piece: Piece) -> Expected:
            values, weights = self._taken(piece)
            values.codes[:] = codes[:, piece.rows]
            return Expected(
                0.0,
                0.0,
                [
                    group.estimator.collect(0, len(weights), _part(values), weights)
                    if group.scopes[piece.pattern]
                    else None
                    for group in self.groups
                ],
            )

        return self._merged(self.constant, self._collected(work).statistics)

    def start(self, kept: Mapping[str, Conditional], seed: int, restart: int) -> Maximised:
        """The estimates of rows whose hidden variables are clusters, which differ from run to run."""
        if restart == 0:
            self._rng = np.random.default_rng(seed)
        return self.maximised(self.of_assignment(start_codes(self.rows, self.parents, self._rng)), kept)

    def expected(self, conditionals: Mapping[str, Conditional]) -> Expected:
        """Objective and expected statistics under these parameters."""
        network = Joint(conditionals, self._order, self.rows.schema)
        sums = [HiddenSums(network, pattern) for pattern in self.patterns]
        found = self._collected(lambda piece: self._expected_of(piece, sums[piece.pattern]))
        log_prior = self._log_prior(conditionals)
        statistics = self._merged(self.constant, found.statistics)
        return Expected(found.objective + log_prior, found.size, statistics, log_prior)

    def _expected_of(self, piece: Piece, sums: HiddenSums) -> Expected:
        """What a piece adds to what is constant."""
        values, weights = self._taken(piece)
        terms = sums.fill(values)
        shares = np.empty_like(terms)
        LOOPS["posterior", "cpu"](0, len(weights), sums.sums.plan, terms, shares)
        shares[shares < NEGLIGIBLE] = 0.0
        rows_of = {factor.scope: factor.rows for factor in sums.sums.inputs}
        statistics = [
            self._in_every_configuration(group, values, scope, shares[rows_of[scope]] * weights)
            if (scope := group.scopes[piece.pattern])
            else None
            for group in self.groups
        ]
        used = weights > 0.0
        log_p = terms[-1, used]
        return Expected(float(weights[used] @ log_p), float(weights[used] @ np.abs(log_p)), statistics)

    def _log_prior(self, conditionals: Mapping[str, Conditional]) -> float:
        """Of what is not fixed, but for a constant: of tables pseudo-count times the sum of logarithms, of logistic
        variables -l2 / 2 |weights|^2."""
        total = 0.0
        for group in self.groups:
            for target in () if group.is_fixed else group.estimator.targets:
                own = conditionals[target.name]
                if isinstance(own, CPT) and self.prior.pseudo_count > 0.0:
                    total += self.prior.per_cell(own.table) * float(np.log(own.table).sum())
                elif isinstance(own, LogLinear):
                    total -= 0.5 * own.l2 * float(np.square(own.parameters()["weights"]).sum())
        return total

    def maximised(
        self,
        statistics: Sequence[Any],
        conditionals: Mapping[str, Conditional],
        degenerate: Sequence[Sequence[Any]] | None = None,
    ) -> Maximised:
        """The M-step: every conditional by its estimator, those without one as they are. ``degenerate`` is that of the
        step before."""
        counts = [list(own) for own in degenerate or [[0] * len(group.estimator.targets) for group in self.groups]]
        found, notes, is_maximum = dict(conditionals), list[str](), True
        for g, (group, learnt) in enumerate(zip(self.groups, self._fixed, strict=True)):
            if learnt is None:
                held = [np.greater_equal(count, STEPS) for count in counts[g]]
                learnt, flags = group.estimator.guarded(statistics[g], self.background[g], held)
                is_maximum &= not any(np.any(own) for own in (*held, *flags))
                counts[g] = [count + np.asarray(own, int) for count, own in zip(counts[g], flags, strict=True)]
            found |= learnt.conditionals
            notes += learnt.notes
        variables = self.rows.schema.variables
        bound = {
            name: found[name].bound(name, [variables[parent] for parent in parents])
            for name, parents in self.parents.items()
        }
        return Maximised(bound, tuple(notes), counts, is_maximum)


def _refuse_hidden_reals(parents: Mapping[str, Sequence[str]], schema: Schema, pattern: Pattern) -> None:
    """ValueError that names a real variable whose missing values EM would have to integrate over."""
    for name in hidden_reals(parents, schema, pattern):
        children = [child for child, own in parents.items() if name in own]
        raise ValueError(
            f"EM sums over discrete variables only: the real variable {name!r} has no value in some rows, and "
            + (f"{preview(children)} depend on it" if children else "others of its numbers are known there")
            + "; leave these rows out, or fill in its values"
        )


def _part(values: Values) -> Part:
    return Part("columns", read_only(values.codes), 0, read_only(values.reals))
