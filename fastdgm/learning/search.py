"""The search of EM for the best parameters: its runs, one step after the other, and when each ends."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..conditionals.base import Conditional
from ..runtime.seeds import key_from_seed
from .em_options import EMOptions
from .steps import Expected, Steps

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
        self.options: EMOptions = options
        self.seed: int = key_from_seed(None) if options.seed is None else options.seed
        self.run: Run | None = None
        self.last: Run | None = None  # that has ended
        self.best: Run | None = None
        self.ended: list[History] = []
        self._steps, self._kept = steps, kept
        self._expected: Expected | None = None  # under the conditionals of the run that is under way

    @property
    def n_runs(self) -> int:
        """Of this call."""
        return 1 if self.options.resume else self.options.n_restarts

    @property
    def n_done(self) -> int:
        """Steps of all runs."""
        return sum(len(own) - 1 for own in self.ended) + (0 if self.run is None else self.run.n_steps)

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
        self._end_run()
        return record

    def take_over(self, ended: Sequence[History], best: Run | None, run: Run) -> None:
        """What an earlier search had come to: runs that have ended, and the last one, which may have."""
        self.ended, self.best = list(ended), best
        converged = len(run.history) > 1 and is_converged(run.history, self.options.tolerance)
        self.run = run._replace(n_steps=len(run.history) - 1, converged=converged)
        self._end_run()

    def _end_run(self) -> None:
        """The run that is under way ends if it has converged, or has no more steps."""
        run = self.run
        if run is not None and (run.converged or run.n_steps >= self.options.max_iterations):
            if self.best is None or run.loss < self.best.loss:
                self.best = run
            self.ended.append(run.history)
            self.last, self.run, self._expected = run, None, None

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
