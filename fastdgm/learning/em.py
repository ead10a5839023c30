"""EM (Dempster, Laird and Rubin 1977) for hidden discrete variables: starts, steps, and when to stop."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..data.partial import PartialRows
from ..data.schema import Schema
from ..runtime.seeds import key_from_seed
from .base import Target
from .counts import Prior
from .em_options import EMOptions
from .expectation import Expectation
from .fitting import Fitted
from .notes import warning_text
from .progress import reporter
from .steps import Expected, Steps
from .table_expectation import TableExpectation

History = tuple[dict[str, float], ...]

ROUNDING = 1e-11  # of an objective
INEXACT = 1e-6  # likewise, where an M-step is itself an iteration


class Run(NamedTuple):
    """Where a start led."""

    conditionals: dict[str, Conditional]
    notes: tuple[str, ...] = ()
    degenerate: list[list[Any]] | None = None  # components, by step; see Maximised
    history: History = ()  # a record for the start and for every step
    n_steps: int = 0  # of this call
    converged: bool = False

    @property
    def loss(self) -> float:
        """Minus the objective per row, nats."""
        return self.history[-1]["train"]


class Search:
    """The runs of a fit, one after the other: the one that is under way, and the best of those that have ended."""

    def __init__(self, steps: Steps, options: EMOptions, kept: Mapping[str, Conditional]) -> None:
        """``kept`` are conditionals whose kinds stay; to resume, those to go on from."""
        self.options, self.seed = options, key_from_seed(None) if options.seed is None else options.seed
        self.run: Run | None = None
        self.best: Run | None = None
        self.ended: list[History] = []
        self._steps, self._kept = steps, kept
        self._expected: Expected | None = None  # under the conditionals of the run that is under way

    @property
    def n_runs(self) -> int:
        """Of this call."""
        return 1 if self.options.resume else self.options.n_restarts

    @property
    def is_over(self) -> bool:
        """Whether all runs have ended."""
        return len(self.ended) == self.n_runs

    def go_on_from(self, history: Sequence[dict[str, float]]) -> None:
        """Resume: the run begins with what is there, which ``history`` led to if it was learnt from these rows."""
        run, begin = Run(dict(self._kept)), time.perf_counter()
        self._expected = self._steps.expected(run.conditionals)
        start = self._record(0, self._expected, begin)
        goes_on = bool(history) and history[-1].get("train") == start["train"]
        self.run = run._replace(history=tuple(history) if goes_on else (start,))

    def advance(self) -> dict[str, float]:
        """One step of the run that is under way, or of a new one where there is none; its record."""
        run = self.run or self._begun()
        begin = time.perf_counter()
        before = self._expected or self._steps.expected(run.conditionals)
        learnt = self._steps.maximised(before.statistics, run.conditionals, run.degenerate)
        now = self._steps.expected(learnt.conditionals)
        gain, rounding = now.objective - before.objective, ROUNDING if self._steps.is_exact else INEXACT
        fell = learnt.is_maximum and gain < 0.0
        if not fell:
            run = run._replace(conditionals=learnt.conditionals, notes=learnt.notes, degenerate=learnt.degenerate)
        elif gain < -rounding * max(before.size, now.size):
            note = f"EM stopped because a step lowered the likelihood by {-gain:.3g}, which is a defect: report it"
            run = run._replace(notes=(*run.notes, note))
        self._expected = before if fell else now
        record = self._record(run.history[-1]["epoch"] + 1, self._expected, begin)
        run = run._replace(history=(*run.history, record), n_steps=run.n_steps + 1)
        self.run = run._replace(converged=fell or is_converged(run.history, self.options.tolerance))
        self.end_run()
        return record

    def end_run(self) -> None:
        """The run that is under way ends if it has converged, or has no more steps."""
        run = self.run
        if run is not None and (run.converged or run.n_steps >= self.options.max_iterations):
            if self.best is None or run.loss < self.best.loss:
                self.best = run
            self.ended.append(run.history)
            self.run = self._expected = None

    def _begun(self) -> Run:
        begin = time.perf_counter()
        start = self._steps.start(self._kept, self.seed, len(self.ended))
        self._expected = self._steps.expected(start.conditionals)
        record = self._record(0, self._expected, begin)
        return Run(start.conditionals, start.notes, start.degenerate, (record,))

    def _record(self, step: float, expected: Expected, begin: float) -> dict[str, float]:
        weight = self._steps.weight
        return {
            "epoch": step,
            "train": -expected.objective / weight,
            "log_likelihood": (expected.objective - expected.log_prior) / weight,
            "seconds": time.perf_counter() - begin,
        }


def is_converged(history: Sequence[dict[str, float]], tolerance: float) -> bool:
    """Whether the last step changed the objective, per row, by no more than that."""
    before, now = (record["train"] for record in history[-2:])
    return not abs(before - now) > tolerance


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
    is_tabular = rows.schema.is_discrete and not rows.schema.has_discrete_vectors
    steps = (TableExpectation if is_tabular else Expectation)(targets, rows, weights, prior)
    search = Search(steps, options, kept)
    if options.resume:
        search.go_on_from(history)
    with reporter(options.progress, search.n_runs * options.max_iterations, 0, unit="steps") as report:
        while not search.is_over:
            report(search.advance())
    return _fitted(search)


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
