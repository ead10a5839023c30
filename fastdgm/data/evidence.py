"""Known values of a row: checked, and refused with the line that does it today where they cannot be used yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..errors import UnknownNameError
from ..runtime.text import did_you_mean, preview
from .labels import codes_are_ambiguous, label_code
from .schema import Schema

States = Mapping[str, tuple[str, ...]]


class Known(NamedTuple):
    """Values of some variables."""

    codes: Mapping[str, int]  # of discrete variables
    reals: Mapping[int, float]  # by row of the block of reals
    names: frozenset[str]


def known_values(given: Any, schema: Schema) -> Known:
    """Known values of a network's variables: codes or labels of discrete ones, numbers, sequences of those for vectors.

    Raises UnknownNameError for other variables and labels, ValueError for what is no value of a variable.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"given is a mapping from variables to values, got {given!r:.60}")
    codes: dict[str, int] = {}
    reals: dict[int, float] = {}
    for name, value in given.items():
        if name in schema.sizes:
            numbers = _numbers(name, value, schema.sizes[name], bool(schema.real(name).event_shape))
            reals.update(enumerate(numbers, schema.rows[name]))
        elif name in schema.states:
            codes[name] = _code(name, value, schema.states, "given")
        else:
            hint = did_you_mean(str(name), schema.names)
            raise UnknownNameError(f"no variable {name!r}; the network has {preview(schema.names)}{hint}")
    return Known(codes, reals, frozenset(given))


def _numbers(name: str, value: Any, size: int, is_vector: bool) -> list[float]:
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "iuf":
            raise TypeError
    except (TypeError, ValueError):
        raise ValueError(f"given: {name!r} is real, got {value!r:.60}") from None
    shape = (size,) if is_vector else ()
    if array.shape != shape:
        what = f"{size} numbers" if is_vector else "one number"
        raise ValueError(f"given: a value of {name!r} is {what}, got {value!r:.60}")
    if not np.isfinite(array).all():
        raise ValueError(f"given: values are finite, got {value!r:.60} of {name!r}")
    return [float(number) for number in array.reshape(-1)]


def refuse_given(given: Any, states: States) -> None:
    """ValueError that says how to draw rows with these values: keep those that have them."""
    known = _codes(given, states, "given")
    picks = " & ".join(f"(x[{name!r}] == {code})" for name, code in known.items())
    raise ValueError(
        f"given= is not supported yet by BayesNet.sample. Draw and keep what agrees, exactly but slowly where that is "
        f"rare: x = net.sample(100_000); x = x[{picks or '...'}]"
    )


def refuse_do(do: Any, states: States) -> None:
    """ValueError that says how to draw rows under an intervention: from a network where the variables are set."""
    fixed = []
    for name, code in _codes(do, states, "do").items():
        probabilities = [float(k == code) for k in range(len(states[name]))]
        shown = f"{probabilities}" if len(probabilities) <= 10 else f"np.eye({len(probabilities)})[{code}]"
        fixed.append(f"{name!r}: fd.Categorical({shown}, net.states[{name!r}])")
    raise ValueError(
        "do= is not supported yet by BayesNet.sample. Sample from the network whose variables are set: "
        f"fd.BayesNet({{**net.conditionals, {', '.join(fixed)}}}).sample(n)"
    )


def _codes(values: Any, states: States, option: str) -> dict[str, int]:
    """The code of every known value. KeyError for unknown variables and labels, ValueError for codes out of range."""
    if not isinstance(values, Mapping):
        raise TypeError(f"{option} is a mapping from variables to values, got {values!r:.60}")
    return {name: _code(name, value, states, option) for name, value in values.items()}


def _code(name: Any, value: Any, states: States, option: str) -> int:
    if name not in states:
        hint = did_you_mean(str(name), states)
        raise UnknownNameError(f"no variable {name!r}; the network has {preview(states)}{hint}")
    own = states[name]
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
