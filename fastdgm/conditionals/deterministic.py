"""Variables that are functions of their parents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NoReturn, Self

import numpy as np
import numpy.typing as npt

from ..data.variables import Discrete, Real, Variable, checked_states, in_order
from ..runtime.text import preview
from .base import Conditional
from .columns import check_same_parents
from .parameters import parent_names
from .table import CPT, MAX_AXES

Array = npt.NDArray[Any]
Function = Callable[..., Any]

MAX_CONFIGURATIONS = 1 << 16  # of discrete parents, for a function of them to be tabulated
MAX_CELLS = 1 << 20  # of its table


class FunctionTable(CPT):
    """The table, of entries 0 and 1, of a :class:`Deterministic` variable whose parents are discrete.

    That is what a network holds of it: it is drawn, scored, written to files and summed out as any table is. It has no
    free parameters, and ``fit`` leaves it as it is.
    """

    __slots__ = ()

    @property
    def n_parameters(self) -> int:
        """None: a function has nothing to learn."""
        return 0


class Deterministic(Conditional):
    """A variable that is a function of its parents: y = function(*parents).

    P(y | parents) = 1 where y is the function's value, else 0; a real y is a point mass: its log-probability is 0 where
    y equals the function's value, rounded to the type of the data, and -inf elsewhere.

    Parameters
    ----------
    parents : names of the parents, whose columns the function takes in this order.
    function : takes one array for each parent and gives an array ``(n,)``, row i from rows i alone. A discrete parent
        comes as int64 codes ``(n,)``, a real one as floats ``(n,)`` or, if it is a vector, ``(n, d)``. It may be called
        for any pieces of rows, from several threads.
    states : names of the states, if y is discrete: the function gives codes (integers), labels (strings) or booleans,
        which match the states False / True. Without states y is real.

    Raises
    ------
    ValueError, from a network or while rows are drawn or scored : values of another shape, codes out of range, labels
        that are no state, numbers that are not finite. TypeError : no function; values of another kind.

    Where all parents are discrete and have at most 65 536 configurations the function is called once, for all of
    them. In a network it is then a table: a CPT of zeros and ones if y is discrete, else ``values``. Only what is a
    table can be written to files and, unless the function itself can be, pickled. A function draws no random words; its
    rows are as reproducible as it is.

    Examples
    --------
    >>> import fastdgm as fd
    >>> net = fd.BayesNet({
    ...     "a": fd.Bernoulli(0.5),
    ...     "b": fd.Bernoulli(0.5),
    ...     "different": fd.Deterministic(["a", "b"], lambda a, b: a ^ b, states=["no", "yes"]),
    ... })
    >>> net["different"].table[1].tolist(), net["different"].n_parameters
    ([[0.0, 1.0], [1.0, 0.0]], 0)
    """

    __slots__ = ("function", "parent_variables", "parents", "states", "values")

    parents: tuple[str, ...]
    function: Function | None
    states: tuple[str, ...] | None
    parent_variables: tuple[Variable, ...] | None
    values: (
        npt.NDArray[np.float64] | None
    )  # (k_parent_1, ..., k_parent_m), of a real y of discrete parents in a network

    def __init__(self, parents: Sequence[str], function: Function, states: Sequence[object] | None = None) -> None:
        names = parent_names(parents)
        if not callable(function):
            raise TypeError(f"a Deterministic needs a function of its parents' columns, got {function!r}")
        listed = None if states is None else in_order(states, "states")
        self._set(names, function, None if listed is None else checked_states(listed, len(listed)), None, None)

    @classmethod
    def trusted(
        cls,
        parents: tuple[str, ...],
        function: Function | None,
        states: tuple[str, ...] | None,
        parent_variables: tuple[Variable, ...] | None = None,
        values: npt.NDArray[np.float64] | None = None,
    ) -> Self:
        """From parts that are known to be right: not checked, the array shared."""
        made = cls.__new__(cls)
        made._set(parents, function, states, parent_variables, values)
        return made

    @classmethod
    def from_parameters(
        cls, name: str, parents: Sequence[str], variable: Variable, parameters: Mapping[str, Array]
    ) -> Self:
        """The values of a real variable by the states of its parents."""
        if set(parameters) != {"values"} or isinstance(variable, Discrete):
            raise ValueError(f"{name!r} is real and has values and no other arrays, got {sorted(parameters)}")
        values = parameters["values"]
        if values.dtype != np.float64 or not np.isfinite(values).all():
            raise ValueError(f"the values of {name!r} are finite numbers of type float64, got {values.dtype}")
        names = parent_names(parents)
        if values.ndim != len(names):
            raise ValueError(
                f"the values of {name!r} have an axis for each of {len(names)} parents, got shape {values.shape}"
            )
        return cls.trusted(names, None, None, None, values)

    def _set(
        self,
        parents: tuple[str, ...],
        function: Function | None,
        states: tuple[str, ...] | None,
        parent_variables: tuple[Variable, ...] | None,
        values: npt.NDArray[np.float64] | None,
    ) -> None:
        self._keep(parents=parents, function=function, states=states, parent_variables=parent_variables, values=values)

    @property
    def variable(self) -> Variable:
        """The child: discrete if it has states, else a real number."""
        return Real() if self.states is None else Discrete(self.states)

    @property
    def n_parameters(self) -> int:
        """None: a function has nothing to learn."""
        return 0

    def bound(self, name: str, parents: Sequence[Variable]) -> Conditional:
        """As that of ``name`` in a network with these parents: a table where they are discrete and few.

        Raises ValueError and TypeError where the function's values are not what it promises.
        """
        n_states = [parent.n_states for parent in parents if isinstance(parent, Discrete)]
        check_same_parents("Deterministic", name, self.parents, self.parent_variables, parents)
        if self.values is not None:
            if self.values.shape != tuple(n_states) or len(n_states) < len(parents):
                raise ValueError(
                    f"the values of {name!r} have shape {self.values.shape}, expected {tuple(n_states)}, the numbers "
                    f"of states of its parents {list(self.parents)}"
                )
            return self.trusted(self.parents, self.function, self.states, tuple(parents), self.values)
        cells = prod(n_states) * len(self.states or (0,))
        small = prod(n_states) <= MAX_CONFIGURATIONS and cells <= MAX_CELLS and len(parents) < MAX_AXES
        if len(n_states) < len(parents) or not small:
            return self.trusted(self.parents, self.function, self.states, tuple(parents))
        result = self._every_configuration(name, n_states)
        if self.states is None:
            return self.trusted(self.parents, self.function, None, tuple(parents), result.reshape(n_states))
        table = np.eye(len(self.states))[result].reshape(*n_states, len(self.states))
        return FunctionTable.trusted(self.parents, table, self.states).bound(name, parents)

    def _every_configuration(self, name: str, n_states: Sequence[int]) -> Array:
        """The function's values, checked, for all configurations of discrete parents in the order of a table's rows."""
        columns = list(np.indices(n_states, np.int64).reshape(len(n_states), prod(n_states)))
        return self.value(name, columns, prod(n_states), np.dtype(np.float64))

    def value(self, name: str, columns: Sequence[Array], n: int, dtype: np.dtype[Any], first: int = 0) -> Array:
        """The function's values in ``n`` rows: int64 codes, or numbers of type ``dtype``.

        ``columns`` are those of the parents; ``name`` and ``first``, the number of the first row, are for errors.
        """
        assert self.function is not None
        found = np.asarray(self.function(*columns))
        if not self.parents and found.shape == ():
            found = np.full(n, found)
        if found.shape != (n,):
            raise ValueError(
                f"the function of {name!r} gives a value for each row: expected shape ({n},), got {found.shape}"
            )
        if self.states is None:
            return _finite(name, found, dtype, first)
        return _codes(name, found, self.states, first)

    def parameters(self) -> dict[str, Array]:
        """The values by the states of the parents. TypeError where there is only a function."""
        if self.values is None:
            raise TypeError(
                f"a Deterministic of {preview(self.parents)} holds a Python function, which no file can hold: only one "
                f"of discrete parents with at most {MAX_CONFIGURATIONS} configurations is a table that can be written"
            )
        return {"values": self.values}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Deterministic):
            return NotImplemented
        known = self.parent_variables is not None and other.parent_variables is not None
        if (self.parents, self.states) != (other.parents, other.states):
            return False
        if known and self.parent_variables != other.parent_variables:
            return False
        if self.values is not None and other.values is not None:
            return np.array_equal(self.values, other.values)
        return self.function is not None and self.function is other.function

    def __hash__(self) -> int:
        return hash((self.parents, self.states))

    def __reduce__(self) -> tuple[object, ...]:
        function = self.function if self.values is None else None  # most functions cannot be pickled
        return type(self).trusted, (self.parents, function, self.states, self.parent_variables, self.values)

    def __repr__(self) -> str:
        what = "values" if self.function is None else getattr(self.function, "__name__", repr(self.function))
        states = "" if self.states is None else f", states={preview(self.states)}"
        return f"Deterministic({list(self.parents)}, {what}{states})"


def _finite(name: str, found: Array, dtype: np.dtype[Any], first: int) -> Array:
    """Finite numbers of a float type."""
    if found.dtype.kind not in "biuf":
        raise TypeError(f"the function of {name!r}, a real variable, gives numbers, got {found.dtype}")
    with np.errstate(over="ignore"):  # what becomes infinite is refused
        numbers = found.astype(dtype, copy=False)
    if not np.isfinite(numbers).all():
        row = int(np.argmin(np.isfinite(numbers)))
        raise ValueError(
            f"the function of {name!r} gives finite numbers of type {dtype}: row {first + row} is {found[row]}"
        )
    return numbers


def _codes(name: str, found: Array, states: tuple[str, ...], first: int) -> Array:
    """Codes, labels or booleans as int64 codes."""
    if found.dtype.kind == "b":
        found = np.where(found, "True", "False")
    if found.dtype.kind in "UO":
        return _codes_of_labels(name, found, states, first)
    if found.dtype.kind not in "iu":
        raise TypeError(
            f"the function of {name!r}, which has states, gives codes (integers), labels or booleans, got "
            f"{found.dtype}; leave out states= if its values are real numbers"
        )
    wrong = (found < 0) | (found >= len(states))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"the function of {name!r} gives codes from 0 to {len(states) - 1}: row {first + row} is {found[row]}"
        )
    return found.astype(np.int64)


def _codes_of_labels(name: str, found: Array, states: tuple[str, ...], first: int) -> Array:
    code = {state: k for k, state in enumerate(states)}
    codes = np.array([code.get(label, -1) if isinstance(label, str) else -1 for label in found.tolist()], np.int64)
    if (codes < 0).any():
        _refuse_label(name, found, states, codes, first)
    return codes


def _refuse_label(name: str, found: Array, states: tuple[str, ...], codes: Array, first: int) -> NoReturn:
    row = int(np.argmin(codes))
    raise ValueError(
        f"the function of {name!r} gives one of its states {preview(states)}: "
        f"row {first + row} is {found.tolist()[row]!r}"
    )
