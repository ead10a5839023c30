"""What is given, and what is done, as text: what stands behind the bar of P(a | b=yes, do(c=no))."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np

from ..runtime.text import printable

SHOWN = 6  # values, and states of one value


def as_mapping(values: Any, option: str) -> Mapping[str, Any]:
    """Values by name; none where nothing is said. TypeError for anything else."""
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise TypeError(f"{option} is a mapping from variables to values, got {values!r:.60}")
    return values


def condition_text(given: Mapping[str, Any], do: Mapping[str, Any], states: Mapping[str, Sequence[str]]) -> str:
    """All values, by the names of states where they are those of discrete variables.

    Examples
    --------
    >>> condition_text({"x": 1, "y": ["u", "w"]}, {"z": 0.5}, {"x": ["no", "yes"], "y": ["u", "v", "w"]})
    'x=yes, y in {u, w}, do(z=0.5)'
    """
    parts = [_part(name, value, states.get(name)) for name, value in given.items()]
    parts += [f"do({_part(name, value, states.get(name))})" for name, value in do.items()]
    return ", ".join(parts[:SHOWN] + ["..."] * (len(parts) > SHOWN))


def _part(name: Any, value: Any, states: Sequence[str] | None) -> str:
    own = printable(str(name))
    if states is not None and isinstance(value, list | tuple | Set):
        listed = [_state(each, states) for each in list(value)[:SHOWN]]
        return f"{own} in {{{', '.join(listed + ['...'] * (len(value) > SHOWN))}}}"
    if np.ndim(value):
        return f"{own} by likelihood" if states is not None else f"{own}=..."
    return f"{own}={_state(value, states or ())}"


def _state(value: Any, states: Sequence[str]) -> str:
    is_code = isinstance(value, int | np.integer) and not isinstance(value, bool) and 0 <= value < len(states)
    return printable(str(states[value] if is_code else value))
