"""Rows -> the conditionals of a network: tables by counting, other kinds each by its estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..conditionals.base import Conditional
from ..data.blocks import Block
from ..data.schema import Schema
from ..data.variables import Variable
from ..runtime.pieces import cell_ranges
from ..runtime.threads import run_pieces
from . import counts
from .base import Estimator, Learnt, RowsEstimator, SumEstimator, Target, Weights
from .counts import Prior, TrainingRows, checked_weights
from .estimators import ESTIMATORS, KEPT, all_tables, kind_of
from .notes import warning_text

CELLS_PER_SUM = 128  # a piece has so many cells of data per number of its statistics
LARGEST_PIECE = 1 << 31  # cells, so that a 32-bit count cannot overflow
PIECES_AT_ONCE = 64  # bounds the memory of the statistics of pieces


class Known(NamedTuple):
    """What is known of a network before it learns."""

    parents: Mapping[str, tuple[str, ...]]
    variables: Mapping[str, Variable]  # of some: the others are what the data say
    conditionals: Mapping[str, Conditional]  # whose kinds stay: of all variables, or of none


class Fitted(NamedTuple):
    """Conditionals in the order of the variables, what a later chunk goes on from, and what to tell the user."""

    conditionals: Mapping[str, Conditional]
    statistics: Any
    warning: str = ""


def learn(known: Known, rows: TrainingRows, prior: Prior, earlier: Any = None, in_chunks: bool = False) -> Fitted:
    """All conditionals from complete rows, added to those that ``earlier`` statistics are of.

    Raises ValueError or TypeError, naming a variable, where one cannot be learnt from them, or not in chunks.
    """
    schema = rows.block.schema
    variables = schema.variables
    targets = [
        Target(name, variables[name], {own: variables[own] for own in parents}, known.conditionals.get(name))
        for name, parents in known.parents.items()
    ]
    if all_tables(targets):
        tables = counts.learn(known.parents, rows.block, prior, rows.weights, earlier)
        return Fitted(tables.conditionals, tables.counts)
    weights = None if rows.weights is None else checked_weights(rows.weights, rows.block.n)
    estimators = _estimators(targets, schema, prior)
    if in_chunks:
        _refuse_chunks(estimators)
    sums = {kind: own for kind, own in estimators.items() if isinstance(own, SumEstimator)}
    statistics = dict(zip(sums, _collected(list(sums.values()), schema, rows.block, weights), strict=True))
    if earlier is not None:
        statistics = {kind: own.merged(earlier[kind], statistics[kind]) for kind, own in sums.items()}
    learnt = [_learnt(own, statistics.get(kind), rows.block, weights) for kind, own in estimators.items()]
    return Fitted(_together(targets, learnt), statistics, warning_text([note for own in learnt for note in own.notes]))


def _estimators(targets: Sequence[Target], schema: Schema, prior: Prior) -> dict[str, Estimator]:
    """One for each kind, by its name."""
    by_kind: dict[type[Conditional], list[Target]] = {}
    for target in targets:
        if not isinstance(target.conditional, KEPT):
            by_kind.setdefault(kind_of(target), []).append(target)
    return {kind.__name__: ESTIMATORS[kind](own, schema, prior) for kind, own in by_kind.items()}


def _refuse_chunks(estimators: Mapping[str, Estimator]) -> None:
    for kind, own in estimators.items():
        if isinstance(own, RowsEstimator):
            raise TypeError(
                f"partial_fit cannot learn the {kind} of {own.targets[0].name!r}, which needs all rows at once: "
                "call fit(data)"
            )


def _collected(estimators: Sequence[SumEstimator], schema: Schema, block: Block, weights: Weights) -> list[Any]:
    """The statistics of all rows by estimator: each piece of rows is read once, pieces are merged in order."""

    def work(begin: int, end: int) -> list[Any]:
        part = block.read(begin, end)
        rows = begin - part.first, end - part.first
        own_weights = None if weights is None else weights[part.first :]
        return [own.collect(*rows, part, own_weights) for own in estimators]

    if not estimators:
        return []
    total = work(0, 0)  # compiles in this thread
    size = max(block.cells_per_piece, CELLS_PER_SUM * sum(own.n_sums for own in estimators))
    pieces = cell_ranges(block.n, schema.n_codes + schema.n_reals, min(size, LARGEST_PIECE))
    for first in range(0, len(pieces), PIECES_AT_ONCE):
        for piece in run_pieces(work, pieces[first : first + PIECES_AT_ONCE]):
            total = [own.merged(*pair) for own, *pair in zip(estimators, total, piece, strict=True)]
    return total


def _learnt(estimator: Estimator, statistics: Any, block: Block, weights: Weights) -> Learnt:
    if isinstance(estimator, SumEstimator):
        return estimator.estimate(statistics)
    if isinstance(estimator, RowsEstimator):
        return estimator.fit(block, weights)
    raise TypeError(f"an estimator is a SumEstimator or a RowsEstimator, got a {type(estimator).__name__}")


def _together(targets: Sequence[Target], learnt: Sequence[Learnt]) -> dict[str, Conditional]:
    """Conditionals in the order of the targets; those without an estimator as they are."""
    found = {name: own for part in learnt for name, own in part.conditionals.items()}
    kept = {target.name: target.conditional for target in targets if target.conditional is not None}
    return {target.name: found[target.name] if target.name in found else kept[target.name] for target in targets}
