"""How parents enter a weighted sum: as columns of numbers, and what is checked of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.variables import Discrete, Variable, checked_states, in_order
from ..runtime.text import preview
from .base import check_parent_states, states_of

Floats = npt.NDArray[np.float64]
BINARY = ("False", "True")


def n_columns(parent: Variable) -> int:
    """Of one parent: an indicator for each state but the first, or the numbers of a real one."""
    return parent.n_states - 1 if isinstance(parent, Discrete) else parent.size


def first_columns(parents: Sequence[Variable]) -> list[int]:
    """The first column of every parent, then the number of all columns."""
    return [0, *accumulate(map(n_columns, parents))]


def checked_penalty(l2: Any) -> float:
    """The strength of an L2 penalty: finite and not negative."""
    penalty = float(l2)
    if not 0.0 <= penalty < np.inf:
        raise ValueError(f"l2 must be at least 0 and finite, got {l2!r}")
    return penalty


def binary_states(states: Sequence[object]) -> tuple[str, ...]:
    """Names of two states. ValueError where there are more or fewer."""
    listed = in_order(states, "states")
    if len(listed) != 2:
        raise ValueError(f"a yes/no variable has two states, got {len(listed)}: {preview(listed)}")
    return checked_states(listed, 2)


def same_arrays(first: Floats | None, second: Floats | None) -> bool:
    """Whether both are unknown, or equal."""
    if first is None or second is None:
        return first is second
    return np.array_equal(first, second)


def check_same_parents(
    kind: str,
    name: str,
    parents: Sequence[str],
    known: Sequence[Variable] | None,
    came: Sequence[Variable],
) -> None:
    """Parameters refer to states by position: ValueError where a parent is not what they were made for."""
    check_parent_states(name, kind, parents, None if known is None else [*map(states_of, known)], came)
    for parent, own, other in zip(parents, known or (), came, strict=False):
        if own != other:
            raise ValueError(
                f"the {kind} of {name!r} does not fit this network: it was made for parent {parent!r} with "
                f"{described(own)}, got {described(other)}"
            )


def described(variable: Variable) -> str:
    """What an error says of a variable."""
    if isinstance(variable, Discrete):
        return f"states {preview(variable.states)}"
    return f"real values of shape {variable.event_shape}" if variable.event_shape else "real values"
