"""Noisy-or: each cause alone may bring about the effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ..data.variables import Discrete, Variable
from .base import Conditional
from .columns import BINARY, check_same_parents, described, same_arrays
from .parameters import numbers, parent_names

if TYPE_CHECKING:
    from ..show.listing import Listing

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


class NoisyOr(Conditional):
    """A yes/no effect of yes/no causes, each of which alone brings it about with a probability (Pearl 1988).

    P(True | x) = 1 - (1 - leak) * prod_i (1 - probabilities_i)^x_i,   x_i = 1 where parent i is in its second state

    Parameters
    ----------
    parents : names of the causes, which have two states each.
    probabilities : numbers ``(n_parents,)`` between 0 and 1. They may be left out for ``fit``, which learns the leak,
        too.
    leak : probability of the effect without any of the causes.

    Raises
    ------
    ValueError : numbers that are no probabilities, not as many as there are parents; in a network, a parent that has
        not two states. TypeError : parents that are no list of names.

    Rows drawn are of the float-driven class: the same bits for any batch, chunk and number of threads on one machine.

    Examples
    --------
    >>> import fastdgm as fd
    >>> net = fd.BayesNet({
    ...     "flu": fd.Bernoulli(0.1),
    ...     "cold": fd.Bernoulli(0.3),
    ...     "fever": fd.NoisyOr(["flu", "cold"], [0.9, 0.4], leak=0.01),
    ... })
    >>> net["fever"].n_parameters
    3
    """

    __slots__ = ("leak", "parent_variables", "parents", "probabilities")

    parents: tuple[str, ...]
    probabilities: Floats | None
    leak: float
    parent_variables: tuple[Variable, ...] | None

    def __init__(self, parents: Sequence[str], probabilities: npt.ArrayLike | None = None, leak: float = 0.0) -> None:
        names = parent_names(parents)
        background = float(_probabilities(leak, "leak", ()))
        given = None if probabilities is None else _probabilities(probabilities, "probabilities", (len(names),))
        self._set(names, given, background, None)

    @classmethod
    def trusted(
        cls,
        parents: tuple[str, ...],
        probabilities: Floats | None,
        leak: float,
        parent_variables: tuple[Variable, ...] | None = None,
    ) -> Self:
        """From parts that are known to be right: not checked, the array shared."""
        made = cls.__new__(cls)
        made._set(parents, probabilities, leak, parent_variables)
        return made

    @classmethod
    def from_parameters(
        cls, name: str, parents: Sequence[str], variable: Variable, parameters: Mapping[str, Array]
    ) -> Self:
        """Probabilities and leak; of one that is still to be learnt the leak alone."""
        if set(parameters) not in ({"leak"}, {"leak", "probabilities"}):
            raise ValueError(f"{name!r} has probabilities and a leak, or a leak alone, got {sorted(parameters)}")
        if variable != Discrete(BINARY):
            raise ValueError(f"the states of a NoisyOr are {list(BINARY)}, {name!r} has {described(variable)}")
        if parameters["leak"].shape != ():
            raise ValueError(f"the leak of {name!r} is one number, got shape {parameters['leak'].shape}")
        try:
            return cls(parents, parameters.get("probabilities"), float(parameters["leak"]))
        except ValueError as error:
            raise ValueError(f"parameters of {name!r}: {error}") from None

    def _set(
        self,
        parents: tuple[str, ...],
        probabilities: Floats | None,
        leak: float,
        parent_variables: tuple[Variable, ...] | None,
    ) -> None:
        self._keep(parents=parents, probabilities=probabilities, leak=leak, parent_variables=parent_variables)

    @property
    def is_fitted(self) -> bool:
        """Whether the probabilities are known."""
        return self.probabilities is not None

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the child's states: False, True."""
        return BINARY

    @property
    def variable(self) -> Variable:
        """The child."""
        return Discrete(BINARY)

    @property
    def n_parameters(self) -> int:
        """A probability for every parent, and the leak."""
        return len(self.parents) + 1

    def bound(self, name: str, parents: Sequence[Variable]) -> Self:
        """As that of ``name`` in a network with these parents. Raises ValueError where one has not two states, or other
        ones than those that it was made for."""
        check_same_parents("NoisyOr", name, self.parents, self.parent_variables, parents)
        for parent, variable in zip(self.parents, parents, strict=True):
            if not isinstance(variable, Discrete) or variable.n_states != 2:
                raise ValueError(
                    f"the parents of a NoisyOr have two states, {parent!r} of {name!r} has {described(variable)}"
                )
        if self.parent_variables is not None:
            return self
        return self.trusted(self.parents, self.probabilities, self.leak, tuple(parents))

    def parameters(self) -> dict[str, Array]:
        """Probabilities (where known) and leak."""
        known = {} if self.probabilities is None else {"probabilities": self.probabilities}
        return known | {"leak": np.array(self.leak)}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NoisyOr):
            return NotImplemented
        known = self.parent_variables is not None and other.parent_variables is not None
        return (
            (self.parents, self.leak) == (other.parents, other.leak)
            and same_arrays(self.probabilities, other.probabilities)
            and (not known or self.parent_variables == other.parent_variables)
        )

    def __hash__(self) -> int:
        return hash((self.parents, self.leak))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self).trusted, (self.parents, self.probabilities, self.leak, self.parent_variables)

    def _listing(self) -> Listing | None:
        """How it reads out of a network."""
        from ..show.regressions import noisy_or_listing

        if self.parent_variables is None or self.probabilities is None:
            return None
        return noisy_or_listing(self, self.probabilities)

    def _repr_html_(self) -> str | None:
        listing = self._listing()
        return None if listing is None else listing.html

    def __repr__(self) -> str:
        listing = self._listing()
        if listing is not None:
            return listing.text
        if self.probabilities is None:
            return f"NoisyOr({list(self.parents)})"
        with np.printoptions(precision=4, threshold=20, edgeitems=3):
            shown = np.array2string(self.probabilities, separator=", ")
        return f"NoisyOr({list(self.parents)}, probabilities={shown}, leak={self.leak:.4g})"


def _probabilities(values: npt.ArrayLike, what: str, shape: tuple[int, ...]) -> Floats:
    """Numbers between 0 and 1 of a shape."""
    array = numbers(values, what)
    if array.shape != shape:
        expected = f"shape {shape}, one for each parent" if shape else "one number"
        raise ValueError(f"{what}: expected {expected}, got shape {array.shape}")
    if not ((array >= 0.0) & (array <= 1.0)).all():
        raise ValueError(f"{what} must lie between 0 and 1, got {array[(array < 0.0) | (array > 1.0)][0]:g}")
    return array
