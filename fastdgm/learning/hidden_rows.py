"""Training data in which discrete variables are hidden: what EM learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..data.boundary import columns_of
from ..data.columns import table_columns
from ..data.empty_cells import filled
from ..data.labels import missing_value
from ..data.learnt_variables import infer_variables
from ..data.partial import PartialRows, as_partial_rows, holds_reals_alone
from ..data.samples import Samples
from ..data.schema import Schema
from ..data.variables import Discrete, Real, Variable
from ..errors import MissingValuesError, UnknownNameError

Variables = Mapping[str, Variable]


def is_all_discrete(known: Variables, names: Sequence[str]) -> bool:
    """Whether all variables of a network are known to be discrete."""
    return all(isinstance(known.get(name), Discrete) for name in names)


def absent_variables(data: Any, known: Variables, names: Sequence[str]) -> list[str]:
    """The variables of which data say nothing, in networks that are not known to be of discrete ones only; else none.

    An array as wide as the real variables holds these.
    """
    if isinstance(data, Samples) or is_all_discrete(known, names):
        return []
    if isinstance(data, Mapping):
        absent = [name for name in names if not has_column(data, name)]
        return absent if len(absent) < len(names) else []
    if any(name not in known for name in names) or not holds_reals_alone(data, Schema(known)):
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


def hidden_rows(data: Any, known: Variables, names: Sequence[str]) -> PartialRows:
    """The rows of data with values missing.

    Raises UnknownNameError (a KeyError) for variables that cannot be absent, MissingValuesError where all are discrete.
    """
    absent = absent_variables(data, known, names)
    for name in absent:
        if not isinstance(known.get(name), Discrete):
            raise _no_column(name)
    variables = {**known, **_undeclared(data, known, [name for name in names if name not in absent])}
    rows = as_partial_rows(data, Schema({name: variables[name] for name in names}))
    if rows.schema.is_discrete:
        raise _no_column(absent[0]) if absent else _first_missing(rows)
    _check_reals(rows)
    return rows


def _undeclared(data: Any, known: Variables, present: Sequence[str]) -> Variables:
    """Variables that nobody declared, by what their columns hold: missing values have reals only.

    Raises MissingValuesError for states, because the rows that lack them may be the ones of another state.
    """
    unknown = [name for name in present if name not in known]
    if not unknown:
        return {}
    columns = table_columns(columns_of(data, present, Schema(known).vectors), present)
    columns = {own: column for own, column in columns.items() if own in present or own not in known}
    empty = {}
    for name in unknown:
        if name in columns:
            columns[name], empty[name] = filled(columns[name])
    variables = infer_variables(columns, {name: known[name] for name in present if name in known}, present)
    for name, rows in empty.items():
        if rows.any() and isinstance(variables[name], Discrete):
            raise missing_value(name, int(np.argmax(rows)))
    return variables


def _no_column(name: str) -> UnknownNameError:
    return UnknownNameError(
        f"columns are matched by name: the data has no column {name!r}; beside real variables only discrete ones whose "
        "states are declared can be hidden, others never"
    )


def _first_missing(rows: PartialRows) -> MissingValuesError:
    """The error for missing values in a network that has turned out to be of discrete variables only."""
    row, missing = next(iter(rows.missing.items()))
    return missing_value(list(rows.schema.cell_states)[row], 0 if missing is None else int(np.argmax(missing)))


def _check_reals(rows: PartialRows) -> None:
    """ValueError for a real variable without a value in any row: nothing can be learnt of it."""
    for name, variable in rows.schema.variables.items():
        if isinstance(variable, Real):
            first = rows.schema.n_codes + rows.schema.rows[name]
            if any(rows.missing.get(cell, first) is None for cell in range(first, first + variable.size)):
                raise ValueError(f"only discrete variables can be hidden from fit: {name!r} is real and has no values")
