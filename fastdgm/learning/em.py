"""EM (Dempster, Laird and Rubin 1977) for hidden discrete variables: starts, steps, and when to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np

from ..conditionals.base import Conditional
from ..data.partial import PartialRows
from ..data.schema import Schema
from ..runtime.seeds import at_least_one, key_from_seed
from .base import Target
from .counts import Prior, checked_weights
from .expectation import Expectation
from .fitting import Fitted
from .notes import warning_text
from .options import finite_number
from .progress import Report, check_progress, reporter
from .starts import start_codes

ROUNDING = 1e-11  # of an objective
INEXACT = 1e-6  # likewise, where an M-step is itself an iteration


@dataclass(frozen=True)
class EMOptions:
    """The arguments of ``fit`` that are about EM; ``checked`` says whether they are right."""

    n_restarts: int = 1
    max_iterations: int = 100
    tolerance: float = 1e-3
    seed: Any = None
    progress: bool | None = None
    resume: bool = False

    def checked(self) -> EMOptions:
        """The options, or a ValueError or TypeError that names the first that is wrong."""
        check_progress(self.progress)
        if not isinstance(self.resume, bool):
            raise TypeError(f"resume must be True or False, got {self.resume!r}")
        return replace(
            self,
            n_restarts=at_least_one(self.n_restarts, "n_restarts"),
            max_iterations=at_least_one(self.max_iterations, "max_iterations"),
            tolerance=finite_number(self.tolerance, "tolerance", zero=True),
            seed=key_from_seed(self.seed),
        )

    def refuse_any(self) -> None:
        """TypeError that names the first one that is not the default, where nothing is learnt by EM."""
        for field in fields(self):
            if field.name not in ("seed", "progress") and getattr(self, field.name) != field.default:
                raise TypeError(f"{field.name}= is about EM, which learns no network that has Neural nodes or a guide")


class Run(NamedTuple):
    """Where a start led."""

    objective: float
    conditionals: dict[str, Conditional]
    notes: tuple[str, ...]
    degenerate: list[list[Any]] | None  # components, by step; see Maximised
    converged: bool


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
    sample_weight: Any,
    options: EMOptions,
) -> Fitted:
    """All conditionals from rows in which discrete variables are hidden; to resume, targets have the present ones.

    Raises ValueError or TypeError, naming a variable, where one cannot be learnt.
    """
    if not rows.n:
        raise ValueError("EM needs at least one row, got none")
    weights = np.ones(rows.n) if sample_weight is None else checked_weights(sample_weight, rows.n)
    if not (weights.sum() > 0.0):
        raise ValueError("EM needs a row of positive weight, all weights are 0")
    parents = {target.name: tuple(target.parents) for target in targets}
    kept = {target.name: target.conditional for target in targets if target.conditional is not None}
    expectation = Expectation(targets, rows, weights, prior)
    rng = np.random.default_rng(options.seed)
    n_runs = 1 if options.resume else options.n_restarts
    runs = []
    with reporter(options.progress, n_runs * options.max_iterations, 0, unit="steps") as report:
        for _ in range(n_runs):
            start = Run(-np.inf, kept, (), None, False)
            if not options.resume:
                codes = start_codes(rows, parents, rng)
                first = expectation.maximised(expectation.of_assignment(codes), kept)
                start = Run(-np.inf, first.conditionals, first.notes, first.degenerate, False)
            runs.append(_run(expectation, start, options, report))
    best = max(runs, key=lambda run: run.objective)
    warnings = list(best.notes)
    if not best.converged:
        warnings.insert(
            0,
            f"EM stopped after max_iterations={options.max_iterations} steps before it gained less than "
            f"tolerance={options.tolerance:g} per row: fit(..., resume=True) goes on",
        )
    return Fitted(best.conditionals, None, warning_text(warnings))


def _run(expectation: Expectation, run: Run, options: EMOptions, report: Report) -> Run:
    """EM steps from the parameters of ``run`` until the objective gains too little.

    The objective never falls, but for rounding, and then the parameters before are kept, or by a step that widens a
    degenerate component: its loss is what keeps the likelihood from growing without a bound.
    """
    rounding = ROUNDING if expectation.is_exact else INEXACT
    total_weight = float(expectation.weights.sum())
    before = expectation.expected(run.conditionals)
    run = run._replace(objective=before.objective)
    for _ in range(options.max_iterations):
        learnt = expectation.maximised(before.statistics, run.conditionals, run.degenerate)
        now = expectation.expected(learnt.conditionals)
        gain = now.objective - before.objective
        report({"train": -now.objective / total_weight})
        if learnt.is_maximum and gain < -rounding * max(before.size, now.size):
            note = f"EM stopped because a step lowered the likelihood by {-gain:.3g}, which is a defect: report it"
            return run._replace(notes=(*run.notes, note), converged=True)
        if gain >= 0.0 or not learnt.is_maximum:
            run = Run(now.objective, learnt.conditionals, learnt.notes, learnt.degenerate, False)
        change = gain if learnt.is_maximum else abs(gain)
        if not change > options.tolerance * total_weight:
            return run._replace(converged=True)
        before = now
    return run
