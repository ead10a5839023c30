"""Known values on the command line: NAME=STATE, NAME=a,b for a set of states, NAME=1.5 of a real variable."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from ..data.variables import Discrete, Variable

_WHOLE = re.compile(r"[+-]?\d+")
_BOOLEANS = {"true": True, "false": False}


def values_of(arguments: Sequence[str], variables: Mapping[str, Variable], option: str) -> dict[str, object]:
    """The values that a network's verbs take as ``given=`` and ``do=``; the verbs check them.

    An argument is split at its first ``=`` with the name of a variable before it. What follows is a state's name if
    there is such a state, else states at commas; text that is none is a code where it reads as a whole number, and
    True or False as it reads.

    Raises ValueError for an argument without ``=``, and for a variable that comes twice.

    Examples
    --------
    >>> age = {"age": Discrete(("<5", "5-12", "13,14", "15+"))}
    >>> values_of(["age=<5"], age, "--given"), values_of(["age=5-12,13,14"], age, "--given")
    ({'age': '<5'}, {'age': ['5-12', '13,14']})
    >>> values_of(["age=3"], age, "--given")
    {'age': 3}
    """
    found: dict[str, object] = {}
    for argument in arguments:
        name, text = _split(argument, variables, option)
        if name in found:
            raise ValueError(f"{option} says twice what {name!r} is: several states are given as {name}=A,B")
        found[name] = _value(text, variables[name]) if name in variables else text
    return found


def _split(argument: str, variables: Mapping[str, Variable], option: str) -> tuple[str, str]:
    ends = [place.start() for place in re.finditer("=", argument)]
    if not ends:
        raise ValueError(f"{option} takes NAME=STATE, got {argument!r:.60}")
    end = next((end for end in ends if argument[:end] in variables), ends[0])
    return argument[:end], argument[end + 1 :]


def _value(text: str, variable: Variable) -> object:
    if not isinstance(variable, Discrete):
        numbers = [_number(part) for part in text.split(",")]
        return numbers if variable.event_shape else numbers[0] if len(numbers) == 1 else text
    states = _states(text, variable.states)
    return states[0] if len(states) == 1 and not variable.event_shape else states


def _states(text: str, states: Sequence[str]) -> list[object]:
    """The states at commas, of whose names some may hold commas: the longest that there is comes first."""
    known, parts = set(states), text.split(",")
    found: list[object] = []
    begin = 0
    while begin < len(parts):
        ends = range(len(parts), begin, -1)
        end = next((end for end in ends if ",".join(parts[begin:end]) in known), begin + 1)
        found.append(_state(",".join(parts[begin:end]), known))
        begin = end
    return found


def _state(text: str, known: set[str]) -> object:
    if text in known:
        return text
    return int(text) if _WHOLE.fullmatch(text) else _BOOLEANS.get(text.lower(), text)


def _number(text: str) -> object:
    """What is no number stays text, to be refused by whoever knows the rule."""
    with suppress(ValueError):
        return float(text)
    return text
