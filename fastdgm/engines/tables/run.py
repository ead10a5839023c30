"""The engine of conditional probability tables."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ...data.blocks import Part
from ...data.schema import Values
from ...kernels.cpt import ScoringPlan
from ..base import Engine, Members
from .loops import LOOPS
from .plan import Plans, clusters_of

SCORING_LOOPS = {"columns": "log_prob columns", "rows": "log_prob rows"}  # by layout of the codes


class TableEngine(Engine):
    """Conditional probability tables, fused into clusters (``clusters.py``)."""

    in_place: ClassVar[frozenset[str]] = frozenset(SCORING_LOOPS)

    def __init__(self, members: Members, first_word: int = 0) -> None:
        self.plans: Plans = Plans(members, first_word)
        self.numbers: list[int] = sorted(members.columns)
        self._plans_of_states: dict[int, ScoringPlan] = {}

    @property
    def n_words(self) -> int:
        """One for each cluster."""
        return len(self.plans.sampling_clusters)

    def sample(self, begin: int, end: int, key: int, start: int, values: Values) -> None:
        """Draw the clusters in order."""
        LOOPS["sample", "cpu"](begin, end, np.uint64(key), np.uint64(start % 2**64), self.plans.sampling, values.codes)

    def of_clusters(self, first: int, last: int) -> ClusterRun:
        """What draws clusters ``first`` to ``last`` alone, from the same words."""
        return ClusterRun(self, first, last)

    def log_prob(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """By fused tables, from columns or from rows."""
        loop = LOOPS[SCORING_LOOPS[part.layout], "cpu"]
        return int(loop(begin, end, self.plans.scoring, self.plans.largest, part.codes, out))

    def log_prob_per_variable(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """By one table for each member."""
        plans, numbers = self.plans, self.numbers
        terms = out if len(numbers) == len(out) else np.empty((len(numbers), out.shape[1]))
        loop = LOOPS["log_prob per variable", "cpu"]
        bad = loop(begin, end, plans.scoring_per_variable, plans.largest, part.codes, terms)
        if terms is not out:
            out[numbers, begin:end] = terms[:, begin:end]
        return int(bad)

    def log_prob_of_states(self, begin: int, end: int, part: Part, row: int, out: npt.NDArray[np.float64]) -> None:
        """In one pass over the other columns."""
        plan = self._plans_of_states.get(row)
        if plan is None:
            plan = self._plans_of_states[row] = self.plans.scoring_of_states(row)
        LOOPS["log_prob of states", "cpu"](begin, end, plan, self.plans.largest, part.codes, out)

    @property
    def n_bytes(self) -> int:
        """Memory of the sampling and scoring plans."""
        return self.plans.n_bytes


class ClusterRun(TableEngine):
    """Neighbouring clusters of an engine, which draws them and nothing else."""

    def __init__(self, engine: TableEngine, first: int, last: int) -> None:
        self.plans, self.numbers = engine.plans, engine.numbers
        self._plans_of_states = {}
        self._run = clusters_of(engine.plans.sampling, first, last)

    def sample(self, begin: int, end: int, key: int, start: int, values: Values) -> None:
        """Draw the clusters in order."""
        LOOPS["sample", "cpu"](begin, end, np.uint64(key), np.uint64(start % 2**64), self._run, values.codes)
