"""Known values of a row, checked."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ..errors import UnknownNameError
from ..runtime.text import did_you_mean, preview
from .cuda_arrays import refuse_on_cpu
from .labels import codes_are_ambiguous, label_code
from .placement import as_array
from .schema import Schema
from .vector_pieces import elements
from .vectors import element_names


class Known(NamedTuple):
    """Values of some variables."""

    codes: Mapping[str, int]  # of discrete variables
    reals: Mapping[int, float]  # by row of the block of reals
    names: frozenset[str]
    cells: Mapping[int, int] = MappingProxyType({})  # of discrete vectors, by row of the block of codes


def known_values(values: Any, schema: Schema, option: str = "given") -> Known:
    """Known values of a network's variables: codes or labels of discrete ones, numbers, sequences of those for vectors.

    Raises UnknownNameError for other variables and labels, ValueError for what is no value of a variable.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"{option} is a mapping from variables to values, got {values!r:.60}")
    codes: dict[str, int] = {}
    reals: dict[int, float] = {}
    cells: dict[int, int] = {}
    for name, value in values.items():
        if name in schema.sizes:
            numbers = _numbers(name, value, schema.variables[name].event_shape, option)
            reals.update(enumerate(numbers, schema.rows[name]))
        elif name in schema.states and (shape := schema.variables[name].event_shape):
            own = _cells(name, value, shape, schema.states[name], option)
            cells.update(enumerate(own, schema.rows[name]))
        elif name in schema.states:
            codes[name] = state_code(name, value, schema.states[name], option)
        else:
            hint = did_you_mean(str(name), schema.names)
            raise UnknownNameError(f"no variable {name!r}; the network has {preview(schema.names)}{hint}")
    return Known(codes, reals, frozenset(values), cells)


def _numbers(name: str, value: Any, shape: tuple[int, ...], option: str) -> list[float]:
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "iuf":
            raise TypeError
    except (TypeError, ValueError):
        raise ValueError(f"{option}: {name!r} is real, got {value!r:.60}") from None
    if array.shape not in (shape, (prod(shape),) * bool(shape)):
        what = _vector_of(shape, "numbers") if shape else "one number"
        raise ValueError(f"{option}: a value of {name!r} is {what}, got {value!r:.60}")
    if not np.isfinite(array).all():
        raise ValueError(f"{option}: values are finite, got {value!r:.60} of {name!r}")
    return [float(number) for number in array.reshape(-1)]


def _cells(name: str, value: Any, shape: tuple[int, ...], states: tuple[str, ...], option: str) -> list[int]:
    """The codes of a discrete vector; whole floats are codes, as in data."""
    own = elements(as_array(value), shape)
    if own is None or len(own) != prod(shape):
        what = _vector_of(shape, "codes or labels")
        raise ValueError(f"{option}: a value of {name!r} is {what}, got {value!r:.60}")
    whole = [int(cell) if isinstance(cell, float | np.floating) and cell.is_integer() else cell for cell in own]
    return [
        state_code(cell_name, cell, states, option)
        for cell_name, cell in zip(element_names(name, len(whole)), whole, strict=True)
    ]


def _vector_of(shape: tuple[int, ...], what: str) -> str:
    return f"{prod(shape)} {what}" + (f", as {' x '.join(map(str, shape))} or flat" if len(shape) > 1 else "")


def state_code(name: str, value: Any, own: tuple[str, ...], option: str) -> int:
    """The code of a code or label. ValueError for a code out of range, UnknownNameError for what is no state."""
    refuse_on_cpu(value, f"{option}= of {name!r}")
    if isinstance(value, list | tuple | set | frozenset | Mapping) or np.ndim(value):
        raise ValueError(f"{option}: {name!r} has one state, not several, got {value!r:.60}")
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        if codes_are_ambiguous(own):
            raise ValueError(f"{option}: {value} of {name!r} could be a code or one of {preview(own)}: give a string")
        if not 0 <= value < len(own):
            raise ValueError(f"{option}: codes of {name!r} run from 0 to {len(own) - 1}, got {value}")
        return int(value)
    code = label_code(value, {state: k for k, state in enumerate(own)})
    if code < 0:
        hint = did_you_mean(str(value), own)
        raise UnknownNameError(f"{option}: {value!r:.60} is no state of {name!r}, they are {preview(own)}{hint}")
    return code
