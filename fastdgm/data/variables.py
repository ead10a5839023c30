"""What a variable is: the values that it takes, and how arrays hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..runtime.arrays import code_type

MAX_STATES = 65_535


@dataclass(frozen=True, slots=True)
class Discrete:
    """A variable with named states, or a vector of such; arrays hold codes, code k being the k-th state.

    Examples
    --------
    >>> rain = Discrete(("no", "yes"))
    >>> rain.n_states, rain.dtype
    (2, dtype('uint8'))
    >>> Discrete(("black", "white"), (28, 28)).size
    784
    """

    states: tuple[str, ...]
    event_shape: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """How many codes a value is."""
        return prod(self.event_shape)

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.states)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the codes: uint8 up to 256 states, uint16 beyond. Its largest number marks a missing value."""
        return code_type(self.n_states)


@dataclass(frozen=True, slots=True)
class Real:
    """A variable whose values are real numbers, or vectors of them; arrays hold float32 or float64, NaN being missing.

    Examples
    --------
    >>> Real().size, Real((3,)).size
    (1, 3)
    """

    event_shape: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """How many real numbers a value is."""
        return prod(self.event_shape)


Variable = Discrete | Real  # the kinds there are


def in_order(values: object, what: str) -> tuple[Any, ...]:
    """The members of a list of names; TypeError for a string, a set (its order changes from run to run) or no list."""
    if isinstance(values, str):
        raise TypeError(f"{what} must be a list of names, got the string {values!r}: write [{values!r}]")
    if isinstance(values, set | frozenset):
        raise TypeError(f"{what} must be a list of names, because their order counts, got the set {values!r}")
    if not isinstance(values, Iterable):
        raise TypeError(f"{what} must be a list of names, got {values!r}")
    return tuple(values)


def checked_states(states: Sequence[object] | None, n_states: int) -> tuple[str, ...]:
    """State names as strings: distinct, as many as the table has columns."""
    if states is None:
        return tuple(map(str, range(n_states)))
    listed = in_order(states, "states")
    names = listed if all(type(state) is str for state in listed) else tuple(map(str, listed))  # one tuple for many
    if not 1 <= len(names) <= MAX_STATES:
        raise ValueError(f"a variable has 1 to {MAX_STATES} states, got {len(names)}")
    if len(names) != n_states:
        raise ValueError(f"the table has {n_states} columns but {len(names)} states are named: {list(names)[:10]}")
    if len(set(names)) < len(names):
        duplicate = next(name for i, name in enumerate(names) if name in names[:i])
        raise ValueError(f"state names must be distinct, got {duplicate!r} twice")
    return names
