"""Variables that nobody declared, by what the columns of a table hold: states of discrete ones, or real numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from ..errors import MissingValuesError
from .column_pieces import column_pieces
from .columns import matched_columns, table_columns
from .labels import Codes, Column, Labels, Piece, bad_code, check_distinct, missing_value, whole_numbers
from .placement import as_array
from .variables import MAX_STATES, Discrete, Real, Variable
from .vectors import sizes_of_vectors

_CODES_RULE = "integers in a column whose states are not known are codes, which start at 0 and are never negative"
_NAME_THEM = (
    'for states that are integers pass labels, as column.astype("category") makes them, '
    "or name the states, as in from_edges(..., states=...); for real numbers, from_edges(..., real=[...])"
)


def infer_variables(data: Any, known: Mapping[str, Variable], names: Iterable[str]) -> dict[str, Variable]:
    """Variables of a table: those known, and for the others what the data's columns say.

    A column of floats of which any is fractional is real, a column of vectors of floats is a real vector. Whole floats
    and integers are codes: ``"0"`` to the largest.

    *Ordered* categoricals (pandas, Arrow; polars Enum; Samples) keep their order. Any other labels are sorted, by value
    where all of them are numbers; unused categories are states where the column's type lists them (pandas and Arrow do,
    polars' Categorical does not). polars knows the order of what polars or Samples wrote, and forgets that of ordered
    dictionaries of any other origin. ``("False", "True")`` for booleans. Empty labels without an order are missing
    values: cells of a CSV file.

    Raises as :class:`TableReader`, and ValueError for negative integers or none that is 0, for a column of no rows,
    for labels of one name (1 and "1"), for chunks that contradict each other's order and for more than 65 535 states.

    Examples
    --------
    >>> found = infer_variables({"rain": [0, 2], "wet": ["yes", "no"], "mm": [0.5, 3.0]}, {}, ["rain", "wet", "mm"])
    >>> found["rain"].states, found["wet"].states, found["mm"]
    (('0', '1', '2'), ('no', 'yes'), Real(event_shape=()))
    """
    names = tuple(names)
    vectors = {name: own.event_shape for name, own in known.items() if own.event_shape}
    unknown = [name for name in names if name not in known]
    table = table_columns(data, names)
    refuse_undeclared_vectors(table, unknown)
    vectors |= {name: (size,) for name, size in sizes_of_vectors(table, unknown).items()}
    columns, _ = matched_columns(data, names, vectors)
    found = {
        name: Real(vectors[name]) if name in vectors else inferred(name, list(column_pieces(name, columns[name])))
        for name in unknown
    }
    return {name: known[name] if name in known else found[name] for name in names}


def refuse_undeclared_vectors(table: Mapping[str, Any], unknown: Iterable[str]) -> None:
    """ValueError for arrays of codes or labels with several axes, and of numbers with more than two."""
    for name in unknown:
        column = as_array(table.get(name))
        column = column.values if isinstance(column, Labels) else column  # of Samples
        n_axes, dtype = getattr(column, "ndim", 1), getattr(column, "dtype", None)
        if n_axes > 2 or (n_axes == 2 and getattr(dtype, "kind", "f") != "f"):
            raise ValueError(
                f"column {name!r} has {n_axes} axes and type {dtype}: what is learnt without being declared is a "
                "variable of states, or a number or a real vector (n_rows, size) of floats, which "
                "column.astype(float).reshape(len(column), -1) makes; vectors of states are declared by their "
                "conditional, as in fd.Neural(..., event_shape=...)"
            )


def inferred(name: str, parts: Sequence[Piece]) -> Variable:
    """What the pieces of a column say that it is, as ``infer_variables`` has it."""
    if any(isinstance(part, Codes) and has_fractions(part) for part in parts):
        return Real()
    return Discrete(_states(name, parts))


def has_fractions(part: Codes) -> bool:
    """Whether a finite number is not whole."""
    values = part.values
    return values.dtype.kind == "f" and bool(np.any(np.isfinite(values) & (np.trunc(values) != values)))


def _states(name: str, parts: Iterable[Piece]) -> tuple[str, ...]:
    found: dict[str, object] = {}  # labels by name, as they came
    ordered = True
    smallest, n_codes = MAX_STATES, 0
    row = 0
    for part in parts:
        if isinstance(part, Labels):
            check_complete(name, part, row)
            _add_labels(name, part, found)
            ordered = ordered and part.ordered
        elif len(part):
            first, last = code_range(name, part, row)
            smallest, n_codes = min(smallest, first), max(n_codes, last + 1)
        row += len(part)
    if not found and n_codes == 0:
        raise ValueError(f"the states of {name!r} are not known, and cannot be learnt from a column of no rows")
    if not found and smallest > 0:
        raise ValueError(f"{_CODES_RULE}: the smallest of column {name!r} is {smallest}; {_NAME_THEM}")
    n_states = len(found) or n_codes
    if n_states > MAX_STATES:
        raise ValueError(f"a variable has at most {MAX_STATES} states, column {name!r} has {n_states}")
    return tuple((found if ordered else _sorted(found)) if found else map(str, range(n_codes)))


def code_range(name: str, part: Codes, first_row: int) -> tuple[int, int]:
    """The smallest and the largest code; negative and absurdly large ones are refused."""
    values = whole_numbers(part.values, name, first_row)
    marker = -1 if values.dtype.kind == "i" else np.iinfo(values.dtype).max  # of a missing value
    wrong = (values < 0) | (values == marker)
    if wrong.any():
        row = int(wrong.argmax())
        came = f"column {name!r}, row {first_row + row} is {values[row]}"
        if values[row] == marker:
            raise MissingValuesError(
                f"{_CODES_RULE}; in {values.dtype} {marker} is a missing value: {came}; missing values are not "
                f"supported yet by this operation, drop or fill such rows first; {_NAME_THEM}"
            )
        raise ValueError(f"{_CODES_RULE}: {came}; {_NAME_THEM}")
    row = int(values.argmax())
    if values[row] >= MAX_STATES:
        raise bad_code(Column(name, tuple(map(str, range(MAX_STATES)))), first_row + row, values[row])
    return int(values.min()), int(values[row])


def _add_labels(name: str, part: Labels, found: dict[str, object]) -> None:
    """Add the labels of a piece to those found; an order that a type has must be that of all of its pieces."""
    check_distinct(name, part.labels)
    own: dict[str, object] = {}
    for label in part.labels:
        if label is None or (label == "" and not part.ordered):  # empty cells, as pyarrow reads them from CSV files
            continue
        own.setdefault(str(label), label)
    for label_name, label in own.items():
        found.setdefault(label_name, label)
    if part.ordered and [label_name for label_name in found if label_name in own] != list(own):
        raise ValueError(
            f"the order of categories is the same in all chunks of a column, those of column {name!r} contradict each "
            "other: name the states, as in from_edges(..., states=...)"
        )


def _sorted(found: Mapping[str, object]) -> list[str]:
    """Names of labels, by value where all labels are numbers (1, 2, ... 10) and by name otherwise."""
    if all(isinstance(label, int | float) for label in found.values()):
        return sorted(found, key=lambda name: cast("float", found[name]))
    return sorted(found)


def check_complete(name: str, part: Labels, first_row: int) -> None:
    """MissingValuesError where a label is missing."""
    missing = part.values < 0
    if missing.any():
        raise missing_value(name, first_row + int(missing.argmax()))
