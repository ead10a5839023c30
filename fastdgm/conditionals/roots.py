"""Real variables without parents that are not normal: uniform, exponential, Laplace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from ..data.variables import Real, Variable
from ..errors import NotFittedError
from .base import Conditional
from .parameters import numbers

Array = npt.NDArray[Any]


class Root(Conditional):
    """A real variable without parents, whose distribution has a few numbers as parameters.

    All of them left out (None): to be learnt by ``fit``.
    """

    __slots__ = ("values",)

    names: ClassVar[tuple[str, ...]]  # of the parameters

    parents: tuple[str, ...] = ()
    values: tuple[float, ...] | None  # of the parameters, in the order of their names

    def __init__(self, *values: npt.ArrayLike | None) -> None:
        given = [value for value in values if value is not None]
        if len(given) not in (0, len(values)):
            together = " and ".join(self.names)
            raise ValueError(f"{together} are left out together, to be learnt, or none of them is: got {list(values)}")
        own = tuple(_number(value, name) for value, name in zip(given, self.names, strict=False))
        if own:
            self._check(*own)
        self._keep(values=own or None)

    @classmethod
    def _check(cls, *values: float) -> None:
        """ValueError where finite parameters are none of this distribution."""

    def _value(self, i: int) -> float | None:
        return None if self.values is None else self.values[i]

    @property
    def variable(self) -> Variable:
        """A real number."""
        return Real()

    @property
    def is_fitted(self) -> bool:
        """Whether it has parameters."""
        return self.values is not None

    @property
    def n_parameters(self) -> int:
        """All are free."""
        if self.values is None:
            raise NotFittedError(f"a {type(self).__name__} whose parameters were left out has none before fit")
        return len(self.values)

    def bound(self, name: str, parents: Sequence[Variable]) -> Self:
        """Itself: it has no parents."""
        return self

    def parameters(self) -> dict[str, Array]:
        """Each as an array without axes; nothing where they were left out."""
        return {name: np.array(value) for name, value in zip(self.names, self.values or (), strict=False)}

    @classmethod
    def from_parameters(
        cls, name: str, parents: Sequence[str], variable: Variable, parameters: Mapping[str, Array]
    ) -> Self:
        """Those of a file; the bits stay as they are."""
        if tuple(parents) or variable != Real():
            raise ValueError(f"a {cls.__name__} is one real number without parents: {name!r} is not")
        if set(parameters) not in (set(), set(cls.names)):
            raise ValueError(f"{name!r} has {', '.join(cls.names)} and no other arrays, got {sorted(parameters)}")
        made = cls.__new__(cls)
        try:
            Root.__init__(made, *[parameters.get(own) for own in cls.names])
        except ValueError as error:
            raise ValueError(f"parameters of {name!r}: {error}") from None
        return made

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Root):
            return NotImplemented
        return (self.names, self.values) == (other.names, other.values)

    def __hash__(self) -> int:
        return hash((self.names, self.values))

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self.values)

    def __repr__(self) -> str:
        own = ", ".join(f"{name}={value!r}" for name, value in zip(self.names, self.values or (), strict=False))
        return f"{type(self).__name__}({own or 'not fitted'})"


class Uniform(Root):
    """A real variable without parents, as likely anywhere: p(x) = 1 / (high - low) for low <= x <= high, else 0.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.Uniform(-1, 3)
    Uniform(low=-1.0, high=3.0)
    """

    __slots__ = ()

    names: ClassVar[tuple[str, ...]] = ("low", "high")

    def __init__(self, low: float | None = None, high: float | None = None) -> None:
        super().__init__(low, high)

    @classmethod
    def _check(cls, *values: float) -> None:
        low, high = values
        if not low < high:
            raise ValueError(f"a uniform variable has low below high, got low={low:g}, high={high:g}")
        if not high - low < np.inf:
            raise ValueError(f"high - low leaves the range of float64, got low={low:g}, high={high:g}")

    @property
    def low(self) -> float | None:
        """The least value."""
        return self._value(0)

    @property
    def high(self) -> float | None:
        """The largest value."""
        return self._value(1)


class Exponential(Root):
    """A waiting time without parents: p(x) = rate exp(-rate x) for x >= 0, else 0; its mean is 1 / rate.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.Exponential(2)
    Exponential(rate=2.0)
    """

    __slots__ = ()

    names: ClassVar[tuple[str, ...]] = ("rate",)

    def __init__(self, rate: float | None = None) -> None:
        super().__init__(rate)

    @classmethod
    def _check(cls, *values: float) -> None:
        if not values[0] > 0.0:
            raise ValueError(f"the rate of an exponential variable is above 0, got {values[0]:g}")

    @property
    def rate(self) -> float | None:
        """1 / mean."""
        return self._value(0)


class Laplace(Root):
    """A real variable without parents: p(x) = exp(-|x - loc| / scale) / (2 scale).

    ``scale`` 0 is a point mass: log p is 0 where x is ``loc`` in the type of the data, and -inf elsewhere.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.Laplace(loc=0, scale=0.5)
    Laplace(loc=0.0, scale=0.5)
    """

    __slots__ = ()

    names: ClassVar[tuple[str, ...]] = ("loc", "scale")

    def __init__(self, loc: float | None = None, scale: float | None = None) -> None:
        super().__init__(loc, scale)

    @classmethod
    def _check(cls, *values: float) -> None:
        if not values[1] >= 0.0:
            raise ValueError(f"the scale of a Laplace variable is not below 0, got {values[1]:g}")

    @property
    def loc(self) -> float | None:
        """The median and mean."""
        return self._value(0)

    @property
    def scale(self) -> float | None:
        """The mean distance from ``loc``."""
        return self._value(1)


def _number(value: npt.ArrayLike, name: str) -> float:
    array = numbers(value, name)
    if array.ndim:
        raise ValueError(f"{name} is one number, got an array of shape {array.shape}")
    return float(array)


def _restored(kind: type[Root], values: tuple[float, ...] | None) -> Root:
    made = kind.__new__(kind)
    made._keep(values=values)
    return made
