"""The variables of a network, and where each is in blocks of codes and of reals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from ..runtime.arrays import code_type
from ..runtime.lazy import cached_property
from .variables import Discrete, Variable
from .vectors import cell_names, cells_of_variable

Array = npt.NDArray[Any]


class Values(NamedTuple):
    """Rows by column: those of discrete variables as codes, those of real ones as numbers."""

    codes: Array  # (n_codes, n), uint8 or uint16
    reals: Array  # (n_reals, n), float32 or float64


class Schema:
    """Variables in the order of declaration: discrete ones are rows of a block of codes, real ones of a block of reals.

    ``rows`` says at which row of its block a variable begins; a vector takes as many rows as it has codes or numbers.

    Examples
    --------
    >>> from fastdgm.data.variables import Real
    >>> schema = Schema({"z": Discrete(("a", "b")), "x": Real((2,)), "y": Discrete(("c",)), "u": Real()})
    >>> schema.rows, schema.n_codes, schema.n_reals
    ({'z': 0, 'x': 0, 'y': 1, 'u': 2}, 2, 3)
    """

    def __init__(self, variables: Mapping[str, Variable]) -> None:
        self.variables: dict[str, Variable] = dict(variables)
        self.states: dict[str, tuple[str, ...]] = {}  # of a discrete vector those of each of its codes
        self.cell_states: dict[str, tuple[str, ...]] = {}  # by row of the block of codes; those of vectors as "x[0]"
        self.sizes: dict[str, int] = {}  # how many numbers each real variable is
        self.rows: dict[str, int] = {}
        self.n_codes: int = 0
        self.n_reals: int = 0
        self.has_discrete_vectors: bool = False
        for name, variable in self.variables.items():
            if isinstance(variable, Discrete):
                self.states[name] = variable.states
                self.rows[name] = self.n_codes
                self.cell_states |= dict.fromkeys(cells_of_variable(name, variable), variable.states)
                self.has_discrete_vectors |= bool(variable.event_shape)
                self.n_codes += variable.size
            else:
                self.sizes[name] = variable.size
                self.rows[name] = self.n_reals
                self.n_reals += variable.size
        self.code_dtype: np.dtype[Any] = code_type(max(map(len, self.states.values()), default=1))

    @property
    def names(self) -> tuple[str, ...]:
        """All variables, in the order of declaration."""
        return tuple(self.variables)

    @property
    def code_names(self) -> tuple[str, ...]:
        """The discrete variables, in the order of the rows of codes."""
        return tuple(self.states)

    @cached_property
    def code_owners(self) -> list[str]:
        """The discrete variable of every row of the block of codes."""
        return [name for name in self.states for _ in range(self.variables[name].size)]

    @property
    def real_names(self) -> tuple[str, ...]:
        """The real variables, in the order of the rows of reals."""
        return tuple(self.sizes)

    @property
    def vectors(self) -> dict[str, int]:
        """The variables that are vectors, and their sizes."""
        return {name: own.size for name, own in self.variables.items() if own.event_shape}

    @property
    def event_shapes(self) -> dict[str, tuple[int, ...]]:
        """The variables that are vectors, and their shapes."""
        return {name: own.event_shape for name, own in self.variables.items() if own.event_shape}

    @property
    def cell_names(self) -> tuple[str, ...]:
        """The columns of an array of rows, one for each number of a vector: ``x[0]``, ``x[1]``.

        Raises ValueError where two have the same name.
        """
        return cell_names(self.names, self.vectors)

    @property
    def is_discrete(self) -> bool:
        """Whether all variables are."""
        return not self.sizes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and list(self.variables.items()) == list(other.variables.items())

    __hash__: ClassVar[None] = None  # type: ignore[assignment]


def values_of(values: Values, schema: Schema, chosen: Schema) -> Values:
    """The blocks of some variables of a schema, copied, of the types that all of them have."""
    codes = [row for name in chosen.states for row in _rows_of(schema, name)]
    reals = [row for name in chosen.sizes for row in _rows_of(schema, name)]
    return Values(values.codes[codes], values.reals[reals])


def _rows_of(schema: Schema, name: str) -> range:
    """Of the block that a variable is in."""
    return range(schema.rows[name], schema.rows[name] + schema.variables[name].size)
