"""The engine of Deterministic conditionals: it calls their functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...conditionals.deterministic import Deterministic
from ...data.blocks import Part
from ...data.schema import Values
from ...data.variables import Discrete, Real
from ..base import Engine, Members

Array = npt.NDArray[Any]


class FunctionEngine(Engine):
    """Point masses: a member is drawn as its function's value, and any other value is impossible."""

    def __init__(self, members: Members, first_word: int = 0) -> None:
        self.members = members
        self._names = list(members.conditionals)
        self._variables, self._parents, self._rows = members.variables, members.parents, members.rows

    @property
    def n_words(self) -> int:
        """None: there is nothing to draw."""
        return 0

    def sample(self, begin: int, end: int, key: int, start: int, values: Values) -> None:
        """Compute the members in order."""
        for v in self.members.columns:
            block = values.codes if isinstance(self._variables[v], Discrete) else values.reals
            block[self._rows[v], begin:end] = self._value(v, begin, end, values.codes, values.reals, start)

    def log_prob(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """0 where all members are what their functions say, else -inf."""
        out[begin:end] = 0.0
        for v in self.members.columns:
            out[begin:end] += self._term(v, begin, end, part)
        return -1

    def log_prob_per_variable(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """Of each member: 0 where it is what its function says, else -inf."""
        for v in self.members.columns:
            out[v, begin:end] = self._term(v, begin, end, part)
        return -1

    def _term(self, v: int, begin: int, end: int, part: Part) -> npt.NDArray[np.float64]:
        block = part.codes if isinstance(self._variables[v], Discrete) else part.reals
        value = self._value(v, begin, end, part.codes, part.reals, part.first)
        return np.where(block[self._rows[v], begin:end] == value, 0.0, -np.inf)

    def _value(self, v: int, begin: int, end: int, codes: Array, reals: Array, first: int) -> Array:
        """What the function of variable v says of rows; row 0 of the blocks is number ``first``, for errors."""
        if begin == end:
            return np.empty(0)  # some functions take no empty arrays
        conditional = self.members.conditionals[self._names[v]]
        assert isinstance(conditional, Deterministic)
        if conditional.values is not None:
            own = tuple(codes[self._rows[p], begin:end] for p in self._parents[v])
            return np.broadcast_to(conditional.values[own], end - begin).astype(reals.dtype)
        columns = [self._column(p, begin, end, codes, reals) for p in self._parents[v]]
        return conditional.value(self._names[v], columns, end - begin, reals.dtype, first + begin)

    def _column(self, p: int, begin: int, end: int, codes: Array, reals: Array) -> Array:
        """Parent p as its child's function takes it: fresh arrays."""
        variable, row = self._variables[p], self._rows[p]
        if isinstance(variable, Real):
            own = reals[row : row + variable.size, begin:end]
            return own[0].copy() if not variable.event_shape else np.ascontiguousarray(own.T)
        return codes[row, begin:end].astype(np.int64)

    @property
    def n_bytes(self) -> int:
        """Of tabulated values."""
        kept = (self.members.conditionals[self._names[v]] for v in self.members.columns)
        return sum(own.values.nbytes for own in kept if isinstance(own, Deterministic) and own.values is not None)
