"""Rows -> the conditionals of a network: tables by counting, other kinds each by its estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..conditionals.base import Conditional
from ..data.blocks import Block
from ..data.cuda_blocks import CudaBlock
from ..data.schema import Schema
from ..data.variables import Variable
from ..runtime.cuda_queue import CudaQueue
from ..runtime.pieces import cell_ranges
from ..runtime.threads import run_pieces
from .base import Estimator, Learnt, RowsEstimator, SumEstimator, Target, UndeterminedError, Weights
from .counts import Prior, TrainingRows, checked_weights, count_families, count_families_on_card, tables_from_counts
from .estimators import ESTIMATORS, KEPT, TRAINED, all_tables, kind_of
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
    history: Sequence[dict[str, float]] = ()  # of EM


def learn(known: Known, rows: TrainingRows, prior: Prior) -> Fitted:
    """All conditionals from complete rows.

    Raises ValueError or TypeError, naming a variable, where one cannot be learnt from them.
    """
    learner = Learner(known, rows.block.schema, prior)
    return learner.estimate(learner.collect(rows), rows)


def learn_chunk(known: Known, rows: TrainingRows, prior: Prior, earlier: Any) -> Fitted:
    """All conditionals from complete rows and those that ``earlier`` statistics are of (None: of none).

    No conditionals, and a warning, where all of these rows do not determine them yet. Raises ValueError or TypeError,
    naming a variable, where one cannot be learnt in chunks, or from these rows whatever follows.
    """
    learner = Learner(known, rows.block.schema, prior)
    learner.refuse_all_at_once()
    return estimate_chunk(learner, learner.collect(rows, earlier))


def estimate_chunk(learner: Learner, statistics: Any) -> Fitted:
    """All conditionals; none, and a warning, where the statistics of all chunks do not determine them yet."""
    try:
        return learner.estimate(statistics)
    except UndeterminedError as error:
        warning = f"{error}; the rows are kept for later calls, until then the conditionals stay as they are"
        return Fitted({}, statistics, warning)


def learn_some(targets: Sequence[Target], rows: TrainingRows, prior: Prior) -> Learnt:
    """The conditionals of some variables of complete rows; those of a kind without an estimator are left out.

    Raises ValueError or TypeError, naming a variable, where one cannot be learnt from them.
    """
    estimators = _estimators(targets, rows.block.schema, prior)
    sums = {kind: own for kind, own in estimators.items() if isinstance(own, SumEstimator)}
    found = _collected(list(sums.values()), rows.block.schema, rows.block, _weights(rows))
    statistics = dict(zip(sums, found, strict=True))
    learnt = [_learnt(own, statistics.get(kind), rows) for kind, own in estimators.items()]
    conditionals = {name: own for part in learnt for name, own in part.conditionals.items()}
    return Learnt(conditionals, tuple(note for part in learnt for note in part.notes))


class Learner:
    """The estimators of a network's variables: ``collect`` statistics of rows, once or chunk by chunk, then
    ``estimate``."""

    def __init__(self, known: Known, schema: Schema, prior: Prior) -> None:
        self._parents, self._schema, self._prior = known.parents, schema, prior
        variables = schema.variables
        self._targets = [
            Target(name, variables[name], {own: variables[own] for own in parents}, known.conditionals.get(name))
            for name, parents in known.parents.items()
        ]
        self._counts_alone = all_tables(self._targets)
        self._estimators = {} if self._counts_alone else _estimators(self._targets, schema, prior)

    def refuse_all_at_once(self, verb: str = "partial_fit", instead: str = "fit(data)") -> None:
        """TypeError, naming a variable and what to call ``instead``, where one needs all rows at once."""
        for target in self._targets:
            if isinstance(target.conditional, TRAINED):
                raise TypeError(
                    f"{verb} cannot learn {target.name!r}, which learns by gradients in epochs over all rows: "
                    f"call {instead}"
                )
        for kind, own in self._estimators.items():
            if isinstance(own, RowsEstimator):
                raise TypeError(
                    f"{verb} cannot learn the {kind} of {own.targets[0].name!r}, which needs all rows at once: "
                    f"call {instead}"
                )

    def collect(self, rows: TrainingRows, earlier: Any = None) -> Any:
        """The statistics of rows, added to earlier ones."""
        if self._counts_alone:
            return self.merged(earlier, count_families(self._parents, rows.block, rows.weights))
        sums = {kind: own for kind, own in self._estimators.items() if isinstance(own, SumEstimator)}
        found = _collected(list(sums.values()), self._schema, rows.block, _weights(rows))
        return self.merged(earlier, dict(zip(sums, found, strict=True)))

    def collect_on_card(self, queue: CudaQueue, block: CudaBlock, weights: Any, earlier: Any = None) -> Any:
        """The same of rows on a GPU, with weights (n,) there; None: 1 each.

        TypeError, naming a variable, where one is learnt on the CPU alone.
        """
        if self._counts_alone:
            return self.merged(earlier, count_families_on_card(self._parents, queue, block, weights))
        refuse_cpu_alone(self._targets, self._estimators)
        sums = {kind: own for kind, own in self._estimators.items() if isinstance(own, SumEstimator)}
        found = {kind: own.collect_on_card(queue, block, weights) for kind, own in sums.items()}
        return self.merged(earlier, found)

    def merged(self, earlier: Any, later: Any) -> Any:
        """The statistics of the rows of both, those of ``earlier`` (None: of none) being the first."""
        if earlier is None:
            return later
        if self._counts_alone:
            return [old + new for old, new in zip(earlier, later, strict=True)]
        sums = {kind: own for kind, own in self._estimators.items() if isinstance(own, SumEstimator)}
        return {kind: own.merged(earlier[kind], later[kind]) for kind, own in sums.items()}

    def estimate(self, statistics: Any, rows: TrainingRows | None = None) -> Fitted:
        """All conditionals from collected statistics; ``rows``, all of them, for what has none.

        Raises ValueError, naming a variable, where they do not determine one: an UndeterminedError if more may.
        """
        if self._counts_alone:
            return Fitted(tables_from_counts(self._parents, self._schema.states, statistics, self._prior), statistics)
        learnt = [_learnt(own, statistics.get(kind), rows) for kind, own in self._estimators.items()]
        notes = [note for own in learnt for note in own.notes]
        return Fitted(_together(self._targets, learnt), statistics, warning_text(notes))


def refuse_cpu_alone(targets: Sequence[Target], estimators: Mapping[str, Estimator]) -> None:
    """TypeError, naming a variable, where one needs more than sums over rows."""
    names = [target.name for target in targets if isinstance(target.conditional, TRAINED)]
    names += [own.targets[0].name for own in estimators.values() if isinstance(own, RowsEstimator)]
    if names:
        raise TypeError(f"{names[0]!r} is learnt on the CPU alone, in several passes over the rows: copy them there")


def _estimators(targets: Sequence[Target], schema: Schema, prior: Prior) -> dict[str, Estimator]:
    """One for each kind, by its name."""
    by_kind: dict[type[Conditional], list[Target]] = {}
    for target in targets:
        if not isinstance(target.conditional, KEPT + TRAINED):
            by_kind.setdefault(kind_of(target), []).append(target)
    return {kind.__name__: ESTIMATORS[kind](own, schema, prior) for kind, own in by_kind.items()}


def _weights(rows: TrainingRows) -> Weights:
    return None if rows.weights is None else checked_weights(rows.weights, rows.block.n)


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


def _learnt(estimator: Estimator, statistics: Any, rows: TrainingRows | None) -> Learnt:
    if isinstance(estimator, SumEstimator):
        return estimator.estimate(statistics)
    if isinstance(estimator, RowsEstimator) and rows is not None:
        return estimator.fit(rows.block, _weights(rows))
    raise TypeError(f"an estimator has sums or is given all rows at once, a {type(estimator).__name__} got neither")


def _together(targets: Sequence[Target], learnt: Sequence[Learnt]) -> dict[str, Conditional]:
    """Conditionals in the order of the targets; those without an estimator as they are."""
    found = {name: own for part in learnt for name, own in part.conditionals.items()}
    kept = {target.name: target.conditional for target in targets if target.conditional is not None}
    return {target.name: found[target.name] if target.name in found else kept[target.name] for target in targets}
