"""Normal vectors, one for each configuration of discrete parents: parameters and their checks, no loops over data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..data.variables import Discrete, Real, Variable, in_order
from ..errors import NotFittedError, UnknownNameError
from ..runtime.text import did_you_mean, preview, printable
from .base import Conditional, check_parent_states
from .definite import definite
from .parameters import for_configurations, numbers, parent_names
from .table import ParentStates

Array = npt.NDArray[np.float64]

SHOWN = 12  # components of a repr


class MultivariateNormal(Conditional):
    """A normal vector: p(x) = exp(-(x - m)' S^-1 (x - m) / 2) / sqrt((2 pi)^d det S), for mean m and covariance S.

    Parameters
    ----------
    mean : ``(d,)``.
    covariance : ``(d, d)``, symmetric and positive definite. Entries that differ from their mirror image by rounding
        (1e-8 of the standard deviations) are averaged.
    names : of the d components, for an answer about scalar variables (``net.posterior``); None: it has none.
    size : d, where mean and covariance are left out for ``fit`` to learn.

    With discrete parents each of their configurations has its own: :meth:`given`. In a network ``mean`` is
    ``(*ks, d)`` and ``covariance`` ``(*ks, d, d)``, with ks the parents' numbers of states; both are float64 and
    read-only. Like a table it refers to its parents' states by position; ``parent_states`` are those, where known.

    Raises
    ------
    ValueError : shapes that do not line up, numbers that are not finite, a covariance that is not symmetric or not
        positive definite (the smallest eigenvalue is named). NotFittedError : on use of parameters left out.

    Examples
    --------
    >>> import fastdgm as fd
    >>> x = fd.MultivariateNormal([0.0, 1.0], [[1.0, 0.5], [0.5, 2.0]], names=["a", "b"])
    >>> x.n_parameters, x.marginal(["b"]).covariance.tolist()
    (5, [[2.0]])
    """

    __slots__ = ("_covariance", "_mean", "_n_states", "_size", "names", "parent_states", "parents")

    parents: tuple[str, ...]
    names: tuple[str, ...] | None
    parent_states: ParentStates | None
    _mean: Array | None  # None: left out for fit
    _covariance: Array | None
    _n_states: tuple[int, ...] | None  # of the parents; None: not known yet
    _size: int

    def __init__(
        self,
        mean: npt.ArrayLike | None = None,
        covariance: npt.ArrayLike | None = None,
        names: Sequence[str] | None = None,
        *,
        size: int | None = None,
    ) -> None:
        own_mean, own_covariance, d = _checked((), mean, covariance, size)
        self._set((), own_mean, own_covariance, (), d, (), _checked_names(names, d))

    @classmethod
    def given(
        cls,
        parents: Sequence[str],
        means: npt.ArrayLike | None = None,
        covariances: npt.ArrayLike | None = None,
        *,
        size: int | None = None,
    ) -> Self:
        """A normal vector whose mean and covariance depend on discrete parents: with one parent, a mixture's component.

        Parameters
        ----------
        parents : names of the parents, in the order of the leading axes of the arrays.
        means : ``(k_1, ..., k_m, d)``, or ``(d,)`` for all configurations.
        covariances : ``(k_1, ..., k_m, d, d)``, or ``(d, d)`` for all configurations.
        size : d, where both are left out for ``fit`` to learn.

        Examples
        --------
        >>> import fastdgm as fd
        >>> fd.MultivariateNormal.given(["z"], means=[[0, 0], [3, 3]], covariances=[[1, 0], [0, 1]])
        MultivariateNormal given z: 2 components
        """
        names = parent_names(parents)
        mean, covariance, d = _checked(names, means, covariances, size)
        own = cls.__new__(cls)
        own._set(names, mean, covariance, None if names else (), d, None if names else (), None)
        return own

    @classmethod
    def standard(cls, size: int) -> Self:
        """Mean 0, covariance the identity.

        Examples
        --------
        >>> MultivariateNormal.standard(3).n_parameters
        9
        """
        return cls(np.zeros(_checked_size(size)), np.eye(size))

    @classmethod
    def from_parameters(
        cls, name: str, parents: Sequence[str], variable: Variable, parameters: Mapping[str, npt.NDArray[Any]]
    ) -> Self:
        """What a file holds: both arrays, or neither where they were left out for ``fit``."""
        if not isinstance(variable, Real) or len(variable.event_shape) != 1:
            raise ValueError(f"a MultivariateNormal is a vector of real numbers, {name!r} is {variable}")
        if set(parameters) not in ({"mean", "covariance"}, set()):
            raise ValueError(f"{name!r} has a mean and a covariance and no other arrays, got {sorted(parameters)}")
        try:
            return cls.given(parents, parameters.get("mean"), parameters.get("covariance"), size=variable.size)
        except ValueError as error:
            raise ValueError(f"parameters of {name!r}: {error}") from None

    def parameters(self) -> dict[str, npt.NDArray[Any]]:
        """Mean and covariance; nothing where they were left out."""
        return {"mean": self.mean, "covariance": self.covariance} if self.is_fitted else {}

    @property
    def is_fitted(self) -> bool:
        """Whether mean and covariance are known."""
        return self._mean is not None

    @property
    def variable(self) -> Variable:
        """The vector."""
        return Real((self._size,))

    @property
    def mean(self) -> Array:
        """``(*ks, d)`` in a network, ks being the parents' numbers of states."""
        if self._mean is None:
            raise NotFittedError("this normal vector has a size but no mean and covariance yet: call fit(data) first")
        return self._mean

    @property
    def covariance(self) -> Array:
        """``(*ks, d, d)`` in a network."""
        if self._covariance is None:
            raise NotFittedError("this normal vector has a size but no mean and covariance yet: call fit(data) first")
        return self._covariance

    @property
    def std(self) -> Array:
        """``(*ks, d)``: the standard deviation of every component."""
        deviations: Array = np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))
        return deviations

    @property
    def n_parameters(self) -> int:
        """Free parameters: d + d (d + 1) / 2 for every configuration of the parents, once these are known."""
        if self._n_states is None:
            raise NotFittedError(
                f"how many parameters there are depends on the parents {list(self.parents)}: ask it of the network"
            )
        d = self._size
        return prod(self._n_states) * (d + d * (d + 1) // 2)

    def bound(self, name: str, parents: Sequence[Variable]) -> Self:
        """The same as that of ``name`` in a network with these parents, in full, and without names of components.

        Raises ValueError where a parent is not discrete, has another number of states, or other states than those
        that it was made for.
        """
        states = []
        for parent, variable in zip(self.parents, parents, strict=True):
            if not isinstance(variable, Discrete):
                raise ValueError(
                    f"the parents of a MultivariateNormal are discrete, {parent!r} of {name!r} is real: real numbers "
                    "that depend on it are LinearGaussian"
                )
            states.append(variable.states)
        check_parent_states(name, "MultivariateNormal", self.parents, self.parent_states, parents)
        ks = tuple(map(len, states))
        mean, covariance, d = self._mean, self._covariance, self._size
        if mean is not None and covariance is not None:
            mean = for_configurations(mean, f"the mean of {name!r}", ks, (d,))
            covariance = for_configurations(covariance, f"the covariance of {name!r}", ks, (d, d))
        own = type(self).__new__(type(self))
        own._set(self.parents, mean, covariance, ks, d, tuple(states), None)
        return own

    def marginal(self, names: Sequence[str]) -> Self:
        """The distribution of some of the named components, in the order asked for.

        Raises UnknownNameError (a KeyError) for other names, ValueError where the components have no names.

        Examples
        --------
        >>> x = MultivariateNormal([0.0, 1.0], [[1.0, 0.5], [0.5, 2.0]], names=["a", "b"])
        >>> x.marginal(["b", "a"]).mean
        array([1., 0.])
        """
        if self.names is None:
            raise ValueError("the components of this normal vector have no names")
        asked = in_order(names, "names")
        for name in asked:
            if name not in self.names:
                near = did_you_mean(str(name), self.names)
                raise UnknownNameError(f"no component {name!r}; they are {preview(self.names)}{near}")
        places = [self.names.index(name) for name in asked]
        return type(self)(self.mean[places], self.covariance[np.ix_(places, places)], asked)

    @property
    def entropy(self) -> float:
        """- E[log p(x)] = (1/2) log det(2 pi e S), in nats. ValueError with parents: it has one in each configuration.

        Examples
        --------
        >>> round(MultivariateNormal.standard(1).entropy, 4)
        1.4189
        """
        if self.parents:
            raise ValueError(
                f"a normal vector given {list(self.parents)} has an entropy in each configuration, not one"
            )
        _, log_determinant = np.linalg.slogdet(2 * np.pi * np.e * self.covariance)
        return 0.5 * float(log_determinant)

    def _set(self, *parts: Any) -> None:
        fields = ("parents", "_mean", "_covariance", "_n_states", "_size", "parent_states", "names")
        self._keep(**dict(zip(fields, parts, strict=True)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MultivariateNormal):
            return NotImplemented
        if (self.parents, self.names, self._size) != (other.parents, other.names, other._size):
            return False
        if not (self.is_fitted and other.is_fitted):
            return self.is_fitted == other.is_fitted
        known = self.parent_states is not None and other.parent_states is not None
        return (
            np.array_equal(self.mean, other.mean)
            and np.array_equal(self.covariance, other.covariance)
            and (not known or self.parent_states == other.parent_states)
        )

    def __hash__(self) -> int:
        return hash((self.parents, self.names, self._size))

    def __reduce__(self) -> tuple[object, ...]:
        parts = self.parents, self._mean, self._covariance, self._n_states, self._size, self.parent_states, self.names
        return _restored, (type(self), parts)

    def __repr__(self) -> str:
        given = f" given {', '.join(map(printable, self.parents))}" if self.parents else ""
        head = f"{type(self).__name__}{given}: {self._size} component{'s' * (self._size != 1)}"
        if not self.is_fitted:
            return f"{head}, not fitted"
        if self.parents:
            return head
        names = [f"[{i}]" for i in range(self._size)] if self.names is None else [printable(own) for own in self.names]
        shown = list(zip(names, self.mean.tolist(), self.std.tolist(), strict=True))[:SHOWN]
        cells = [("", "mean", "std"), *((own, f"{m:.6g}", f"{s:.6g}") for own, m, s in shown)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
        more = [f"... ({self._size - SHOWN} more)"] if self._size > SHOWN else []
        return "\n".join([head, *lines, *more])


def _restored(kind: type[MultivariateNormal], parts: tuple[Any, ...]) -> MultivariateNormal:
    """A pickled one: its parts were checked when it was made."""
    own = kind.__new__(kind)
    own._set(*parts)
    return own


def _checked(
    parents: tuple[str, ...], mean: npt.ArrayLike | None, covariance: npt.ArrayLike | None, size: int | None
) -> tuple[Array | None, Array | None, int]:
    """Mean and covariance, whose trailing axes are right, and the size."""
    if mean is None and covariance is None:
        if size is None:
            raise ValueError("a normal vector has a mean and a covariance, or a size= for fit to learn them")
        return None, None, _checked_size(size)
    if mean is None or covariance is None:
        raise ValueError("a normal vector has both a mean and a covariance, or neither and a size= for fit")
    m, s = numbers(mean, "the mean"), numbers(covariance, "the covariance")
    of_parents = f"an axis for each of its {len(parents)} parents (or none) and " if parents else ""
    if m.ndim not in (1, len(parents) + 1) or m.size == 0:
        raise ValueError(f"a mean has {of_parents}one axis of components, at least one of them, got shape {m.shape}")
    d = m.shape[-1]
    if s.ndim not in (2, len(parents) + 2) or s.shape[-2:] != (d, d) or s.size == 0:
        raise ValueError(f"the covariance of {d} components has {of_parents}shape ({d}, {d}), got {s.shape}")
    if size is not None and size != d:
        raise ValueError(f"size={size} and a mean of {d} components disagree")
    return m, definite(s), d


def _checked_size(size: int) -> int:
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise ValueError(f"the size of a vector is a whole number from 1 on, got {size!r}")
    return int(size)


def _checked_names(names: Sequence[str] | None, size: int) -> tuple[str, ...] | None:
    if names is None:
        return None
    listed = in_order(names, "names")
    if len(listed) != size or len(set(listed)) < size or not all(isinstance(name, str) for name in listed):
        raise ValueError(f"{size} components have {size} distinct names, got {preview(listed)}")
    return listed
