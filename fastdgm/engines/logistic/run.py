"""The engine of logistic, softmax and noisy-or conditionals."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...data.blocks import Part
from ...data.schema import Values
from ...kernels.logistic import LogisticPlan
from ..base import Engine, Members
from .loops import LOOPS
from .plan import Weighted, make_plan, weighted

FLOAT64 = np.dtype(np.float64)


class _Run(NamedTuple):
    """Members whose sums are of one float type: that of the reals where they have real parents, else float64."""

    columns: Sequence[int]
    takes_reals: bool
    first_word: int


class LogisticEngine(Engine):
    """Discrete variables by weighted sums of their parents (``kernels/logistic.py``); member m draws from word m."""

    def __init__(self, members: Members, first_word: int = 0) -> None:
        variables, parents, rows = members.variables, members.parents, members.rows
        conditionals = list(members.conditionals.items())
        self._members = members
        self._own: dict[int, Weighted] = {}
        for v in members.columns:
            own = parents[v]
            self._own[v] = weighted(*conditionals[v], [variables[p] for p in own], [rows[p] for p in own])
        self._runs = self._runs_of(members.columns, first_word)
        self._kept: dict[tuple[str, np.dtype[Any]], list[LogisticPlan]] = {}

    def _runs_of(self, columns: Sequence[int], first_word: int) -> list[_Run]:
        runs = []
        for takes_reals, found in groupby(columns, lambda v: bool(self._own[v].rows)):
            own = list(found)
            runs.append(_Run(own, takes_reals, first_word))
            first_word += len(own)
        return runs

    def plans(self, verb: str, dtype: np.dtype[Any]) -> list[LogisticPlan]:
        """Of "sample", in topological order, or "score": in any, so that they are does not matter, at most two."""
        key = verb, dtype
        if key not in self._kept:
            kind_first = sorted(self._members.columns, key=lambda v: bool(self._own[v].rows))
            runs = self._runs if verb == "sample" else self._runs_of(kind_first, 0)
            self._kept[key] = [self._plan(run, dtype) for run in runs]
        return self._kept[key]

    def _plan(self, run: _Run, dtype: np.dtype[Any]) -> LogisticPlan:
        own = [self._own[v] for v in run.columns]
        return make_plan(self._members, run.columns, own, run.first_word, dtype if run.takes_reals else FLOAT64)

    @property
    def n_words(self) -> int:
        """One for each member."""
        return len(self._members.columns)

    def sample(self, begin: int, end: int, key: int, start: int, values: Values) -> None:
        """Draw the members in order. Raises ValueError where a sum is no number."""
        for plan in self.plans("sample", values.reals.dtype):
            loop = LOOPS["sample", "cpu"]
            bad = loop(begin, end, np.uint64(key), np.uint64(start % 2**64), plan, values.codes, values.reals)
            if bad >= 0:
                names = list(self._members.conditionals)
                raise ValueError(
                    f"row {start + bad} cannot be drawn: a weighted sum leaves the range of its type at one of "
                    f"{[names[v] for v in plan.number][:10]}; the weights are too large"
                )

    def log_prob(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """The sum of the members' terms."""
        out[begin:end] = 0.0
        for plan in self.plans("score", part.reals.dtype):
            LOOPS["log_prob", "cpu"](begin, end, plan, part.codes, part.reals, out)
        if np.isnan(out[begin:end]).any():
            terms = np.zeros((len(self._members.conditionals), end))
            self.log_prob_per_variable(begin, end, part, terms)
        return -1

    def log_prob_per_variable(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """Their terms. Raises ValueError where one is no number."""
        for plan in self.plans("score", part.reals.dtype):
            LOOPS["log_prob per variable", "cpu"](begin, end, plan, part.codes, part.reals, out)
        for v in self._members.columns:
            wrong = np.isnan(out[v, begin:end])
            if wrong.any():
                raise ValueError(
                    f"log_prob of row {part.first + begin + int(np.argmax(wrong))} is not defined: the weighted sum of "
                    f"{self._own[v].name!r} leaves the range of its type; the weights are too large"
                )
        return -1

    @property
    def n_bytes(self) -> int:
        """Memory of the plans made so far."""
        return sum(_size(part) for plans in self._kept.values() for part in plans)


def _size(part: object) -> int:
    """Memory of the arrays of a plan."""
    if isinstance(part, tuple):
        return sum(map(_size, part))
    return part.nbytes if isinstance(part, np.ndarray) else 0
