"""The engine of vectors that autoregressive models draw and score, given their parents as context."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ...conditionals.autoregressive import AutoregressiveConditional
from ...conditionals.context import context_of
from ...data.blocks import Part
from ...data.schema import Values
from ...data.variables import Discrete
from ...runtime.arrays import code_type
from ..base import Engine, Members

Array = npt.NDArray[Any]
Result = TypeVar("Result")

ROWS_AT_ONCE = 8192


class AutoregressiveEngine(Engine):
    """Models with loops of their own, on threads of their own; a member draws from a run of words that begins at a
    multiple of 4."""

    whole = True

    def __init__(self, members: Members, first_word: int = 0) -> None:
        self._names = list(members.conditionals)
        conditionals = list(members.conditionals.values())
        self._variables, self._rows = members.variables, members.rows
        self._parents = {v: members.parents[v] for v in members.columns}
        self._own: dict[int, AutoregressiveConditional] = {v: conditionals[v] for v in members.columns}  # type: ignore[misc]
        self._words: dict[int, int] = {}
        word = first_word
        for v, own in self._own.items():
            self._words[v] = -(-word // 4) * 4
            word = self._words[v] + own.model.words_per_row
        self._n_words = word - first_word

    @property
    def n_words(self) -> int:
        """Those of the models, and up to three left out before each."""
        return self._n_words

    def sample(self, begin: int, end: int, key: int, start: int, values: Values) -> None:
        """Draw the members in order."""
        for v, own in self._own.items():
            block = values.codes if isinstance(self._variables[v], Discrete) else values.reals
            rows, word = slice(self._rows[v], self._rows[v] + own.model.n_vars), self._words[v]
            for first in range(begin, end, ROWS_AT_ONCE):
                last = min(first + ROWS_AT_ONCE, end)
                context = self._context(v, values.codes[:, first:last], values.reals[:, first:last])
                drawn = self._explained(v, first, lambda: own.model.draw_rows(context, key, start + first, word))  # noqa: B023
                block[rows, first:last] = drawn.T

    def log_prob(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """The sum over the members."""
        out[begin:end] = 0.0
        for v in self._own:
            for first in range(begin, end, ROWS_AT_ONCE):
                rows = slice(first, min(first + ROWS_AT_ONCE, end))
                out[rows] += self._terms(v, first, part.codes[:, rows], part.reals[:, rows])
        return -1

    def log_prob_per_variable(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """Member after member."""
        for v in self._own:
            for first in range(begin, end, ROWS_AT_ONCE):
                rows = slice(first, min(first + ROWS_AT_ONCE, end))
                out[v, rows] = self._terms(v, first, part.codes[:, rows], part.reals[:, rows])
        return -1

    def log_prob_of_states(self, begin: int, end: int, part: Part, row: int, out: npt.NDArray[np.float64]) -> None:
        """A batch holds some rows once with every state."""
        n_states = len(out)
        for first in range(begin, end, max(1, ROWS_AT_ONCE // n_states)):
            last = min(first + max(1, ROWS_AT_ONCE // n_states), end)
            codes = np.tile(part.codes[:, first:last], (1, n_states))
            codes[row] = np.repeat(np.arange(n_states), last - first)
            reals = np.tile(part.reals[:, first:last], (1, n_states))
            total = sum(self._terms(v, first, codes, reals) for v in self._own)
            out[:, first:last] = np.reshape(total, (n_states, last - first))

    def _terms(self, v: int, first: int, codes: Array, reals: Array) -> npt.NDArray[np.float64]:
        """log p of variable v in some rows, the first of which is ``first``."""
        model, context = self._own[v].model, self._context(v, codes, reals)
        dtype = model.dtype if model.n_states is None else code_type(model.n_states)
        x = np.ascontiguousarray(self._column(v, codes, reals).T, dtype)
        return self._explained(v, first, lambda: model.score_rows(x, context))

    def _context(self, v: int, codes: Array, reals: Array) -> Array:
        """That of the model of variable v in some rows."""
        columns = [self._column(p, codes, reals) for p in self._parents[v]]
        variables = [self._variables[p] for p in self._parents[v]]
        return context_of(columns, variables, codes.shape[1], self._own[v].model.dtype)

    def _column(self, v: int, codes: Array, reals: Array) -> Array:
        """(size, n) of variable v."""
        variable, row = self._variables[v], self._rows[v]
        return (codes if isinstance(variable, Discrete) else reals)[row : row + variable.size]

    def _explained(self, v: int, first: int, call: Callable[[], Result]) -> Result:
        """What a model gives; what it refuses, with the variable and where its rows begin."""
        try:
            return call()
        except ValueError as error:
            raise ValueError(f"{self._names[v]!r}, in rows from {first} on: {error}") from error

    @property
    def n_bytes(self) -> int:
        """None: parameters stay in the models."""
        return 0
