"""How a native file describes a variable: its name, parents, states or shape, and the kind of its conditional."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

from ..conditionals.autoregressive import AutoregressiveConditional
from ..conditionals.base import Conditional
from ..conditionals.deterministic import Deterministic, FunctionTable
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.logistic import Logistic, Softmax
from ..conditionals.multivariate import MultivariateNormal
from ..conditionals.neural import Neural
from ..conditionals.noisy_or import NoisyOr
from ..conditionals.roots import Exponential, Laplace, Uniform
from ..conditionals.table import CPT
from ..data.variables import Discrete, Real, Variable

# Kinds of conditionals that are written by the names of their classes, subclasses as their class.
KINDS: dict[str, type[Conditional]] = {
    "CPT": CPT,
    "FunctionTable": FunctionTable,
    "LinearGaussian": LinearGaussian,
    "Uniform": Uniform,
    "Exponential": Exponential,
    "Laplace": Laplace,
    "MultivariateNormal": MultivariateNormal,
    "Logistic": Logistic,
    "Softmax": Softmax,
    "NoisyOr": NoisyOr,
    "Deterministic": Deterministic,
    "Neural": Neural,
    "AutoregressiveConditional": AutoregressiveConditional,
}
_OPTIONAL_KEYS = {"kind", "event_shape", "settings"}
_MAX_AXES, _MAX_SIZE = 64, 1 << 40  # of a value: those of a NumPy array, and more numbers than a file can hold


class Entry(NamedTuple):
    """A variable as a file describes it."""

    name: str
    parents: list[str]
    states: list[str] | None
    event_shape: list[int] | None  # of a real variable, or of a vector of discrete ones
    kind: type[Conditional] | None  # where the file says it
    settings: dict[str, Any]  # what the kind has beside parameters

    @property
    def variable(self) -> Variable:
        """The child."""
        if self.event_shape is not None and self.states is None:
            return Real(tuple(self.event_shape))
        return Discrete(tuple(self.states or ()), tuple(self.event_shape or ()))


def described(name: str, parents: tuple[str, ...], variable: Variable | None) -> dict[str, Any]:
    """What a file says of a variable; a discrete one has a shape where it is a vector."""
    states = list(variable.states) if isinstance(variable, Discrete) else None
    entry: dict[str, Any] = {"name": name, "parents": list(parents), "states": states}
    if isinstance(variable, Real) or (variable is not None and variable.event_shape):
        entry["event_shape"] = list(variable.event_shape)
    return entry


def kind_of(own: Conditional) -> str:
    """The name of the class that files know, or that has an engine: a subclass goes with it."""
    kinds = type(own).__mro__
    known = next((kind for kind in kinds if kind in KINDS.values()), None)
    return (known or next((kind for kind in kinds if kind in _added_kinds().values()), type(own))).__name__


def _added_kinds() -> dict[str, type[Conditional]]:
    """Those that were added to the engines, by the names of their classes."""
    from ..engines.hybrid import ENGINES  # and numba with them

    added = [kind for kind in ENGINES if not any(issubclass(known, kind) for known in KINDS.values())]
    return {kind.__name__: kind for kind in added}


def checked_entries(what: str, entries: Any, fitted: bool) -> dict[str, Entry]:
    """The descriptions in a list in JSON, by variable. Raises ValueError for whatever is wrong with it."""
    if type(entries) is not list:
        raise ValueError(f"{what!r} is a list, got {type(entries).__name__}")
    variables: dict[str, Entry] = {}
    for entry in entries:
        variable = _checked_entry(entry, fitted)
        if variable.name in variables:
            raise ValueError(f"variable names must be distinct, got {variable.name!r} twice")
        variables[variable.name] = variable
    return variables


def _checked_entry(entry: Any, fitted: bool) -> Entry:
    if type(entry) is not dict or set(entry) - _OPTIONAL_KEYS != {"name", "parents", "states"}:
        raise ValueError(f"a variable has exactly a name, parents and states, got {entry!r}")
    name, own, labels = entry["name"], entry["parents"], entry["states"]
    if type(name) is not str:
        raise ValueError(f"variable names are strings, got {name!r}")
    if not _are_strings(own):
        raise ValueError(f"the parents of {name!r} are a list of strings, got {own!r}")
    kind = _kind(name, entry["kind"]) if "kind" in entry else None
    settings = entry.get("settings", {})
    if type(settings) is not dict or ("settings" in entry and (kind is None or not settings)):
        raise ValueError(f"settings are those of a kind of conditional, {name!r} has {settings!r:.100}")
    shape = _event_shape(name, entry["event_shape"]) if "event_shape" in entry else None
    if shape == [] and labels is not None:
        raise ValueError(f"{name!r} is real, so that its states are null, got {labels!r}")
    are_known = shape is None and (fitted or kind is not None)
    if not _are_strings(labels) and (are_known or labels is not None):
        raise ValueError(f"the states of {name!r} are a list of strings, got {labels!r}")
    return Entry(name, own, labels, shape, kind, settings)


def _event_shape(name: str, shape: Any) -> list[int]:
    """The lengths of the axes of a variable's values."""
    if type(shape) is not list or not all(type(k) is int and 1 <= k <= _MAX_SIZE for k in shape[: _MAX_AXES + 1]):
        raise ValueError(f"the event_shape of {name!r} is a list of numbers from 1 on, got {shape!r}")
    if len(shape) > _MAX_AXES:
        raise ValueError(f"the event_shape of {name!r} has at most {_MAX_AXES} axes, got {len(shape)}")
    if prod(shape) > _MAX_SIZE:
        raise ValueError(f"a value of {name!r} has at most {_MAX_SIZE} numbers, got {prod(shape)}")
    return shape


def _kind(name: str, kind: Any) -> type[Conditional]:
    """A kind of conditional by its class's name."""
    kinds = KINDS if type(kind) is str and kind in KINDS else {**KINDS, **_added_kinds()}
    if type(kind) is not str or kind not in kinds:
        raise ValueError(f"kinds of conditionals are {', '.join(kinds)}, {name!r} has {kind!r}")
    return kinds[kind]


def _are_strings(values: Any) -> bool:
    return type(values) is list and all(type(value) is str for value in values)
