"""EM (Dempster, Laird and Rubin 1977) for hidden discrete variables: starts, steps, and when to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..data.partial import PartialRows
from ..data.schema import Schema
from .base import Target
from .counts import Prior
from .em_checkpoint import SearchFile, saving
from .em_options import EMOptions
from .expectation import Expectation
from .fitting import Fitted
from .notes import warning_text
from .progress import Report, reporter
from .search import Search
from .steps import Steps
from .table_expectation import TableExpectation, counts_suffice


def targets_of(
    parents: Mapping[str, Sequence[str]], schema: Schema, conditionals: Mapping[str, Conditional]
) -> list[Target]:
    """The variables of a network; those that have conditionals keep their kinds."""
    variables = schema.variables
    return [
        Target(name, variables[name], {parent: variables[parent] for parent in own}, conditionals.get(name))
        for name, own in parents.items()
    ]


def fit_by_em(
    targets: Sequence[Target],
    rows: PartialRows,
    prior: Prior,
    weights: npt.NDArray[np.float64],
    options: EMOptions,
    history: Sequence[dict[str, float]] = (),
) -> Fitted:
    """All conditionals from rows in which discrete variables are hidden.

    To resume, targets have the present conditionals, and ``history`` is that of the run that led to them. Raises
    ValueError or TypeError, naming a variable, where one cannot be learnt.

    The objective never falls, but for rounding, and then the parameters before are kept, or by a step that widens a
    degenerate component: its loss is what keeps the likelihood from growing without a bound.
    """
    if not rows.n:
        raise ValueError("EM needs at least one row, got none")
    if not (weights.sum() > 0.0):
        raise ValueError("EM needs a row of positive weight, all weights are 0")
    kept = {target.name: target.conditional for target in targets if target.conditional is not None}
    kind = TableExpectation if counts_suffice(targets, rows.schema) else Expectation
    steps = kind(targets, rows, weights, prior)
    search = Search(steps, options, kept)
    if options.resume:
        search.go_on_from(history)
    with saving(_file_of(search, steps, targets, prior)) as save, _bar(search) as report:
        while not search.is_over:
            report(search.advance())
            save()
    return _fitted(search)


def _file_of(search: Search, steps: Steps, targets: Sequence[Target], prior: Prior) -> SearchFile | None:
    """The checkpoint, if one is asked for."""
    if search.options.checkpoint is None:
        return None
    if not isinstance(steps, TableExpectation):
        raise TypeError("checkpoint= of EM keeps networks of tables, this one has variables of other kinds")
    return SearchFile(search, steps, targets, prior)


def _bar(search: Search) -> AbstractContextManager[Report]:
    """What shows every step, of those that are left to do at most."""
    options = search.options
    return reporter(options.progress, search.n_runs * options.max_iterations, search.n_done, unit="steps")


def _fitted(search: Search) -> Fitted:
    """The best run, and what to tell of it."""
    best, options = search.best, search.options
    assert best is not None
    warnings = list(best.notes)
    if not best.converged:
        warnings.insert(
            0,
            f"EM stopped after max_iterations={options.max_iterations} steps before it gained less than "
            f"tolerance={options.tolerance:g} per row: fit(..., resume=True) goes on",
        )
    return Fitted(best.conditionals, None, warning_text(warnings), best.history)
