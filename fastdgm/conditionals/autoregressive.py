"""A vector variable whose distribution given its parents is an autoregressive model's, as ``made.given`` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from ..data.variables import Discrete, Real, Variable, checked_states
from .base import Conditional
from .columns import check_same_parents
from .context import context_width
from .parameters import parent_names

Array = npt.NDArray[Any]


class ContextModel(Protocol):
    """What a network asks of an autoregressive model of p(x | context)."""

    n_vars: int
    n_states: int | None  # of each variable; None: real ones
    n_context: int
    dtype: np.dtype[Any]  # of the context, and of real variables

    @property
    def n_parameters(self) -> int:
        """Number of free parameters."""

    @property
    def words_per_row(self) -> int:
        """How many random words a row is drawn from."""

    def score_rows(self, x: Array, context: Array) -> npt.NDArray[np.float64]:
        """log p(x | context) of checked rows (n, n_vars), nats."""

    def draw_rows(self, context: Array, key: int, start: int, first_word: int) -> Array:
        """Rows ``start``, ... of a key's stream (n, n_vars), from words ``first_word``, ..., a multiple of 4, on."""

    @property
    def history(self) -> list[dict[str, float]]:
        """Of the last fit, by epoch."""

    def fitted_copy(
        self,
        x: Array,
        context: Array,
        valid: Array | None = None,
        valid_context: Array | None = None,
        *,
        options: Mapping[str, Any],
    ) -> Self:
        """A copy that has learnt from rows and their context; ``options`` are the others of ``fit``."""

    def adopt(self, fitted: Self) -> None:
        """Take over the parameters of a fitted copy, all or nothing."""


class AutoregressiveConditional(Conditional):
    """A vector whose distribution is that of an autoregressive model, to which the parents are the context.

        p(x | parents) = prod_d p(x_d | x_1, ..., x_{d-1}, context)

    Discrete parents are one-hot in it, a number for each state; real ones go in as they are, and vectors one number
    after the other (vectors of two-state variables as 0 and 1). ``model.given(parents)`` makes one. The model is kept,
    not copied: what its ``fit`` changes later holds here too, and ``fit`` of the network changes the model.

    Raises
    ------
    ValueError : from a network, where the parents are not ``n_context`` numbers.
    """

    __slots__ = ("model", "parent_variables", "parents")

    model: ContextModel
    parents: tuple[str, ...]
    parent_variables: tuple[Variable, ...] | None  # in a network

    def __init__(self, model: ContextModel, parents: Sequence[str]) -> None:
        names = parent_names(parents)
        if bool(names) != bool(model.n_context):
            what = f"no context, so it has no parents, got {list(names)}: make it with n_context="
            raise ValueError(
                f"this {type(model).__name__} takes "
                + (what if names else f"a context of {model.n_context} numbers: name the parents that give it")
            )
        self._keep(model=model, parents=names, parent_variables=None)

    @property
    def variable(self) -> Variable:
        """The vector: of numbers, or of codes, whose states are False and True where there are two."""
        shape = (self.model.n_vars,)
        if self.model.n_states is None:
            return Real(shape)
        n_states = self.model.n_states
        return Discrete(("False", "True") if n_states == 2 else checked_states(None, n_states), shape)

    @property
    def n_parameters(self) -> int:
        """Those of the model."""
        return self.model.n_parameters

    def bound(self, name: str, parents: Sequence[Variable]) -> Self:
        """As that of ``name`` in a network with these parents, whose numbers must be the model's context."""
        kind = type(self.model).__name__
        check_same_parents(kind, name, self.parents, self.parent_variables, parents)
        widths = [context_width(parent) for parent in parents]
        if sum(widths) != self.model.n_context:
            own = ", ".join(f"{parent!r} {width}" for parent, width in zip(self.parents, widths, strict=True))
            raise ValueError(
                f"the parents of {name!r} are {sum(widths)} numbers ({own}), its {kind} takes {self.model.n_context}: "
                f"make it with n_context={sum(widths)}"
            )
        return self._with_parents(tuple(parents))

    def _with_parents(self, parent_variables: tuple[Variable, ...] | None) -> Self:
        own = type(self).__new__(type(self))
        own._keep(model=self.model, parents=self.parents, parent_variables=parent_variables)
        return own

    def parameters(self) -> dict[str, Array]:
        """None alone: a file needs the model's structure, too."""
        raise TypeError(f"its {type(self.model).__name__} is no set of arrays")

    @classmethod
    def from_parameters(
        cls, name: str, parents: Sequence[str], variable: Variable, parameters: Mapping[str, Array]
    ) -> Self:
        """A file has the model's structure, too."""
        raise ValueError(f"{name!r} has the parameters of an autoregressive model without its structure")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AutoregressiveConditional):
            return NotImplemented
        return self.model is other.model and self.parents == other.parents

    def __hash__(self) -> int:
        return hash((id(self.model), self.parents))

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self.model, self.parents, self.parent_variables)

    def __repr__(self) -> str:
        text = repr(self.model)
        return f"{text.partition(': ')[0]}.given({list(self.parents)}): {self.n_parameters:,} parameters"


def _restored(
    kind: type[AutoregressiveConditional],
    model: ContextModel,
    parents: tuple[str, ...],
    parent_variables: tuple[Variable, ...] | None,
) -> AutoregressiveConditional:
    """A pickled one: its parts were checked when it was made."""
    return kind(model, parents)._with_parents(parent_variables)
