"""Logistic and softmax regression: discrete variables by weighted sums of their parents instead of tables."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ..data.variables import Discrete, Variable, checked_states, in_order
from .base import Conditional
from .columns import (
    BINARY,
    binary_states,
    check_same_parents,
    checked_penalty,
    first_columns,
    same_arrays,
)
from .parameters import numbers, parent_names

if TYPE_CHECKING:
    from ..show.listing import Listing

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


class LogLinear(Conditional):
    """What :class:`Logistic` and :class:`Softmax` share: logits that are weighted sums of the parents' columns.

    Each parent, in the order given, has k - 1 columns if it is discrete, 1 in the column of its state and 0 in the
    others, state 0 being all zeros; a real one has its numbers as they are.
    """

    __slots__ = ("bias", "l2", "parent_variables", "parents", "states", "weights")

    parents: tuple[str, ...]
    weights: Floats | None
    bias: Floats | None
    l2: float
    states: tuple[str, ...]
    parent_variables: tuple[Variable, ...] | None

    @classmethod
    def trusted(
        cls,
        parents: tuple[str, ...],
        weights: Floats | None,
        bias: Floats | None,
        l2: float,
        states: tuple[str, ...],
        parent_variables: tuple[Variable, ...] | None = None,
    ) -> Self:
        """From parts that are known to be right: not checked, the arrays shared."""
        made = cls.__new__(cls)
        made._set(parents, weights, bias, l2, states, parent_variables)
        return made

    @classmethod
    def from_parameters(
        cls, name: str, parents: Sequence[str], variable: Variable, parameters: Mapping[str, Array]
    ) -> Self:
        """Weights, bias and l2; of one that is still to be learnt l2 alone."""
        if set(parameters) not in ({"l2"}, {"weights", "bias", "l2"}):
            raise ValueError(f"{name!r} has weights, bias and l2, or l2 alone, got {sorted(parameters)}")
        if not isinstance(variable, Discrete):
            raise ValueError(f"a {cls.__name__} is of a discrete variable, {name!r} is real")
        if parameters["l2"].shape != ():
            raise ValueError(f"l2 of {name!r} is one number, got shape {parameters['l2'].shape}")
        try:
            return cls(
                parents, parameters.get("weights"), parameters.get("bias"), float(parameters["l2"]), variable.states
            )
        except ValueError as error:
            raise ValueError(f"parameters of {name!r}: {error}") from None

    @abstractmethod
    def __init__(
        self,
        parents: Sequence[str],
        weights: npt.ArrayLike | None = None,
        bias: npt.ArrayLike | None = None,
        l2: float = 0.0,
        states: Sequence[object] | None = None,
    ) -> None: ...

    def _set(
        self,
        parents: tuple[str, ...],
        weights: Floats | None,
        bias: Floats | None,
        l2: float,
        states: tuple[str, ...],
        parent_variables: tuple[Variable, ...] | None,
    ) -> None:
        self._keep(parents=parents, weights=weights, bias=bias, l2=l2, states=states, parent_variables=parent_variables)

    @property
    def is_fitted(self) -> bool:
        """Whether the weights are known."""
        return self.weights is not None

    @property
    def variable(self) -> Variable:
        """The child."""
        return Discrete(self.states)

    @property
    def n_columns(self) -> int:
        """Number of weights of a state. Raises ValueError where neither they nor the parents are known."""
        if self.weights is not None:
            return self.weights.shape[-1]
        if self.parent_variables is None:
            raise ValueError(
                f"a {type(self).__name__} without weights knows its columns only in a network, which knows its parents"
            )
        return first_columns(self.parent_variables)[-1]

    @property
    def n_parameters(self) -> int:
        """Free parameters: a weight for every column and a bias, of every state but one."""
        return (len(self.states) - 1) * (self.n_columns + 1)

    def bound(self, name: str, parents: Sequence[Variable]) -> Self:
        """As that of ``name`` in a network with these parents. Raises ValueError where their columns are not as many as
        the weights, or where the weights were made for other states of a parent."""
        check_same_parents(type(self).__name__, name, self.parents, self.parent_variables, parents)
        starts = first_columns(parents)
        if self.weights is not None and self.weights.shape[-1] != starts[-1]:
            counts = dict(zip(self.parents, np.diff(starts).tolist(), strict=True))
            expected = (*self.weights.shape[:-1], starts[-1])
            raise ValueError(
                f"the weights of {name!r} have shape {self.weights.shape}, expected {expected}: a discrete parent has "
                f"a column for each state but the first, a real one for each number; columns by parent: {counts}"
            )
        if self.parent_variables is not None:
            return self
        return self.trusted(self.parents, self.weights, self.bias, self.l2, self.states, tuple(parents))

    def parameters(self) -> dict[str, Array]:
        """Weights, bias (where known) and l2."""
        known = {} if self.weights is None or self.bias is None else {"weights": self.weights, "bias": self.bias}
        return known | {"l2": np.array(self.l2)}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LogLinear) or type(other) is not type(self):
            return NotImplemented
        known = self.parent_variables is not None and other.parent_variables is not None
        return (
            (self.parents, self.states, self.l2) == (other.parents, other.states, other.l2)
            and same_arrays(self.weights, other.weights)
            and same_arrays(self.bias, other.bias)
            and (not known or self.parent_variables == other.parent_variables)
        )

    def __hash__(self) -> int:
        return hash((self.parents, self.states, self.l2))

    def __reduce__(self) -> tuple[object, ...]:
        parts = (self.parents, self.weights, self.bias, self.l2, self.states, self.parent_variables)
        return type(self).trusted, parts

    def _listing(self) -> Listing | None:
        """How it reads out of a network; before, the columns of its parents are not known."""
        from ..show.regressions import weights_listing

        if self.parent_variables is None or self.weights is None or self.bias is None:
            return None
        return weights_listing(self, np.atleast_2d(self.weights), np.atleast_1d(self.bias), self.parent_variables)

    def _repr_html_(self) -> str | None:
        listing = self._listing()
        return None if listing is None else listing.html

    def __repr__(self) -> str:
        listing = self._listing()
        if listing is not None:
            return listing.text
        penalty = f", l2={self.l2:g}" if self.l2 else ""
        states = "" if self.states == BINARY else f", states={list(self.states)}"
        if self.weights is None or self.bias is None:
            return f"{type(self).__name__}({list(self.parents)}{penalty}{states})"
        with np.printoptions(precision=4, threshold=20, edgeitems=3):
            weights = " ".join(np.array2string(self.weights, separator=", ").split())
            bias = np.array2string(self.bias, separator=", ")
        return f"{type(self).__name__}({list(self.parents)}, weights={weights}, bias={bias}{penalty}{states})"


class Logistic(LogLinear):
    """Logistic regression: a yes/no variable whose log-odds are a weighted sum of its parents.

    P(True | parents) = 1 / (1 + exp(-z)),   z = bias + sum_j weights_j * column_j

    Parameters
    ----------
    parents : names of the parents, discrete or real.
    weights : numbers ``(n_columns,)``. In the order of the parents: k - 1 columns for a discrete parent with k states,
        where column j is 1 in state j + 1 and else 0, so that a binary parent enters as 0 / 1 and state 0 is the
        reference; a real parent enters as it is, a vector of them with a column for each number.
    bias : a number, the log-odds where all columns are 0. Weights and bias may be left out together, for ``fit``.
    l2 : strength of the penalty l2 / 2 * |weights|^2 (without the bias) that ``fit`` takes from the log-likelihood.
    states : names of the two states.

    Raises
    ------
    ValueError : numbers that are not finite, shapes that do not agree, weights without bias, not two states, a negative
        l2. TypeError : parents that are no list of names.

    Rows drawn are of the float-driven class: the same bits for any batch, chunk and number of threads on one machine.

    Examples
    --------
    >>> import fastdgm as fd
    >>> net = fd.BayesNet({
    ...     "bank": fd.Bernoulli(0.1),
    ...     "account": fd.Bernoulli(0.2),
    ...     "spam": fd.Logistic(["bank", "account"], weights=[1.5, 0.5], bias=-2.0),
    ... })
    >>> net["spam"].n_parameters, net.states["spam"]
    (3, ('False', 'True'))
    """

    __slots__ = ()

    def __init__(
        self,
        parents: Sequence[str],
        weights: npt.ArrayLike | None = None,
        bias: npt.ArrayLike | None = None,
        l2: float = 0.0,
        states: Sequence[object] = BINARY,
    ) -> None:
        names, penalty, labels = parent_names(parents), checked_penalty(l2), binary_states(states)
        w, b = _weights_and_bias(weights, bias)
        if w is not None and b is not None:
            if w.ndim != 1:
                raise ValueError(f"weights have shape (n_columns,), one for each column, got shape {w.shape}")
            if b.shape != ():
                raise ValueError(f"bias is one number, got shape {b.shape}")
        self._set(names, w, b, penalty, labels, None)


class Softmax(LogLinear):
    """Multinomial logistic regression: each state has a logit, a weighted sum of the parents' columns.

    P(state k | parents) = exp(z_k) / sum_j exp(z_j),   z_k = bias_k + sum_j weights_kj * column_j

    Parameters
    ----------
    parents : names of the parents, discrete or real.
    weights : numbers ``(n_states, n_columns)``; columns as in :class:`Logistic`.
    bias : numbers ``(n_states,)``. Weights and bias may be left out together, for ``fit``, which keeps state 0 at zero.
    l2 : strength of the penalty l2 / 2 * |weights|^2 (without the biases) that ``fit`` takes from the log-likelihood.
    states : names of the states; ``"0"``, ``"1"``, ... by default. They must be named where weights are left out.

    Raises
    ------
    ValueError : as :class:`Logistic`, or neither weights nor states. TypeError : parents or states that are no list.

    The same number added to all logits changes nothing, so ``n_parameters`` counts one state less than there are. Rows
    drawn are of the float-driven class: the same bits for any batch, chunk and number of threads on one machine.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.Softmax(["x"], weights=[[0.0], [1.0], [-1.0]], bias=[0.0, 0.5, 0.5]).n_parameters
    4
    """

    __slots__ = ()

    def __init__(
        self,
        parents: Sequence[str],
        weights: npt.ArrayLike | None = None,
        bias: npt.ArrayLike | None = None,
        l2: float = 0.0,
        states: Sequence[object] | None = None,
    ) -> None:
        names, penalty = parent_names(parents), checked_penalty(l2)
        w, b = _weights_and_bias(weights, bias)
        if w is not None and b is not None:
            if w.ndim != 2:
                raise ValueError(f"weights have shape (n_states, n_columns), got shape {w.shape}")
            if b.shape != (len(w),):
                raise ValueError(f"bias has a number for each of {len(w)} states, got shape {b.shape}")
            labels = checked_states(states, len(w))
        elif states is None:
            raise ValueError("a Softmax without weights needs states=[...]: nothing else says how many there are")
        else:
            listed = in_order(states, "states")
            labels = checked_states(listed, len(listed))
        self._set(names, w, b, penalty, labels, None)


def _weights_and_bias(weights: npt.ArrayLike | None, bias: npt.ArrayLike | None) -> tuple[Floats | None, Floats | None]:
    """Both as finite numbers, or neither."""
    if weights is None and bias is None:
        return None, None
    if weights is None or bias is None:
        missing, given = ("weights", "bias") if weights is None else ("bias", "weights")
        raise ValueError(
            f"weights and bias are given together, or both left out for fit: got {given} without {missing}"
        )
    return numbers(weights, "weights"), numbers(bias, "bias")
