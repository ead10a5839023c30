"""Known values of a row: checked, and refused with the line that does it today where they cannot be used yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..errors import UnknownNameError
from ..runtime.text import did_you_mean, preview
from .labels import codes_are_ambiguous, label_code
from .schema import Schema


class Known(NamedTuple):
    """Values of some variables."""

    codes: Mapping[str, int]  # of discrete variables
    reals: Mapping[int, float]  # by row of the block of reals
    names: frozenset[str]


def known_values(values: Any, schema: Schema, option: str = "given") -> Known:
    """Known values of a network's variables: codes or labels of discrete ones, numbers, sequences of those for vectors.

    Raises UnknownNameError for other variables and labels, ValueError for what is no value of a variable.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"{option} is a mapping from variables to values, got {values!r:.60}")
    codes: dict[str, int] = {}
    reals: dict[int, float] = {}
    for name, value in values.items():
        if name in schema.sizes:
            numbers = _numbers(name, value, schema.sizes[name], name in schema.vectors, option)
            reals.update(enumerate(numbers, schema.rows[name]))
        elif name in schema.states:
            codes[name] = _code(name, value, schema.states[name], option)
        else:
            hint = did_you_mean(str(name), schema.names)
            raise UnknownNameError(f"no variable {name!r}; the network has {preview(schema.names)}{hint}")
    return Known(codes, reals, frozenset(values))


def _numbers(name: str, value: Any, size: int, is_vector: bool, option: str) -> list[float]:
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "iuf":
            raise TypeError
    except (TypeError, ValueError):
        raise ValueError(f"{option}: {name!r} is real, got {value!r:.60}") from None
    shape = (size,) if is_vector else ()
    if array.shape != shape:
        what = f"{size} numbers" if is_vector else "one number"
        raise ValueError(f"{option}: a value of {name!r} is {what}, got {value!r:.60}")
    if not np.isfinite(array).all():
        raise ValueError(f"{option}: values are finite, got {value!r:.60} of {name!r}")
    return [float(number) for number in array.reshape(-1)]


def refuse_given(given: Any, schema: Schema) -> None:
    """ValueError that says how to draw rows with these values, of discrete variables: keep those that have them."""
    known = known_values(given, schema).codes
    picks = " & ".join(f"(x[{name!r}] == {code})" for name, code in known.items())
    raise ValueError(
        f"given= is not supported yet by BayesNet.sample. Draw and keep what agrees, exactly but slowly where that is "
        f"rare: x = net.sample(100_000); x = x[{picks or '...'}]"
    )


def refuse_do(do: Any, schema: Schema) -> None:
    """ValueError that says how to draw rows under an intervention: from a network where the variables are set."""
    known = known_values(do, schema, "do")
    vectors = sorted(known.names.intersection(schema.vectors))
    if vectors:
        raise ValueError(
            f"do= is not supported yet by BayesNet.sample, and no conditional sets a vector to a value, as "
            f"{vectors[0]!r} is one"
        )
    fixed = [f"{name!r}: {_categorical(name, code, schema)}" for name, code in known.codes.items()]
    names = {schema.rows[name]: name for name in schema.real_names}
    fixed += [f"{names[row]!r}: fd.Normal({number!r}, 0)" for row, number in known.reals.items()]
    raise ValueError(
        "do= is not supported yet by BayesNet.sample. Sample from the network whose variables are set: "
        f"fd.BayesNet({{**net.conditionals, {', '.join(fixed)}}}).sample(n)"
    )


def _categorical(name: str, code: int, schema: Schema) -> str:
    """The text of a conditional under which a discrete variable has one state."""
    n_states = len(schema.states[name])
    probabilities = [float(k == code) for k in range(n_states)]
    shown = f"{probabilities}" if n_states <= 10 else f"np.eye({n_states})[{code}]"
    return f"fd.Categorical({shown}, net.states[{name!r}])"


def _code(name: Any, value: Any, own: tuple[str, ...], option: str) -> int:
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
