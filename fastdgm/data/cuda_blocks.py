"""Rows on a GPU as the twins read them: codes and reals by column."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import MissingValuesError
from .labels import missing_value
from .schema import Schema
from .vectors import cells_of_variable


class CudaPart(NamedTuple):
    """Rows of a block on a GPU; all arrays are numba's, in C order."""

    codes: Any  # (n_codes, n), of the network's code type
    reals: Any  # (n_reals, n)


class CudaBlock(NamedTuple):
    """Rows of the variables of a network on a GPU, whose codes are in range and whose reals are finite.

    Where values are missing codes are ``missing_code(part.codes.dtype)``, of a type that has one more code than there
    are states (uint16 for 256 of them), and reals are NaN.
    """

    n: int
    schema: Schema
    part: CudaPart
    first_missing: tuple[int, int] | None = None  # a row, and the number of a cell: codes come before reals

    @property
    def has_missing(self) -> bool:
        """Whether there are missing values."""
        return self.first_missing is not None

    def refuse_missing(self, what: str | None = None) -> None:
        """MissingValuesError that names the first missing value, if there is one, and ``what`` needs complete rows."""
        if self.first_missing is None:
            return
        row, cell = self.first_missing
        name = cell_owners(self.schema)[cell]
        if what is None:
            raise missing_value(name, row)
        raise MissingValuesError(f"{what} needs complete rows: the first missing value is {name!r} in row {row}")


def cell_owners(schema: Schema) -> list[str]:
    """Names of the cells of a row: of codes, then of reals.

    Examples
    --------
    >>> from fastdgm.data.variables import Discrete, Real
    >>> cell_owners(Schema({"x": Real((2,)), "z": Discrete(("a", "b"))}))
    ['z', 'x[0]', 'x[1]']
    """
    reals = [cell for name in schema.real_names for cell in cells_of_variable(name, schema.variables[name])]
    return [*schema.cell_states, *reals]
