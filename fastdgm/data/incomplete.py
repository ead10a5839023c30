"""The error where complete rows are needed: how many values are missing, of which variables, and the first."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import MissingValuesError
from .partial import PartialRows, as_partial_rows
from .schema import Schema
from .vectors import cells_of_variable

SHOWN = 5  # variables whose missing values are counted in an error


def incomplete_rows(data: Any, schema: Schema, what: str) -> MissingValuesError:
    """The error of an operation for rows that have missing values.

    Examples
    --------
    >>> from fastdgm.data.variables import Discrete
    >>> schema = Schema({"a": Discrete(("n", "y")), "b": Discrete(("n", "y"))})
    >>> print(incomplete_rows({"a": [0, None, None], "b": [None, 1, 1]}, schema, "per_variable=True"))
    per_variable=True needs complete rows: 3 values are missing (2 of 'a', 1 of 'b'), the first is 'b' in row 0
    """
    rows = as_partial_rows(data, schema)
    cells = missing_cells(rows)
    counts = {name: n for name, n in cells.items() if n}
    row, at = min((0 if own is None else int(np.argmax(own)), at) for at, own in rows.missing.items())
    first = list(cells)[at]
    shown = [f"{n} of {name!r}" for name, n in list(counts.items())[:SHOWN]] + ["..."] * (len(counts) > SHOWN)
    total = sum(counts.values())
    return MissingValuesError(
        f"{what} needs complete rows: {total} value{'s are' if total > 1 else ' is'} missing ({', '.join(shown)}), the "
        f"first is {first!r} in row {row}"
    )


def missing_cells(rows: PartialRows) -> dict[str, int]:
    """How many values of each variable, or cell of a vector, are missing; discrete ones come first."""
    schema = rows.schema
    reals = [cell for name in schema.real_names for cell in cells_of_variable(name, schema.variables[name])]
    counts = dict.fromkeys([*schema.cell_states, *reals], 0)
    for at, name in enumerate(counts):
        if at in rows.missing:
            own = rows.missing[at]
            counts[name] = rows.n if own is None else int(np.count_nonzero(own))
    return counts
