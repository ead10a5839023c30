"""Conditional probability tables: parameters and their checks, no loops over data."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..data.variables import MAX_STATES, Discrete, Variable, checked_states, in_order
from .base import Conditional, check_parent_states, states_of

ParentStates = tuple[tuple[str, ...], ...]  # the states of each parent, in the order of the parents

Array = npt.NDArray[Any]
MAX_AXES = 64  # of a NumPy array
EXACT_TOLERANCE = 1e-12  # rows this close to 1 are left as they are, to the last bit
QUIET_TOLERANCE = 1e-6  # rows this close are renormalised silently: files are printed with few digits
LOUD_TOLERANCE = 1e-3  # rows this close are renormalised with a warning; anything further off is an error


class RowSumError(ValueError):
    """A row of a table that is no distribution; ``row`` is its index over the parents."""

    def __init__(self, message: str, row: tuple[int, ...]) -> None:
        super().__init__(message)
        self.row = row


class CPT(Conditional):
    """A conditional probability table: P(child | parents), one axis per parent in the order given, then the child.

    Parameters
    ----------
    parents : names of the parents, in the order of the axes of ``table``.
    table : array of shape ``(k_parent_1, ..., k_parent_m, k)``; every row along the last axis is a distribution.
        Rows within 1e-12 of summing to 1 are kept as they are, within 1e-6 they are divided by their sum,
        within 1e-3 likewise with a warning, and anything else is refused.
    states : names of the child's ``k`` states; ``"0"``, ``"1"``, ... by default.

    Raises
    ------
    ValueError : negative, NaN, infinite, masked or complex entries, rows that do not sum to 1, shapes or state lists
        that disagree, more than 63 parents. TypeError : parents or states that are no list of names.
        AttributeError : on assignment; a table never changes.

    A table refers to its parents' states by position. One that comes out of a network therefore knows which they were,
    as ``parent_states``, and goes only into networks where they are the same; one made by hand knows none (None).
    Tables are equal where parents, states and entries are, and the parents' states where both know them.

    Examples
    --------
    >>> import fastdgm as fd
    >>> wet = fd.CPT(["rain"], [[0.9, 0.1], [0.2, 0.8]], states=["dry", "wet"])
    >>> wet.n_parameters, wet.states
    (2, ('dry', 'wet'))
    """

    __slots__ = ("parent_states", "parents", "states", "table")

    parents: tuple[str, ...]
    states: tuple[str, ...]
    table: npt.NDArray[np.float64]
    parent_states: ParentStates | None

    def __init__(self, parents: Sequence[str], table: npt.ArrayLike, states: Sequence[object] | None = None) -> None:
        names = in_order(parents, "parents")
        for parent in names:
            if not isinstance(parent, str):
                raise TypeError(f"parents must be names (strings), got {parent!r}")
        if len(set(names)) < len(names):
            raise ValueError(f"parents must be distinct, got {list(names)}")
        check_axes(len(names))
        array = _checked_table(table, len(names))
        self._set(names, array, checked_states(states, array.shape[-1]), None)

    @classmethod
    def trusted(
        cls,
        parents: tuple[str, ...],
        table: npt.NDArray[np.float64],
        states: tuple[str, ...],
        parent_states: ParentStates | None = None,
    ) -> Self:
        """A CPT from parts that are known to be right: not checked, the table's bits kept."""
        cpt = cls.__new__(cls)
        cpt._set(parents, np.ascontiguousarray(table), states, parent_states)
        return cpt

    @classmethod
    def from_parameters(
        cls, name: str, parents: Sequence[str], variable: Variable, parameters: Mapping[str, Array]
    ) -> Self:
        """Rows must sum to 1 as closely as those of any CPT do: nothing is divided, the bits stay as they are."""
        if set(parameters) != {"table"}:
            raise ValueError(f"{name!r} has a table and no other arrays, got {sorted(parameters)}")
        table = parameters["table"]
        if table.dtype != np.float64:
            raise ValueError(f"the table of {name!r} is of type float64, got {table.dtype}")
        with np.errstate(over="ignore", invalid="ignore"):  # sums of absurd numbers are refused
            off = float(np.abs(table.sum(axis=-1) - 1.0).max(initial=0.0)) if table.ndim else 0.0
        if off > EXACT_TOLERANCE:
            raise ValueError(f"every row of a table sums to 1, one of {name!r} is off by {off:.3g}")
        try:
            made = CPT(parents, table, states_of(variable))
        except ValueError as error:
            raise ValueError(f"table of {name!r}: {error}") from None
        return cls.trusted(made.parents, made.table, made.states)

    def parameters(self) -> dict[str, Array]:
        """The table."""
        return {"table": self.table}

    @property
    def variable(self) -> Variable:
        """The child."""
        return Discrete(self.states)

    def bound(self, name: str, parents: Sequence[Variable]) -> Self:
        """The same table as that of ``name`` in a network with these parents: itself, or a copy that shares the array.

        Raises ValueError where the parents have other numbers of states, or where the table was made for other states
        of a parent, or for the same in another order.
        """
        for parent, variable in zip(self.parents, parents, strict=True):
            if not isinstance(variable, Discrete):
                raise ValueError(
                    f"the parents of a table are discrete, {parent!r} of {name!r} is real: a discrete variable depends "
                    "on real ones through Logistic or Softmax"
                )
        expected = tuple(len(states_of(parent)) for parent in parents)
        if self.table.shape[:-1] != expected:
            raise ValueError(
                f"the table of {name!r} has shape {self.table.shape}, but its parents {list(self.parents)} "
                f"have {list(expected)} states: expected shape {(*expected, self.n_states)}"
            )
        parent_states = tuple(states_of(parent) for parent in parents)
        if self.parent_states == parent_states or not self.parents:
            return self
        check_parent_states(name, "table", self.parents, self.parent_states, parents)
        return type(self).trusted(self.parents, self.table, self.states, parent_states)

    def _set(
        self,
        parents: tuple[str, ...],
        table: npt.NDArray[np.float64],
        states: tuple[str, ...],
        parent_states: ParentStates | None,
    ) -> None:
        self._keep(parents=parents, table=table, states=states, parent_states=parent_states)

    @property
    def n_states(self) -> int:
        """Number of states of the child."""
        return len(self.states)

    @property
    def n_parameters(self) -> int:
        """Free parameters: (k - 1) x the number of parent configurations."""
        return (self.n_states - 1) * (self.table.size // self.n_states)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CPT):
            return NotImplemented
        known = self.parent_states is not None and other.parent_states is not None
        return (
            (self.parents, self.states) == (other.parents, other.states)
            and np.array_equal(self.table, other.table)
            and (not known or self.parent_states == other.parent_states)
        )

    def __hash__(self) -> int:
        return hash((self.parents, self.states))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self).trusted, (self.parents, self.table, self.states, self.parent_states)

    def __repr__(self) -> str:
        from ..show.text import cpt_text

        return cpt_text(self)

    def _repr_html_(self) -> str:
        from ..show.text import cpt_html

        return cpt_html(self)


class Categorical(CPT):
    """A variable without parents: P(x = k) = probabilities[k].

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.Categorical([0.3, 0.7, 0.0], states=["low", "mid", "high"]).n_parameters
    2
    """

    __slots__ = ()

    def __init__(self, probabilities: npt.ArrayLike, states: Sequence[object] | None = None) -> None:
        super().__init__((), probabilities, states)


class Bernoulli(CPT):
    """A yes/no variable without parents: P(True) = probability; its states are ``False`` and ``True``.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.Bernoulli(0.2).table
    array([0.8, 0.2])
    """

    __slots__ = ()

    def __init__(self, probability: float) -> None:
        p = float(probability)
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"a probability lies between 0 and 1, got {probability!r}")
        super().__init__((), [1.0 - p, p], ("False", "True"))


def tables_of(conditionals: Mapping[str, Conditional], purpose: str) -> dict[str, CPT]:
    """Conditionals that all are tables. TypeError that names the first that is none, for what only tables can do."""
    tables = {}
    for name, own in conditionals.items():
        if not isinstance(own, CPT):
            hint = _how_to_tabulate(own, conditionals)
            raise TypeError(f"{purpose} needs tables, variable {name!r} has a {type(own).__name__}{hint}")
        tables[name] = own
    return tables


def _how_to_tabulate(own: Conditional, conditionals: Mapping[str, Conditional]) -> str:
    """The end of an error message, where a table would say the same."""
    family = [own, *(conditionals[parent] for parent in own.parents)]
    if not all(isinstance(one.variable, Discrete) and not one.variable.event_shape for one in family):
        return ""
    return (
        ": a CPT says the same, with the numbers exp(net.log_prob(rows, per_variable=True)) for each joint state of "
        "the variable and its parents"
    )


def check_axes(n_parents: int) -> None:
    """A table is one array: ValueError where it cannot have so many axes."""
    if n_parents >= MAX_AXES:
        raise ValueError(
            f"a table has at most {MAX_AXES} axes, one per parent and the child's own, got {n_parents} parents"
        )


def _checked_table(table: npt.ArrayLike, n_parents: int) -> npt.NDArray[np.float64]:
    if any(map(np.ma.is_masked, table if isinstance(table, list | tuple) else [table])):
        raise ValueError("a table has no missing entries, got a masked array with some entries masked")
    try:
        array = np.array(table, order="C")
        if array.dtype.kind == "c":
            raise TypeError(f"complex numbers came ({array.dtype})")
        array = array.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a table is a rectangular array of real numbers: {error}") from None
    if array.ndim != n_parents + 1:
        raise ValueError(
            f"a table has one axis per parent, then the child: {n_parents} parents need {n_parents + 1} axes, "
            f"got shape {array.shape}"
        )
    if array.size == 0:
        raise ValueError(f"every axis of a table has at least one state, got shape {array.shape}")
    if array.shape[-1] > MAX_STATES:
        raise ValueError(f"a variable has at most {MAX_STATES} states, got {array.shape[-1]}")
    _normalise_rows(array)
    return array


def _normalise_rows(table: npt.NDArray[np.float64]) -> None:
    """Check every row and divide it by its sum, in place, by the three tolerances above."""
    if not (table.min() >= 0.0 and table.max() < np.inf):  # NaN fails both
        bad = np.argwhere(~((table >= 0.0) & (table < np.inf)))[0]
        where = tuple(int(i) for i in bad)
        raise RowSumError(f"probabilities are finite and not negative, got {table[where]} at {list(where)}", where[:-1])
    sums = table.sum(axis=-1)
    off = np.abs(sums - 1.0)
    worst = float(off.max())
    if worst <= EXACT_TOLERANCE:
        return
    if worst > LOUD_TOLERANCE:
        row = tuple(int(i) for i in np.unravel_index(np.argmax(off), off.shape))
        at = f" at parent states {list(row)}" if row else ""
        raise RowSumError(f"every row of a table sums to 1, got {float(sums[row]):.10g}{at}", row)
    if worst > QUIET_TOLERANCE:
        count = int((off > QUIET_TOLERANCE).sum())
        warnings.warn(
            f"{count} of {sums.size} rows are off by more than {QUIET_TOLERANCE:g} from summing to 1 "
            f"(worst {worst:.1e}); they were divided by their sum",
            UserWarning,
            stacklevel=5,
        )
    table /= np.where(off > EXACT_TOLERANCE, sums, 1.0)[..., None]
