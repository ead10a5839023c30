"""Training data in which discrete variables are hidden: what EM learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..data.boundary import columns_of
from ..data.columns import table_columns
from ..data.empty_cells import filled
from ..data.learnt_variables import infer_variables
from ..data.partial import PartialRows, holds_reals_alone
from ..data.samples import Samples
from ..data.schema import Schema
from ..data.variables import Discrete, Real, Variable
from ..errors import UnknownNameError
from .counts import UnknownLabels
from .dropped_rows import Dropped, known_partial_rows

Variables = Mapping[str, Variable]


def absent_variables(data: Any, known: Variables, names: Sequence[str]) -> list[str]:
    """The variables of which data say nothing: columns that a table lacks, if it has any.

    An array as wide as the real variables holds these.
    """
    if isinstance(data, Samples):
        return []
    if isinstance(data, Mapping):
        absent = [name for name in names if not has_column(data, name)]
        return absent if len(absent) < len(names) else []
    if all(isinstance(known.get(name), Discrete) for name in names) or any(name not in known for name in names):
        return []
    if not holds_reals_alone(data, Schema(known)):
        return []
    return [name for name in names if isinstance(known[name], Discrete)]


def has_column(data: Mapping[Any, Any], name: str) -> bool:
    """Whether a table has the column of a variable, or of any number of a vector."""
    return name in data or any(isinstance(own, str) and own.startswith(f"{name}[") for own in data)


def refuse_ignored_labels(y: Any) -> None:
    """ValueError for labels beside data in which variables are hidden: they would be learnt as if there were none."""
    if y is not None:
        raise ValueError(
            "y is ignored, but some variables are hidden from the data, which may be the ones that y has the labels "
            'of: pass them as a column, as in fit({"a": X[:, 0], "b": X[:, 1], "y": y}), or leave y out to learn '
            "hidden variables by EM"
        )


def hidden_rows(
    data: Any, known: Variables, names: Sequence[str], unknown: UnknownLabels
) -> tuple[PartialRows, Dropped | None]:
    """The rows of data with values missing, and which were left out for labels that are no states.

    States that were not declared are those of the values that are there. Raises UnknownNameError (a KeyError) for
    variables that cannot be absent, ValueError for undeclared ones without any value.
    """
    absent = absent_variables(data, known, names)
    for name in absent:
        if not isinstance(known.get(name), Discrete):
            raise _no_column(name)
    variables = {**known, **_undeclared(data, known, [name for name in names if name not in absent])}
    rows, dropped = known_partial_rows(data, Schema({name: variables[name] for name in names}), unknown)
    _check_reals(rows)
    return rows, dropped


def _undeclared(data: Any, known: Variables, present: Sequence[str]) -> Variables:
    """Variables that nobody declared, by what their columns hold where they hold anything."""
    unknown = [name for name in present if name not in known]
    if not unknown:
        return {}
    columns = table_columns(columns_of(data, present, Schema(known).vectors), present)
    columns = {own: column for own, column in columns.items() if own in present or own not in known}
    for name in unknown:
        if name in columns:
            columns[name] = _where_known(name, columns[name])
    return infer_variables(columns, {name: known[name] for name in present if name in known}, present)


def _where_known(name: str, column: Any) -> Any:
    """A column with one of its values where it has none. ValueError where it has none at all."""
    column, empty = filled(column)
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        found = np.isnan(column)
        if not found.all():
            column = np.where(found, column[int(np.argmin(found))], column)
        empty = empty | found
    if len(empty) and empty.all():
        raise ValueError(
            f"column {name!r} has no values: name its states, as in from_edges(..., states=...), if it is hidden, or "
            "leave it out of the network"
        )
    return column


def _no_column(name: str) -> UnknownNameError:
    return UnknownNameError(
        f"columns are matched by name: the data has no column {name!r}; only discrete variables whose states are "
        "declared, as in from_edges(..., states=...), can be hidden in all rows"
    )


def _check_reals(rows: PartialRows) -> None:
    """ValueError for a real variable without a value in any row: nothing can be learnt of it."""
    for name, variable in rows.schema.variables.items():
        if isinstance(variable, Real):
            first = rows.schema.n_codes + rows.schema.rows[name]
            if any(rows.missing.get(cell, first) is None for cell in range(first, first + variable.size)):
                raise ValueError(f"only discrete variables can be hidden from fit: {name!r} is real and has no values")
