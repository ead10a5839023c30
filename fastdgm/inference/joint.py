"""What inference reads of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..conditionals.base import Conditional
from ..data.schema import Schema
from ..engines.hybrid import Program

MOST_COMPLETIONS = 1 << 12  # joint states of what is missing in a row that are gone through beside real variables


class Joint(NamedTuple):
    """A joint distribution as its conditionals: what inference reads of a network."""

    conditionals: Mapping[str, Conditional]
    order: Sequence[str]  # topological
    schema: Schema

    @classmethod
    def of(cls, program: Program) -> Joint:
        """That of a program."""
        names = program.schema.names
        return cls(program.conditionals, [names[v] for v in program.order], program.schema)

    @property
    def parents(self) -> dict[str, tuple[str, ...]]:
        """Of every variable."""
        return {name: own.parents for name, own in self.conditionals.items()}
