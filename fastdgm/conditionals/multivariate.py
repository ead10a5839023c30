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
from .base import Conditional

Array = npt.NDArray[np.float64]

SYMMETRIC = 1e-8  # of the standard deviations: covariances that differ by less from their mirror image are averaged
DEFINITE = 1e-14  # of its own variance: what must be left of each variable's, given those before it
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

    With discrete parents each of their configurations has its own: :meth:`given`. ``mean`` is ``(*ks, d)`` and
    ``covariance`` ``(*ks, d, d)``, float64 and read-only, with ks the parents' numbers of states.

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

    __slots__ = ("_covariance", "_mean", "_n_states", "_size", "names", "parents")

    parents: tuple[str, ...]
    names: tuple[str, ...] | None
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
        self._set((), *_checked((), mean, covariance, size))
        object.__setattr__(self, "names", _checked_names(names, self._size))

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
        >>> import numpy as np
        >>> x = MultivariateNormal.given(["z"], means=[[0, 0], [3, 3]], covariances=np.eye(2))
        >>> x.mean.shape, x.covariance.shape
        ((2, 2), (2, 2, 2))
        """
        names = in_order(parents, "parents")
        for parent in names:
            if not isinstance(parent, str):
                raise TypeError(f"parents must be names (strings), got {parent!r}")
        if len(set(names)) < len(names):
            raise ValueError(f"parents must be distinct, got {list(names)}")
        own = cls.__new__(cls)
        own._set(names, *_checked(names, means, covariances, size))
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
        cls, name: str, parents: Sequence[str], variable: Variable, parameters: Mapping[str, Array]
    ) -> Self:
        """What a file holds: both arrays, or neither where they were left out for ``fit``."""
        if not isinstance(variable, Real) or len(variable.event_shape) != 1:
            raise ValueError(f"{name!r} is a normal vector, got a variable {variable!r}")
        if set(parameters) not in ({"mean", "covariance"}, set()):
            raise ValueError(f"{name!r} has a mean and a covariance and no other arrays, got {sorted(parameters)}")
        mean, covariance = parameters.get("mean"), parameters.get("covariance")
        try:
            return cls.given(parents, mean, covariance, size=variable.size)
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
        """``(*ks, d)``, ks being the parents' numbers of states."""
        if self._mean is None:
            raise NotFittedError("this normal vector has a size but no mean and covariance yet: call fit(data) first")
        return self._mean

    @property
    def covariance(self) -> Array:
        """``(*ks, d, d)``."""
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
        """Free parameters: d + d (d + 1) / 2 for every configuration of the parents."""
        if self._n_states is None:
            raise NotFittedError(f"the numbers of states of the parents {list(self.parents)} are not known yet")
        d = self._size
        return prod(self._n_states) * (d + d * (d + 1) // 2)

    def bound(self, name: str, parents: Sequence[Variable]) -> Self:
        """The same as that of ``name`` in a network with these parents, with an axis for each of them and no names of
        components.

        Raises ValueError where a parent is not discrete, or has another number of states.
        """
        n_states = []
        for parent, variable in zip(self.parents, parents, strict=True):
            if not isinstance(variable, Discrete):
                raise ValueError(
                    f"the parents of a MultivariateNormal are discrete, {parent!r} of {name!r} is real: scalars that "
                    "depend on it are LinearGaussian"
                )
            n_states.append(variable.n_states)
        ks, known = tuple(n_states), self._n_states
        if known is not None and known not in ((), ks):
            raise ValueError(
                f"the means of {name!r} have shape {(*known, self._size)}, but its parents {list(self.parents)} have "
                f"{list(ks)} states: expected shape {(*ks, self._size)}"
            )
        if known == ks and self.names is None:
            return self
        own = type(self).__new__(type(self))
        if self._mean is None or self._covariance is None:
            own._set(self.parents, None, None, ks, self._size)
        else:
            mean = np.broadcast_to(self._mean, (*ks, self._size))
            covariance = np.broadcast_to(self._covariance, (*ks, self._size, self._size))
            own._set(self.parents, mean.copy(), covariance.copy(), ks, self._size)
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

    def _set(
        self,
        parents: tuple[str, ...],
        mean: Array | None,
        covariance: Array | None,
        n_states: tuple[int, ...] | None,
        size: int,
    ) -> None:
        for array in (mean, covariance):
            if array is not None:
                array.flags.writeable = False
        object.__setattr__(self, "parents", parents)
        object.__setattr__(self, "names", None)
        object.__setattr__(self, "_mean", mean)
        object.__setattr__(self, "_covariance", covariance)
        object.__setattr__(self, "_n_states", n_states)
        object.__setattr__(self, "_size", size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MultivariateNormal):
            return NotImplemented
        if (self.parents, self.names, self._size) != (other.parents, other.names, other._size):
            return False
        if not (self.is_fitted and other.is_fitted):
            return self.is_fitted == other.is_fitted
        return np.array_equal(self.mean, other.mean) and np.array_equal(self.covariance, other.covariance)

    def __hash__(self) -> int:
        return hash((self.parents, self.names, self._size))

    def __reduce__(self) -> tuple[object, ...]:
        state = self.parents, self._mean, self._covariance, self._n_states, self._size, self.names
        return _restored, (type(self), *state)

    def __repr__(self) -> str:
        given = f" given {', '.join(map(printable, self.parents))}" if self.parents else ""
        size = f"{self._size} component{'s' * (self._size != 1)}"
        if not self.is_fitted:
            return f"{type(self).__name__}{given}: {size}, not fitted"
        head = f"{type(self).__name__}{given}: {size}, {self.n_parameters} parameters"
        if self.parents:
            return head
        names = [f"[{i}]" for i in range(self._size)] if self.names is None else [printable(own) for own in self.names]
        shown = list(zip(names, self.mean.tolist(), self.std.tolist(), strict=True))[:SHOWN]
        cells = [("", "mean", "std"), *((own, f"{m:.6g}", f"{s:.6g}") for own, m, s in shown)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
        more = [f"... ({self._size - SHOWN} more)"] if self._size > SHOWN else []
        return "\n".join([head, *lines, *more])


def _restored(
    kind: type[MultivariateNormal],
    parents: tuple[str, ...],
    mean: Array | None,
    covariance: Array | None,
    n_states: tuple[int, ...] | None,
    size: int,
    names: tuple[str, ...] | None,
) -> MultivariateNormal:
    """A pickled one: its parts were checked when it was made."""
    own = kind.__new__(kind)
    own._set(parents, mean, covariance, n_states, size)
    object.__setattr__(own, "names", names)
    return own


Parts = tuple[Array | None, Array | None, tuple[int, ...] | None, int]


def _checked(
    parents: tuple[str, ...], mean: npt.ArrayLike | None, covariance: npt.ArrayLike | None, size: int | None
) -> Parts:
    """Mean, covariance, the parents' numbers of states as far as the arrays tell them (() for all), size."""
    if mean is None and covariance is None:
        if size is None:
            raise ValueError("a normal vector has a mean and a covariance, or a size= for fit to learn them")
        return None, None, None if parents else (), _checked_size(size)
    if mean is None or covariance is None:
        raise ValueError("a normal vector has both a mean and a covariance, or neither and a size= for fit")
    m, s = _numbers(mean, "mean"), _numbers(covariance, "covariance")
    if m.ndim not in (1, len(parents) + 1) or m.size == 0:
        axes = f"{len(parents)} axes of parents and " if parents else ""
        raise ValueError(f"a mean has {axes}one axis of components, at least one of them, got shape {m.shape}")
    d = m.shape[-1]
    if s.ndim not in (2, len(parents) + 2) or s.shape[-2:] != (d, d):
        expected = (*m.shape[:-1], d, d) if m.ndim > 1 or not parents else (*parents, d, d)
        raise ValueError(f"the covariance of {d} components has shape {expected}, got {s.shape}")
    if size is not None and size != d:
        raise ValueError(f"size={size} and a mean of {d} components disagree")
    if m.ndim > 1 and s.ndim > 2 and m.shape[:-1] != s.shape[:-2]:
        expected = (*m.shape[:-1], d, d)
        raise ValueError(f"means of shape {m.shape} need covariances of shape {expected}, got {s.shape}")
    n_states = m.shape[:-1] or s.shape[:-2]
    s = _definite(s)
    return np.broadcast_to(m, (*n_states, d)).copy(), np.broadcast_to(s, (*n_states, d, d)).copy(), n_states, d


def _numbers(values: npt.ArrayLike, what: str) -> Array:
    try:
        array = np.array(values, order="C")
        if array.dtype.kind == "c":
            raise TypeError(f"complex numbers came ({array.dtype})")
        array = array.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a {what} is a rectangular array of real numbers: {error}") from None
    if np.ma.is_masked(values):
        raise ValueError(f"a {what} has no missing entries, got a masked array")
    if not np.isfinite(array).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"the numbers of a {what} are finite, got {array[at]} at {list(at)}")
    return array


def _definite(covariance: Array) -> Array:
    """Exactly symmetric matrices (..., d, d). ValueError where they are not, or not positive definite."""
    mirrored = covariance.swapaxes(-1, -2)
    variances = np.diagonal(covariance, axis1=-2, axis2=-1)
    deviations = np.sqrt(np.maximum(variances, 0.0))
    scale = deviations[..., :, None] * deviations[..., None, :]
    off = np.abs(covariance - mirrored) > SYMMETRIC * scale
    if off.any():
        *_, i, j = at = tuple(int(index) for index in np.argwhere(off)[0])
        other = (*at[:-2], j, i)
        raise ValueError(
            f"a covariance is symmetric, got {covariance[at]:.6g} at {list(at)} and {covariance[other]:.6g} at "
            f"{list(other)}"
        )
    symmetric: Array = (covariance + mirrored) / 2
    if (variances > 0).all():
        try:
            pivots = np.diagonal(np.linalg.cholesky(symmetric / scale), axis1=-2, axis2=-1)
        except np.linalg.LinAlgError:
            pass
        else:
            if (pivots**2 > DEFINITE * symmetric.shape[-1]).all():
                return symmetric
    raise ValueError(_not_definite(symmetric))


def _not_definite(covariance: Array) -> str:
    smallest = np.linalg.eigvalsh(covariance)[..., 0]
    at = tuple(int(i) for i in np.unravel_index(np.argmin(smallest), smallest.shape))
    where = f" at parent states {list(at)}" if at else ""
    return f"a covariance is positive definite, got one whose smallest eigenvalue is {float(smallest[at]):.6g}{where}"


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
