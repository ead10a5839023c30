"""What a mapping of known values says: scalars, sets of allowed states, likelihoods, columns."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import UnknownNameError
from ..runtime.text import did_you_mean, preview
from .column_pieces import is_missing
from .evidence import state_code
from .labels import Column
from .likelihoods import Likelihood, likelihood_of
from .placement import as_array
from .schema import Schema

Array = npt.NDArray[Any]


class GivenValues(NamedTuple):
    """What a mapping says, by the number of the variable."""

    codes: dict[int, int]  # of all rows
    likelihoods: dict[int, Likelihood]
    columns: dict[str, Any]  # by name, not looked into yet


def given_values(given: Mapping[Any, Any], schema: Schema, option: str) -> GivenValues:
    """What is the same in all rows, and the columns of what is not. Raises as ``given_evidence``."""
    known = GivenValues({}, {}, {})
    for name, value in given.items():
        if name not in schema.states:
            hint = did_you_mean(str(name), schema.names)
            raise UnknownNameError(f"{option}: no variable {name!r}; the network has {preview(schema.names)}{hint}")
        row, variable = schema.rows[name], Column(name, schema.states[name])
        found = likelihood_of(value)
        if found is not None and found.ndim == 1:
            known.likelihoods[row] = Likelihood(variable, found)
        elif isinstance(value, list | tuple | Set):
            allowed = _allowed(variable, list(value), option)
            if allowed.sum() == 1:
                known.codes[row] = int(allowed.argmax())
            elif not allowed.all():
                known.likelihoods[row] = Likelihood(variable, allowed.astype(np.float64))
        elif is_column(value):
            known.columns[name] = value
        else:
            known.codes[row] = _code(variable, value, option)
    return known


def is_per_row(given: Any, schema: Schema) -> bool:
    """Whether known values are rows, or a mapping in which some variable has a value, or a likelihood, for each row.

    Arrays that are a value of a vector or of a real variable are none.
    """
    if not isinstance(given, Mapping):
        return True
    return any(
        is_column(value) for name, value in given.items() if name in schema.states and name not in schema.vectors
    )


def is_column(value: Any) -> bool:
    """Whether a value is one for each row, and not a scalar, allowed states or a likelihood."""
    if isinstance(value, str | bytes | list | tuple | Set | Mapping) or not hasattr(value, "__len__"):
        return False
    likelihood = likelihood_of(value)
    return getattr(value, "ndim", 1) > (0 if likelihood is None else 1)


def _allowed(variable: Column, values: list[Any], option: str) -> npt.NDArray[np.bool_]:
    """Which states a list names (k,)."""
    allowed = np.zeros(len(variable.states), bool)
    if not values:
        raise ValueError(f"{option}: some state of {variable.name!r} is allowed, got an empty list")
    for value in values:
        if isinstance(value, float | np.floating) and not is_missing(value):
            raise ValueError(
                f"{option}: a list holds the codes or labels of allowed states, that of {variable.name!r} has the "
                f"float {value}; a likelihood is an array: np.array([...])"
            )
        allowed[_code(variable, value, option)] = True
    return allowed


def _code(variable: Column, value: Any, option: str) -> int:
    """The code of a scalar."""
    value = as_array(value)
    value = value.item() if isinstance(value, np.ndarray) and not value.ndim else value
    if is_missing(value):
        raise UnknownNameError(
            f"{option}: {value!r} is no state of {variable.name!r}, leave a variable out where nothing is known of it"
        )
    if isinstance(value, list | tuple | Set | Mapping):
        raise ValueError(
            f"{option}: allowed states of {variable.name!r} are a list of codes or labels, got {value!r:.60}"
        )
    return state_code(variable.name, value, variable.states, option)
