"""log p of what is observed under every configuration of the hidden discrete variables that it depends on.

Families (a variable and its parents) with the same hidden variables are scored together, by the engines of their kinds:
the hidden variables' codes are set to one configuration after the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..data.blocks import Part
from ..data.schema import Schema, Values
from ..engines.base import Engine, Members
from ..engines.elimination.plan import Scope
from ..engines.hybrid import engine_of
from ..runtime.arrays import read_only

Array = npt.NDArray[Any]


class Terms(ABC):
    """A factor of the joint distribution with what is observed put in: a function of some hidden variables."""

    scope: Scope  # the hidden variables

    @abstractmethod
    def fill(self, values: Values, out: Array) -> None:
        """out[c, i] (configurations in C order, rows) = its logarithm; codes of hidden variables are overwritten."""


class FamilyTerms(Terms):
    """The sum of log P(x_v | parents of v) over some variables v, all observed or in the scope, like their parents."""

    def __init__(self, scope: Scope, engines: Sequence[Engine], schema: Schema) -> None:
        self.scope = scope
        self._engines = tuple(engines)
        self._rows = [schema.rows[name] for name in scope]
        self._shape = [len(schema.states[name]) for name in scope]

    def fill(self, values: Values, out: Array) -> None:
        """The last variable of the scope is left to the engines, which may know a shorter way."""
        n = out.shape[1]
        part = Part("columns", read_only(values.codes), 0, read_only(values.reals))
        if not self.scope:
            term = np.empty(n)
            out[:] = 0.0
            for engine in self._engines:
                engine.log_prob(0, n, part, term)
                out[0] += term
            return
        *outer, last = self._shape
        blocks = out.reshape(*outer, last, n)
        for configuration in np.ndindex(*outer):
            for row, code in zip(self._rows, configuration, strict=False):
                values.codes[row] = code
            self._engines[0].log_prob_of_states(0, n, part, self._rows[-1], blocks[configuration])
            for engine in self._engines[1:]:
                terms = np.empty((last, n))
                engine.log_prob_of_states(0, n, part, self._rows[-1], terms)
                blocks[configuration] += terms


def family_terms(
    names: Sequence[str],
    hidden: frozenset[str],
    conditionals: Mapping[str, Conditional],
    order: Sequence[str],
    cells: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> list[FamilyTerms]:
    """The families of some variables by their hidden discrete variables; of some vectors these ``cells`` alone."""
    schema = Schema({name: own.variable for name, own in conditionals.items()})
    number = {name: i for i, name in enumerate(conditionals)}
    asked = set(names)
    groups: dict[Scope, dict[type[Engine], list[int]]] = {}
    for name in order:
        if name in asked:
            own = conditionals[name]
            scope = tuple(sorted(hidden.intersection((name, *own.parents)), key=number.__getitem__))
            groups.setdefault(scope, {}).setdefault(engine_of(own), []).append(number[name])
    known = {number[name]: own for name, own in cells.items()}

    def engine(kind: type[Engine], members: Sequence[int]) -> Engine:
        made, own = kind(Members(conditionals, members)), {v: known[v] for v in members if v in known}
        return made.of_cells(own) if own else made

    return [
        FamilyTerms(scope, [engine(kind, members) for kind, members in kinds.items()], schema)
        for scope, kinds in groups.items()
    ]
