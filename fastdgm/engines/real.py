"""What the engines of real scalars have in common: plans by type of the reals, and errors for what is no number."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from ..data.blocks import Part
from ..data.schema import Values
from .base import Engine, Members
from .defined import undefined_real, undefined_term

Array = npt.NDArray[Any]
Plan = TypeVar("Plan", bound=tuple[Any, ...])


class RealEngine(Engine, Generic[Plan]):
    """Real variables of one number each, all by one loop over rows, member m from word ``first_word + m``."""

    def __init__(self, members: Members, first_word: int = 0) -> None:
        self.members = members
        self.first_word = first_word
        self.numbers: Array = np.array(members.columns, np.uint32)
        self._names = list(members.conditionals)
        self._plans: dict[np.dtype[Any], Plan] = {}

    @abstractmethod
    def make_plan(self, dtype: np.dtype[Any]) -> Plan:
        """The plan for a type of reals; its field ``row`` has the members' rows."""

    @abstractmethod
    def draw(self, begin: int, end: int, key: np.uint64, start: np.uint64, plan: Plan, values: Values) -> int:
        """Draw the members; returns -1, or a row from which on one is not finite."""

    @abstractmethod
    def score(self, begin: int, end: int, plan: Plan, part: Part, out: npt.NDArray[np.float64]) -> None:
        """out[i] = the sum of the members' terms."""

    @abstractmethod
    def score_each(self, begin: int, end: int, plan: Plan, part: Part, out: npt.NDArray[np.float64]) -> None:
        """out[v, i] = the term of member v."""

    @property
    def n_words(self) -> int:
        """One for each member."""
        return len(self.numbers)

    def sample(self, begin: int, end: int, key: int, start: int, values: Values) -> None:
        """Draw the members in order. Raises ValueError where a value leaves the range of its type."""
        plan = self._plan(values.reals.dtype)
        row = self.draw(begin, end, np.uint64(key), np.uint64(start % 2**64), plan, values)
        if row >= 0:
            rows = self.members.rows
            drawn = {self._names[v]: values.reals[rows[v], row:end] for v in self.numbers}
            raise undefined_real(row, start, drawn)

    def log_prob(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """The sum over the members. Raises ValueError where it is not a number."""
        self.score(begin, end, self._plan(part.reals.dtype), part, out)
        defined = out[begin:end] < np.inf
        if not defined.all():
            row = begin + int(np.argmin(defined))
            terms = np.empty((len(self._names), row + 1))
            self.score_each(row, row + 1, self._plan(part.reals.dtype), part, terms)
            raise self._undefined(row, part, terms)
        return -1

    def log_prob_per_variable(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """Member after member. Raises ValueError where a term is not a number."""
        self.score_each(begin, end, self._plan(part.reals.dtype), part, out)
        for v in self.numbers:
            defined = out[v, begin:end] < np.inf
            if not defined.all():
                raise self._undefined(begin + int(np.argmin(defined)), part, out)
        return -1

    def _undefined(self, row: int, part: Part, terms: npt.NDArray[np.float64]) -> ValueError:
        own = {self._names[v]: float(terms[v, row]) for v in self.numbers}
        return undefined_term(part.first + row, own, part.reals.dtype)

    @property
    def n_bytes(self) -> int:
        """Memory of the plans made so far."""
        return sum(np.asarray(field).nbytes for plan in self._plans.values() for field in plan)

    def _plan(self, dtype: np.dtype[Any]) -> Plan:
        found = self._plans.get(dtype)
        if found is None:
            found = self._plans[dtype] = self.make_plan(dtype)
        return found
