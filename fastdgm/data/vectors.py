"""Vector variables in tables: a column of vectors, or a column for each of their numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

import numpy.typing as npt

from .labels import Column, codes_in_range
from .variables import Discrete, Variable

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Elements:
    """The columns of the numbers of a vector, in order; None for one that is absent."""

    columns: Sequence[Any]


def element_names(name: str, size: int) -> tuple[str, ...]:
    """The columns of a vector variable where there is a column for every number.

    Examples
    --------
    >>> element_names("x", 3)
    ('x[0]', 'x[1]', 'x[2]')
    """
    return tuple(f"{name}[{i}]" for i in range(size))


def cells_of_variable(name: str, variable: Variable) -> tuple[str, ...]:
    """The names of the cells of a variable: its own, or those of the elements of a vector."""
    return element_names(name, variable.size) if variable.event_shape else (name,)


def cells_in_range(codes: Array, name: str, variable: Discrete) -> Array:
    """The codes of a variable (size, n) as they are; ValueError that names the first that is neither a state's nor
    missing."""
    if codes.max(initial=0) >= variable.n_states:
        for cell, own in zip(cells_of_variable(name, variable), codes, strict=True):
            codes_in_range(own, Column(cell, variable.states))
    return codes


def cell_names(names: Sequence[str], vectors: Mapping[str, int]) -> tuple[str, ...]:
    """Names of the columns where there is a column for every number; ``vectors`` says which variables have several.

    Raises ValueError where two are the same.

    Examples
    --------
    >>> cell_names(["z", "x"], {"x": 2})
    ('z', 'x[0]', 'x[1]')
    """
    cells = [cell for name in names for cell in (element_names(name, vectors[name]) if name in vectors else (name,))]
    if len(set(cells)) < len(cells):
        twice = next(cell for i, cell in enumerate(cells) if cell in cells[:i])
        raise ValueError(f"column names must be distinct, {twice!r} is a variable and a number of a vector")
    return tuple(cells)


def with_vectors(columns: dict[str, Any], vectors: Mapping[str, int], partial: bool = False) -> dict[str, Any]:
    """The same columns, those of the numbers of a vector together under its name; with ``partial`` some may be absent.

    Examples
    --------
    >>> with_vectors({"x[0]": [1], "z": [0], "x[1]": [2]}, {"x": 2})
    {'z': [0], 'x': Elements(columns=([1], [2]))}
    """
    columns = dict(columns)
    for name, size in vectors.items():
        own = [element for element in element_names(name, size) if element in columns]
        if name not in columns and (len(own) == size or (own and partial)):
            columns[name] = Elements(tuple(columns.pop(element, None) for element in element_names(name, size)))
    return columns


def sizes_of_vectors(columns: Mapping[str, Any], names: Collection[str]) -> dict[str, int]:
    """Which of the named variables a table has as vectors, and their sizes: by arrays of two axes, or by columns of
    their numbers.

    Examples
    --------
    >>> sizes_of_vectors({"x[0]": [1], "x[1]": [2], "z": [0]}, ["x", "z"])
    {'x': 2}
    """
    sizes: dict[str, int] = {}
    for name in names:
        if name in columns:
            if getattr(columns[name], "ndim", 1) == 2:
                sizes[name] = int(columns[name].shape[1])
        elif found := list(takewhile(columns.__contains__, map(f"{name}[{{}}]".format, count()))):
            sizes[name] = len(found)
    return sizes
