"""What every conditional distribution is: parameters of one variable given its parents, and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy.typing as npt

from ..data.variables import Discrete, Variable
from ..runtime.arrays import freeze
from ..runtime.text import preview

Array = npt.NDArray[Any]


class Conditional(ABC):
    """P(variable | parents), as parameters: no loops over data, which are the engine's (``engines/base.py``).

    A new kind is a class like this one and an entry in ``engines.hybrid.ENGINES``, no more: networks know this class
    only, and native files ask for those entries. What needs tables (BIF and its kin) refuses others. It never changes
    once made.
    """

    __slots__ = ()

    parents: tuple[str, ...]

    @property
    @abstractmethod
    def variable(self) -> Variable:
        """What the child is: discrete, with its states, or real."""

    @property
    @abstractmethod
    def n_parameters(self) -> int:
        """Number of free parameters."""

    @property
    def shared_parameters(self) -> Mapping[int, int]:
        """Those of ``n_parameters`` that conditionals of other variables may have, too: how many by the ``id`` of what
        holds them. A network counts them once."""
        return {}

    @property
    def is_fitted(self) -> bool:
        """Whether the parameters are known: those of some kinds may be left out, for ``fit`` to learn."""
        return True

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

    def _keep(self, **parts: object) -> None:
        """Set the attributes of a conditional that is being made; arrays become read-only."""
        freeze(*parts.values())
        for name, part in parts.items():
            object.__setattr__(self, name, part)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} never changes, so {name!r} cannot be set: make a new one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a {type(self).__name__} never changes, so {name!r} cannot be deleted")


def check_parent_states(
    name: str, what: str, parents: Sequence[str], known: Sequence[tuple[str, ...]] | None, found: Sequence[Variable]
) -> None:
    """Parameters refer to their parents' states by position: refuse parents with others, or in another order.

    ``known`` are the states for which the parameters of ``name`` were made, () for a real parent; None: not said.
    Raises ValueError; ``what`` says what the parameters are, as in "table".
    """
    for parent, own, variable in zip(parents, known or (), found, strict=False):
        others = states_of(variable)
        if own != others:
            if not own or not others:
                kind, other = ("discrete", "real") if own else ("real", "discrete")
                raise ValueError(
                    f"the {what} of {name!r} does not fit this network: it was made for a {kind} parent {parent!r}, "
                    f"which is {other} here"
                )
            k = next((k for k, (old, new) in enumerate(zip(own, others, strict=False)) if old != new), None)
            changed = "" if k is None else f" (code {k} was {own[k]!r}, is {others[k]!r})"
            raise ValueError(
                f"the {what} of {name!r} does not fit this network: a {what} refers to its parents' states by "
                f"position: this one was made for parent {parent!r} with states {preview(own)}, got "
                f"{preview(others)}{changed}; give the parent those states in that order, or make the {what} anew"
            )


def states_of(variable: Variable) -> tuple[str, ...]:
    """The states of a discrete variable; a real one has none."""
    return variable.states if isinstance(variable, Discrete) else ()
