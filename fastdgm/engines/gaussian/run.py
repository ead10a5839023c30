"""The engine of linear Gaussians."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.blocks import Part
from ...data.schema import Values
from ...kernels.gaussian import GaussianPlan
from ..base import Engine, Members
from ..defined import undefined_real, undefined_term
from .loops import LOOPS
from .plan import gaussian_plan

Array = npt.NDArray[Any]


class GaussianEngine(Engine):
    """Real variables that are normal given their parents, all by one loop over rows."""

    def __init__(self, members: Members, first_word: int = 0) -> None:
        self.members = members
        self.first_word = first_word
        self._names = list(members.conditionals)
        self._numbers = np.array(members.columns, np.uint32)
        self._plans: dict[np.dtype[Any], GaussianPlan] = {}

    @property
    def n_words(self) -> int:
        """One for each member."""
        return len(self._numbers)

    def sample(self, begin: int, end: int, key: int, start: int, values: Values) -> None:
        """Draw the members in order. Raises ValueError where a value leaves the range of its type."""
        plan = self._plan(values.reals.dtype)
        row = LOOPS["sample", "cpu"](begin, end, np.uint64(key), np.uint64(start % 2**64), plan, *values)
        if row >= 0:
            drawn = {self._names[v]: values.reals[at] for v, at in zip(self._numbers, plan.row, strict=True)}
            raise undefined_real(row, start, {name: numbers[row:end] for name, numbers in drawn.items()})

    def log_prob(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """The sum over the members. Raises ValueError where it is not a number."""
        plan = self._plan(part.reals.dtype)
        LOOPS["log_prob", "cpu"](begin, end, plan, part.codes, part.reals, out)
        defined = out[begin:end] < np.inf
        if not defined.all():
            row = begin + int(np.argmin(defined))
            terms = np.empty((len(self._names), row + 1))
            self._fill_terms(row, row + 1, part, terms)
            own = {self._names[v]: float(terms[v, row]) for v in self._numbers}
            raise undefined_term(part.first + row, own, part.reals.dtype)
        return -1

    def log_prob_per_variable(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """Member after member. Raises ValueError where a term is not a number."""
        self._fill_terms(begin, end, part, out)
        defined = (out[self._numbers, begin:end] < np.inf).all(axis=0)
        if not defined.all():
            row = begin + int(np.argmin(defined))
            own = {self._names[v]: float(out[v, row]) for v in self._numbers}
            raise undefined_term(part.first + row, own, part.reals.dtype)
        return -1

    def _fill_terms(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> None:
        plan = self._plan(part.reals.dtype)
        LOOPS["log_prob per variable", "cpu"](begin, end, plan, self._numbers, part.codes, part.reals, out)

    @property
    def n_bytes(self) -> int:
        """Memory of the plans made so far."""
        return sum(np.asarray(field).nbytes for plan in self._plans.values() for field in plan)

    def _plan(self, dtype: np.dtype[Any]) -> GaussianPlan:
        """The plan for a type of reals, made at first use."""
        found = self._plans.get(dtype)
        if found is None:
            found = self._plans[dtype] = gaussian_plan(self.members, dtype, self.first_word)
        return found
