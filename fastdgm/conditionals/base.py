"""What every conditional distribution is: parameters of one variable given its parents, and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy.typing as npt

from ..data.variables import Variable

Array = npt.NDArray[Any]


class Conditional(ABC):
    """P(variable | parents), as parameters: no loops over data, which are the engine's (``engines/base.py``).

    A new kind is a class like this one and an entry in ``engines.hybrid.ENGINES``, no more: networks and native files
    know this class only. What needs tables (``fit``, BIF and its kin) refuses others. It never changes once made.
    """

    __slots__ = ()

    parents: tuple[str, ...]

    @property
    @abstractmethod
    def variable(self) -> Variable:
        """What the child is: its states."""

    @property
    @abstractmethod
    def n_parameters(self) -> int:
        """Number of free parameters."""

    @abstractmethod
    def bound(self, name: str, parents: Sequence[Variable]) -> Conditional:
        """This conditional as that of variable ``name`` in a network where its parents are these: itself, a copy, or
        the table that it is there.

        Raises ValueError, naming the variable, where it does not fit them.
        """

    @abstractmethod
    def parameters(self) -> dict[str, Array]:
        """Named arrays that say everything else: what a file holds."""

    @classmethod
    @abstractmethod
    def from_parameters(
        cls, name: str, parents: Sequence[str], variable: Variable, parameters: Mapping[str, Array]
    ) -> Self:
        """The conditional of variable ``name`` that a file holds. Raises ValueError, naming it, where it is none."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} never changes, so {name!r} cannot be set: make a new one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a {type(self).__name__} never changes, so {name!r} cannot be deleted")
