"""What a native file holds of a network: its variables as JSON, the parameters of its conditionals as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt

from ..bayesnet import BayesNet
from ..conditionals.base import Conditional
from ..conditionals.deterministic import Deterministic, FunctionTable
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.logistic import Logistic, Softmax
from ..conditionals.multivariate import MultivariateNormal
from ..conditionals.noisy_or import NoisyOr
from ..conditionals.roots import Exponential, Laplace, Uniform
from ..conditionals.table import CPT
from ..data.variables import Discrete, Real, Variable
from ..errors import NotFittedError

Arrays = dict[str, npt.NDArray[Any]]
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
}
_OPTIONAL_KEYS = {"kind", "event_shape"}
_MAX_AXES, _MAX_SIZE = 64, 1 << 40  # of a value: those of a NumPy array, and more numbers than a file can hold


# --- networks to JSON and arrays ---------------------------------------------------------------------------


def network_state(net: BayesNet) -> tuple[dict[str, Any], Arrays]:
    """The structure and the parameters of a network: parameters are numbered, because a name can be anything.

    A variable has a kind where its conditional is no table, and all have one where some parameters are still to be
    learnt; a real one has the shape of its values in place of states.

    Raises
    ------
    TypeError : a conditional that no file can hold, as one with a Python function.
    """
    variables = [_description(name, own, net.variables.get(name)) for name, own in net.parents.items()]
    arrays: Arrays = {}
    for i, (name, own) in enumerate(_conditionals(net).items()):
        try:
            parameters = own.parameters()
        except TypeError as error:
            raise TypeError(f"no file holds the conditional of {name!r}: {error}") from None
        arrays |= {f"{parameter}.{i}": array for parameter, array in parameters.items()}
        kind = _kind_of(own)
        if kind != "CPT" or not net.is_fitted:
            variables[i]["kind"] = kind
    return {"fitted": net.is_fitted, "variables": variables}, arrays


def _description(name: str, parents: Sequence[str], variable: Variable | None) -> dict[str, Any]:
    states = list(variable.states) if isinstance(variable, Discrete) else None
    description = {"name": name, "parents": list(parents), "states": states}
    return description | ({"event_shape": list(variable.event_shape)} if isinstance(variable, Real) else {})


def _conditionals(net: BayesNet) -> Mapping[str, Conditional]:
    """Those that are known, if only by their kind; none where nothing but a structure is."""
    try:
        return net.conditionals
    except NotFittedError:
        return {}


def _kind_of(own: Conditional) -> str:
    """The name of the class that files know, or that has an engine: a subclass goes with it."""
    kinds = type(own).__mro__
    known = next((kind for kind in kinds if kind in KINDS.values()), None)
    return (known or next((kind for kind in kinds if kind in _added_kinds().values()), type(own))).__name__


def _added_kinds() -> dict[str, type[Conditional]]:
    """Those that were added to the engines, by the names of their classes."""
    from ..engines.hybrid import ENGINES  # and numba with them

    added = [kind for kind in ENGINES if not any(issubclass(known, kind) for known in KINDS.values())]
    return {kind.__name__: kind for kind in added}


# --- JSON and arrays to networks ---------------------------------------------------------------------------


class _Entry(NamedTuple):
    """A variable as a file describes it."""

    name: str
    parents: list[str]
    states: list[str] | None
    event_shape: list[int] | None  # of a real variable
    kind: type[Conditional] | None  # where the file says it

    @property
    def variable(self) -> Variable:
        return Discrete(tuple(self.states or ())) if self.event_shape is None else Real(tuple(self.event_shape))


def network_from_state(structure: Mapping[str, Any], arrays: Arrays) -> BayesNet:
    """The network that :func:`network_state` describes.

    Raises ValueError, TypeError and the like for whatever is wrong with the description.
    """
    entries, fitted = structure.get("variables"), structure.get("fitted")
    if set(structure) != {"variables", "fitted"} or type(entries) is not list or type(fitted) is not bool:
        raise ValueError("the structure has a list 'variables' and true or false as 'fitted', and nothing else")
    variables: dict[str, _Entry] = {}
    for entry in entries:
        variable = _checked_entry(entry, fitted)
        if variable.name in variables:
            raise ValueError(f"variable names must be distinct, got {variable.name!r} twice")
        variables[variable.name] = variable
    has_conditionals = fitted or any(own.kind is not None for own in variables.values())
    own_arrays = _arrays_of_variables(arrays, list(variables.values()), has_conditionals)
    if not has_conditionals:
        return _structure_alone(variables)
    net = BayesNet({own.name: _conditional(own, own_arrays[i]) for i, own in enumerate(variables.values())})
    if net.is_fitted != fitted:
        raise ValueError(f"'fitted' is {fitted}, the parameters of {'some' if fitted else 'none'} are left out")
    return net


def _structure_alone(variables: Mapping[str, _Entry]) -> BayesNet:
    edges = [(parent, own.name) for own in variables.values() for parent in own.parents]
    unknown = next((parent for parent, _ in edges if parent not in variables), None)
    if unknown is not None:
        raise ValueError(f"parents are variables of the network, got {unknown!r}")
    states = {own.name: own.states for own in variables.values() if own.states is not None}
    real = [own.name for own in variables.values() if own.event_shape is not None]
    vector = next((name for name in real if variables[name].event_shape), None)
    if vector is not None:
        raise ValueError(f"a vector has a kind of conditional, {vector!r} has none")
    return BayesNet.from_edges(edges, variables, states, real)


def _arrays_of_variables(arrays: Arrays, variables: list[_Entry], has_conditionals: bool) -> list[Arrays]:
    """The parameters of every variable by name."""
    own: list[Arrays] = [{} for _ in variables]
    numbers = {str(i): i for i in range(len(variables))}  # written in one way only
    odd = []
    for key, array in arrays.items():
        parameter, _, number = key.rpartition(".")
        if has_conditionals and parameter and number in numbers:
            own[numbers[number]][parameter] = array
        else:
            odd.append(key)
    odd += [f"table.{i}" for i, entry in enumerate(variables) if has_conditionals and not (own[i] or entry.kind)]
    if odd:
        raise ValueError(
            f"a fitted network has one table per variable, others none; missing or too many: {sorted(odd)[:10]}"
        )
    return own


def _checked_entry(entry: Any, fitted: bool) -> _Entry:
    if type(entry) is not dict or set(entry) - _OPTIONAL_KEYS != {"name", "parents", "states"}:
        raise ValueError(f"a variable has exactly a name, parents and states, got {entry!r}")
    name, own, labels = entry["name"], entry["parents"], entry["states"]
    if type(name) is not str:
        raise ValueError(f"variable names are strings, got {name!r}")
    if not _are_strings(own):
        raise ValueError(f"the parents of {name!r} are a list of strings, got {own!r}")
    kind = _kind(name, entry["kind"]) if "kind" in entry else None
    if "event_shape" in entry:
        if labels is not None:
            raise ValueError(f"{name!r} is real, so that its states are null, got {labels!r}")
        return _Entry(name, own, None, _event_shape(name, entry["event_shape"]), kind)
    if not _are_strings(labels) and (fitted or kind is not None or labels is not None):
        raise ValueError(f"the states of {name!r} are a list of strings, got {labels!r}")
    return _Entry(name, own, labels, None, kind)


def _event_shape(name: str, shape: Any) -> list[int]:
    """The lengths of the axes of a real variable's values."""
    if type(shape) is not list or not all(type(k) is int and 1 <= k <= _MAX_SIZE for k in shape[: _MAX_AXES + 1]):
        raise ValueError(f"the event_shape of {name!r} is a list of numbers from 1 on, got {shape!r}")
    if len(shape) > _MAX_AXES:
        raise ValueError(f"the event_shape of {name!r} has at most {_MAX_AXES} axes, got {len(shape)}")
    return shape


def _kind(name: str, kind: Any) -> type[Conditional]:
    """A kind of conditional by its class's name."""
    kinds = KINDS if type(kind) is str and kind in KINDS else {**KINDS, **_added_kinds()}
    if type(kind) is not str or kind not in kinds:
        raise ValueError(f"kinds of conditionals are {', '.join(kinds)}, {name!r} has {kind!r}")
    return kinds[kind]


def _are_strings(values: Any) -> bool:
    return type(values) is list and all(type(value) is str for value in values)


def _conditional(own: _Entry, arrays: Arrays) -> Conditional:
    try:
        return (own.kind or CPT).from_parameters(own.name, own.parents, own.variable, arrays)
    except KeyError as error:
        raise ValueError(f"the parameters of {own.name!r} lack {error}, there are {sorted(arrays)}") from None
