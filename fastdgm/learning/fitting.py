"""Rows -> the conditionals of a network of several kinds: each variable by the estimator of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..conditionals.base import Conditional
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.table import CPT
from ..data.blocks import Block
from ..data.schema import Schema
from ..data.variables import Discrete, Real
from ..runtime.pieces import cell_ranges
from ..runtime.threads import run_pieces
from .base import Estimator, Learnt, RowsEstimator, SumEstimator, Target, Weights
from .counts import Prior
from .estimators import ESTIMATORS, estimator_of

CELLS_PER_SUM = 128  # a piece has so many cells of data per number of its statistics
LARGEST_PIECE = 1 << 31
PIECES_AT_ONCE = 64  # bounds the memory of the statistics of pieces


class Fitted(NamedTuple):
    """Conditionals in the order of the targets, what a later chunk goes on from, and notes for the user."""

    conditionals: dict[str, Conditional]
    statistics: dict[str, Any]  # by the name of the kind of conditional
    notes: tuple[str, ...]


def fit_network(
    targets: Sequence[Target],
    schema: Schema,
    block: Block,
    prior: Prior,
    weights: Weights = None,
    earlier: dict[str, Any] | None = None,
    in_chunks: bool = False,
) -> Fitted:
    """Learn all targets from complete rows, added to those that ``earlier`` statistics are of.

    Raises ValueError or TypeError, naming a variable, before anything is learnt where one cannot be, or cannot be in
    chunks.
    """
    by_kind: dict[type[Conditional], list[Target]] = {}
    for target in targets:
        by_kind.setdefault(kind_of(target), []).append(target)
    estimators = {kind.__name__: ESTIMATORS[kind](own, schema, prior) for kind, own in by_kind.items()}
    if in_chunks:
        _refuse_chunks(estimators)
    sums = {kind: own for kind, own in estimators.items() if isinstance(own, SumEstimator)}
    statistics = dict(zip(sums, _collected(list(sums.values()), block, weights), strict=True))
    if earlier is not None:
        statistics = {kind: own.merged(earlier[kind], statistics[kind]) for kind, own in sums.items()}
    learnt = [_learnt(kind, own, statistics, block, weights) for kind, own in estimators.items()]
    found = {name: own for part in learnt for name, own in part.conditionals.items()}
    notes = tuple(note for part in learnt for note in part.notes)
    return Fitted({target.name: found[target.name] for target in targets}, statistics, notes)


def _learnt(kind: str, estimator: Estimator, statistics: dict[str, Any], block: Block, weights: Weights) -> Learnt:
    if isinstance(estimator, SumEstimator):
        return estimator.estimate(statistics[kind])
    if isinstance(estimator, RowsEstimator):
        return estimator.fit(block, weights)
    raise TypeError(f"an estimator is a SumEstimator or a RowsEstimator, got {type(estimator).__name__}")


def _refuse_chunks(estimators: dict[str, Estimator]) -> None:
    for kind, own in estimators.items():
        if isinstance(own, RowsEstimator):
            raise TypeError(
                f"partial_fit cannot learn the {kind} of {own.targets[0].name!r}: it needs all rows at once, "
                "call fit(data)"
            )


def _collected(estimators: Sequence[SumEstimator], block: Block, weights: Weights) -> list[Any]:
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
    n_cells = len(block.states)
    pieces = cell_ranges(block.n, n_cells, min(size, LARGEST_PIECE))
    for first in range(0, len(pieces), PIECES_AT_ONCE):
        for piece in run_pieces(work, pieces[first : first + PIECES_AT_ONCE]):
            total = [own.merged(*pair) for own, *pair in zip(estimators, total, piece, strict=True)]
    return total
