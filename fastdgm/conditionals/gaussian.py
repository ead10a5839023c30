"""Normal distributions whose mean is linear in real parents, and whose parameters discrete parents choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import numpy.typing as npt

from ..data.variables import Discrete, Real, Variable
from ..errors import NotFittedError
from .base import Conditional, check_parent_states
from .parameters import for_configurations, numbers, parent_names, shown
from .table import ParentStates

if TYPE_CHECKING:
    from ..show.listing import Listing

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]
NAMES = ("intercept", "coefficients", "std")


class LinearGaussian(Conditional):
    """A real variable, normal around a linear function of its real parents: the conditional linear Gaussian.

    p(x | d, y) = Normal(x; intercept[d] + sum_j coefficients[d, j] * y_j, std[d]), where d is the joint state of the
    discrete parents and y the values of the real ones.

    Parameters
    ----------
    parents : names of the parents, discrete and real ones in any order.
    intercept : array ``(*ks)``, with an axis for each discrete parent in the order given, or one number for all their
        states. None, as for ``coefficients`` and ``std``: to be learnt by ``fit``.
    coefficients : array ``(*ks, m)``, or ``(m,)`` for all states of the discrete parents: a column for each real parent
        in the order given, ``d`` of them for a vector of ``d`` numbers.
    std : standard deviation, array ``(*ks)`` or one number. 0 is a point mass: log p is 0 where x is the mean, as it is
        computed in the type of the data (float32 or float64), and -inf elsewhere; rows drawn as float32 have other
        means once they are float64, as in an array of codes and reals (``np.asarray`` of samples): keep their type.

    Raises
    ------
    ValueError : a negative ``std``, numbers that are NaN or infinite, some of the parameters left out but not all; in a
        network, shapes that do not fit the parents. TypeError : parents that are no list of names. AttributeError : on
        assignment.

    In a network, ``discrete_parents`` and ``real_parents`` are the names of both kinds, and the arrays have the shapes
    above in full; before, they are as given and both names are None, unless there are no parents. Parameters refer to
    the states of discrete parents by position, like those of a :class:`CPT`; ``parent_states`` says which they were.

    Examples
    --------
    >>> import fastdgm as fd
    >>> height = fd.LinearGaussian(["sex", "mother"], intercept=[80, 90], coefficients=[0.5], std=[5, 6])
    >>> height
    LinearGaussian(['sex', 'mother'], intercept=[80.0, 90.0], coefficients=[0.5], std=[5.0, 6.0])
    """

    __slots__ = ("coefficients", "discrete_parents", "intercept", "parent_states", "parents", "real_parents", "std")

    parents: tuple[str, ...]
    intercept: Numbers | None
    coefficients: Numbers | None
    std: Numbers | None
    discrete_parents: tuple[str, ...] | None
    real_parents: tuple[str, ...] | None
    parent_states: ParentStates | None  # of the discrete parents

    def __init__(
        self,
        parents: Sequence[str],
        intercept: npt.ArrayLike | None = None,
        coefficients: npt.ArrayLike | None = (),
        std: npt.ArrayLike | None = 1.0,
    ) -> None:
        names = parent_names(parents)
        own: tuple[Numbers | None, ...] = (None, None, None)
        if intercept is not None and coefficients is not None and std is not None:
            slopes = numbers(coefficients, "coefficients")
            own = (numbers(intercept, "intercept"), slopes.reshape(slopes.shape or 1), numbers(std, "std", lowest=0.0))
        elif intercept is not None or not (_left_out(coefficients, ()) and _left_out(std, 1.0)):
            raise ValueError(
                "intercept, coefficients and std are left out together, to be learnt, or none of them is: "
                f"got intercept={intercept!r}, coefficients={coefficients!r}, std={std!r}"
            )
        self._set(names, own, None, None)
        if not names:
            self._set(*self._bound_parts("", ()))

    def _set(
        self,
        parents: tuple[str, ...],
        arrays: Sequence[Numbers | None],
        kinds: tuple[tuple[str, ...], tuple[str, ...]] | None,
        parent_states: ParentStates | None,
    ) -> None:
        discrete, real = kinds or (None, None)
        values = (parents, *arrays, discrete, real, parent_states)
        fields = ("parents", *NAMES, "discrete_parents", "real_parents", "parent_states")
        self._keep(**dict(zip(fields, values, strict=True)))

    @property
    def variable(self) -> Variable:
        """A real number."""
        return Real()

    @property
    def is_fitted(self) -> bool:
        """Whether it has parameters."""
        return self.intercept is not None

    @property
    def n_parameters(self) -> int:
        """Intercept, coefficients and std of each joint state of the discrete parents."""
        if self.intercept is None or self.coefficients is None or self.std is None:
            raise NotFittedError("a LinearGaussian whose parameters were left out has none before fit")
        return self.intercept.size + self.coefficients.size + self.std.size

    def bound(self, name: str, parents: Sequence[Variable]) -> Self:
        """The same parameters, in full, as those of ``name`` in a network with these parents.

        Raises ValueError, naming the variable, where shapes do not fit them (what was expected, what came), or where
        the parameters were made for other states of a parent.
        """
        parts = self._bound_parts(name, parents)
        made = type(self).__new__(type(self))
        made._set(*parts)
        return made

    def _bound_parts(self, name: str, parents: Sequence[Variable]) -> tuple[Any, ...]:
        owner = f" of {name!r}" if name else ""
        by_name = dict(zip(self.parents, parents, strict=True))
        discrete = {parent: own for parent, own in by_name.items() if isinstance(own, Discrete)}
        real = {parent: own for parent, own in by_name.items() if isinstance(own, Real)}
        states = tuple(own.states for own in discrete.values())
        if self.discrete_parents is not None and self.discrete_parents != tuple(discrete):
            raise ValueError(
                f"the parameters{owner} were made for discrete parents {list(self.discrete_parents)}, "
                f"got {list(discrete)}"
            )
        check_parent_states(name, "LinearGaussian", list(discrete), self.parent_states, list(discrete.values()))
        n_columns = sum(own.size for own in real.values())
        arrays = self._arrays_for(owner, [len(own) for own in states], n_columns)
        return self.parents, arrays, (tuple(discrete), tuple(real)), states

    def _arrays_for(self, owner: str, n_states: Sequence[int], n_columns: int) -> tuple[Numbers | None, ...]:
        if self.intercept is None or self.coefficients is None or self.std is None:
            return None, None, None
        return (
            for_configurations(self.intercept, f"the intercept{owner}", n_states),
            for_configurations(self.coefficients, f"the array of coefficients{owner}", n_states, (n_columns,)),
            for_configurations(self.std, f"the std{owner}", n_states),
        )

    def parameters(self) -> dict[str, Array]:
        """Intercept, coefficients and std; nothing where they were left out."""
        own = {"intercept": self.intercept, "coefficients": self.coefficients, "std": self.std}
        return {name: array for name, array in own.items() if array is not None}

    @classmethod
    def from_parameters(
        cls, name: str, parents: Sequence[str], variable: Variable, parameters: Mapping[str, Array]
    ) -> Self:
        """Those of a file; the bits stay as they are."""
        if variable != Real():
            raise ValueError(f"a LinearGaussian is one real number, {name!r} is {variable}")
        if set(parameters) not in (set(), set(NAMES)):
            raise ValueError(f"{name!r} has {', '.join(NAMES)} and no other arrays, got {sorted(parameters)}")
        given = [parameters.get(own) for own in NAMES]
        try:
            made = LinearGaussian(parents, *given)
        except ValueError as error:
            raise ValueError(f"parameters of {name!r}: {error}") from None
        return cast("Self", _restored(cls if parents else Normal, made._parts()))

    def _parts(self) -> tuple[Any, ...]:
        kinds = None
        if self.discrete_parents is not None and self.real_parents is not None:
            kinds = self.discrete_parents, self.real_parents
        arrays = (self.intercept, self.coefficients, self.std)
        return self.parents, arrays, kinds, self.parent_states

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LinearGaussian):
            return NotImplemented
        known = self.parent_states is not None and other.parent_states is not None
        pairs = zip(self._parts()[1], other._parts()[1], strict=True)
        return (
            self.parents == other.parents
            and all(a is b is None or (a is not None and b is not None and np.array_equal(a, b)) for a, b in pairs)
            and (not known or self.parent_states == other.parent_states)
        )

    def __hash__(self) -> int:
        return hash(self.parents)

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self._parts())

    def _shown_parameters(self) -> str:
        if not self.is_fitted:
            return "not fitted"
        return ", ".join(f"{name}={shown(array)}" for name, array in self.parameters().items())

    def _listing(self) -> Listing | None:
        """How it reads out of a network; before, the shapes of its parameters are not known."""
        from ..show.regressions import gaussian_listing

        if self.discrete_parents is None or self.intercept is None or self.coefficients is None or self.std is None:
            return None
        return gaussian_listing(self, self.intercept, self.coefficients, self.std) if self.parents else None

    def __repr__(self) -> str:
        listing = self._listing()
        if listing is not None:
            return listing.text
        return f"{type(self).__name__}({list(self.parents)}, {self._shown_parameters()})"

    def _repr_html_(self) -> str | None:
        listing = self._listing()
        return None if listing is None else listing.html


class Normal(LinearGaussian):
    """A real variable without parents: p(x) = exp(-((x - mean) / std)^2 / 2) / (std sqrt(2 pi)).

    ``std`` 0 is a point mass. Both left out: to be learnt by ``fit``.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.Normal(0, 2)
    Normal(mean=0.0, std=2.0)
    >>> fd.Normal.given(["z"], mean=[-2, 3], std=[1, 0.5])
    LinearGaussian(['z'], intercept=[-2.0, 3.0], coefficients=[], std=[1.0, 0.5])
    """

    __slots__ = ()

    def __init__(self, mean: npt.ArrayLike | None = None, std: npt.ArrayLike | None = 1.0) -> None:
        super().__init__((), mean, (), std)

    @staticmethod
    def given(
        parents: Sequence[str], mean: npt.ArrayLike | None = None, std: npt.ArrayLike | None = 1.0
    ) -> LinearGaussian:
        """A normal variable whose mean and standard deviation discrete parents choose: arrays ``(*ks)`` of both."""
        return LinearGaussian(parents, mean, (), std)

    @property
    def mean(self) -> Numbers | None:
        """The mean; the intercept of a :class:`LinearGaussian`."""
        return self.intercept

    def _shown_parameters(self) -> str:
        if self.intercept is None or self.std is None:
            return "not fitted"
        return f"mean={shown(self.intercept)}, std={shown(self.std)}"

    def __repr__(self) -> str:
        return f"Normal({self._shown_parameters()})"


def _left_out(value: npt.ArrayLike | None, default: object) -> bool:
    return value is None or (isinstance(value, float | tuple) and value == default)


def _restored(kind: type[LinearGaussian], parts: tuple[Any, ...]) -> LinearGaussian:
    made = kind.__new__(kind)
    made._set(*parts)
    return made
