"""What a native file holds of a network: its variables as JSON, the parameters of its conditionals as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy.typing as npt

from ..bayesnet import BayesNet
from ..conditionals.autoregressive import AutoregressiveConditional
from ..conditionals.base import Conditional
from ..conditionals.neural import Neural
from ..conditionals.table import CPT
from ..errors import NotFittedError
from .native_entries import Entry, checked_entries, described, kind_of
from .native_models import (
    MODEL_PREFIX,
    StoredModels,
    autoregressive_conditional,
    check_model_owners,
    read_models,
    stored_models,
)
from .native_modules import OwnedModule, StoredModule, StoredTensor, check_states, loaded, module_states, stored_modules
from .native_neural import (
    GivenModules,
    Owner,
    checked_owners,
    matched_modules,
    needs_text,
    neural_conditional,
    neural_settings,
    owned_modules,
)

if TYPE_CHECKING:
    from torch import Tensor

    from ..autoregressive.conditional import ConditionalModel

Arrays = dict[str, npt.NDArray[Any]]
_GUIDE = "guide."  # begins the names of the guide's arrays


# --- networks to JSON and arrays ---------------------------------------------------------------------------


class NetworkState(NamedTuple):
    """A network as a file holds it."""

    structure: dict[str, Any]
    arrays: Arrays  # of conditionals
    tensors: dict[str, Tensor]  # of torch modules


def network_state(net: BayesNet) -> NetworkState:
    """The structure and the parameters of a network: parameters are numbered, because a name can be anything.

    A variable has a kind where its conditional is no table, and all have one where some parameters are still to be
    learnt; a real one has the shape of its values in place of states, a vector of discrete ones has both.

    Raises
    ------
    TypeError : a conditional that no file can hold, as one with a Python function.
    """
    conditionals = _conditionals(net)
    pairs = [(repr(name), own) for name, own in conditionals.items()]
    guides = [(f"the guide of {name!r}", own) for name, own in net.guide.items()]
    parts = _Parts(owned_modules([*pairs, *guides]), stored_models([*pairs, *guides]))
    arrays = dict(parts.models.arrays)
    variables = [described(name, own, net.variables.get(name)) for name, own in net.parents.items()]
    for i, (words, own) in enumerate(pairs):
        stored = _stored(words, own, parts)
        arrays |= {f"{parameter}.{i}": array for parameter, array in stored.arrays.items()}
        if stored.description["kind"] != "CPT" or not net.is_fitted:
            variables[i] |= stored.description
    structure: dict[str, Any] = {"fitted": net.is_fitted, "variables": variables}
    if guides:
        structure["guide"] = []
    for i, ((words, own), name) in enumerate(zip(guides, net.guide, strict=True)):
        stored = _stored(words, own, parts)
        arrays |= {f"{_GUIDE}{parameter}.{i}": array for parameter, array in stored.arrays.items()}
        structure["guide"].append(described(name, own.parents, own.variable) | stored.description)
    if parts.models.described:
        structure["models"] = parts.models.described
    if not parts.modules:
        return NetworkState(structure, arrays, {})
    structure["modules"], tensors = module_states(parts.modules)
    return NetworkState(structure, arrays, tensors)


class _Parts(NamedTuple):
    """What conditionals may have in common."""

    modules: list[OwnedModule]
    models: StoredModels


class _StoredConditional(NamedTuple):
    description: dict[str, Any]  # its kind, and settings where it has some
    arrays: Arrays


def _stored(words: str, own: Conditional, parts: _Parts) -> _StoredConditional:
    if isinstance(own, Neural):
        return _StoredConditional({"kind": "Neural", "settings": neural_settings(own, parts.modules)}, {})
    if isinstance(own, AutoregressiveConditional):
        settings = {"model": parts.models.number(own)}
        return _StoredConditional({"kind": "AutoregressiveConditional", "settings": settings}, {})
    try:
        arrays = own.parameters()
    except TypeError as error:
        raise TypeError(f"no file holds the conditional of {words}: {error}") from None
    return _StoredConditional({"kind": kind_of(own)}, arrays)


def _conditionals(net: BayesNet) -> Mapping[str, Conditional]:
    """Those that are known, if only by their kind; none where nothing but a structure is."""
    try:
        return net.conditionals
    except NotFittedError:
        return {}


# --- JSON and arrays to networks ---------------------------------------------------------------------------


class StoredNetwork(NamedTuple):
    """A network as a file describes it, checked as far as it can be without the modules."""

    variables: dict[str, Entry]
    fitted: bool
    guide: dict[str, Entry]
    arrays: list[Arrays]  # the parameters of every variable by name
    guide_arrays: list[Arrays]
    models: list[ConditionalModel]
    modules: list[StoredModule]
    owners: list[Owner]  # of the modules
    tensors: Mapping[str, StoredTensor]  # of the modules
    has_conditionals: bool  # whether there is more than a structure


def stored_network(structure: Mapping[str, Any], arrays: Arrays, tensors: Mapping[str, StoredTensor]) -> StoredNetwork:
    """The description that :func:`network_state` makes, checked.

    Raises ValueError, TypeError and the like for whatever is wrong with it.
    """
    entries, fitted = structure.get("variables"), structure.get("fitted")
    is_right = set(structure) - {"guide", "models", "modules"} == {"variables", "fitted"}
    if not is_right or type(entries) is not list or type(fitted) is not bool:
        raise ValueError(
            "the structure has a list 'variables' and true or false as 'fitted', maybe 'guide', 'models', 'modules', "
            "and nothing else"
        )
    variables = checked_entries("variables", entries, fitted)
    guide = checked_entries("guide", structure["guide"], True) if "guide" in structure else {}
    _check_guide(variables, guide)
    modules = stored_modules(structure["modules"], tensors) if "modules" in structure else []
    owners = checked_owners(variables, guide, len(modules))
    of_models = {key: array for key, array in arrays.items() if "models" in structure and key.startswith(MODEL_PREFIX)}
    theirs = {key: array for key, array in arrays.items() if guide and key.startswith(_GUIDE)}
    mine = {key: array for key, array in arrays.items() if key not in of_models and key not in theirs}
    models = read_models(structure["models"], of_models) if "models" in structure else []
    check_model_owners([*variables.values(), *guide.values()], len(models))
    has_conditionals = fitted or any(own.kind is not None for own in variables.values())
    return StoredNetwork(
        variables,
        fitted,
        guide,
        _arrays_of_variables(mine, list(variables.values()), has_conditionals),
        _arrays_of_variables({key.removeprefix(_GUIDE): a for key, a in theirs.items()}, list(guide.values()), True),
        models,
        modules,
        owners,
        tensors,
        has_conditionals,
    )


def stored_text(stored: StoredNetwork) -> str:
    """Its variables by kind, and the states of its modules, a line for each."""
    n_arcs = sum(len(own.parents) for own in stored.variables.values())
    kinds = [f"{name!r}: {own.kind.__name__ if own.kind else 'CPT'}" for name, own in stored.variables.items()]
    others = [line for line, own in zip(kinds, stored.variables.values(), strict=True) if own.kind is not Neural]
    lines = [
        f"BayesNet: {len(stored.variables)} variables, {n_arcs} arcs, torch modules: {len(stored.modules)}",
        *others,
    ]
    return "\n  ".join([*lines, needs_text(stored.owners, stored.modules, stored.tensors)])


def _check_guide(variables: Mapping[str, Entry], guide: Mapping[str, Entry]) -> None:
    for name, own in guide.items():
        if name not in variables:
            raise ValueError(f"a guide is of the network's variables, got one of {name!r}")
        if own.variable != variables[name].variable:
            raise ValueError(
                f"the guide of {name!r} is for {own.variable!r:.100}, it is {variables[name].variable!r:.100}"
            )


def network_from_state(stored: StoredNetwork, given: GivenModules) -> BayesNet:
    """The network of a file; the modules that the caller gave are in the states of the file afterwards.

    Raises ModuleError where these are others than the file needs, ValueError and the like for what is wrong with the
    file; the modules are then as they were.
    """
    modules = matched_modules(stored.owners, given, stored.modules, stored.tensors)
    if not stored.has_conditionals:
        return _structure_alone(stored.variables)
    check_states(modules, stored.modules, stored.tensors)
    with loaded(modules, stored.modules, stored.tensors):
        net = BayesNet(_made(stored.variables, stored.arrays, stored.models, modules))
        if net.is_fitted != stored.fitted:
            which = "some" if stored.fitted else "none"
            raise ValueError(f"'fitted' is {stored.fitted}, the parameters of {which} are left out")
        return net.guided(_made(stored.guide, stored.guide_arrays, stored.models, modules)) if stored.guide else net


def _structure_alone(variables: Mapping[str, Entry]) -> BayesNet:
    edges = [(parent, own.name) for own in variables.values() for parent in own.parents]
    unknown = next((parent for parent, _ in edges if parent not in variables), None)
    if unknown is not None:
        raise ValueError(f"parents are variables of the network, got {unknown!r}")
    vector = next((name for name, own in variables.items() if own.event_shape), None)
    if vector is not None:
        raise ValueError(f"a vector has a kind of conditional, {vector!r} has none")
    states = {own.name: own.states for own in variables.values() if own.states is not None}
    real = [own.name for own in variables.values() if own.event_shape is not None]
    return BayesNet.from_edges(edges, variables, states, real)


def _arrays_of_variables(arrays: Arrays, variables: list[Entry], has_conditionals: bool) -> list[Arrays]:
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


def _made(
    entries: Mapping[str, Entry], arrays: list[Arrays], models: list[ConditionalModel], modules: list[OwnedModule]
) -> dict[str, Conditional]:
    made = {}
    for own, mine in zip(entries.values(), arrays, strict=True):
        made[own.name] = _conditional(own, mine, models, modules)
        if made[own.name].variable != own.variable:
            kind, found = type(made[own.name]).__name__, made[own.name].variable
            raise ValueError(f"a {kind} is {found!r:.100}, {own.name!r} is {own.variable!r:.100}")
    return made


def _conditional(own: Entry, arrays: Arrays, models: list[ConditionalModel], modules: list[OwnedModule]) -> Conditional:
    kind = own.kind or CPT
    if issubclass(kind, Neural | AutoregressiveConditional):
        if arrays:
            raise ValueError(f"{own.name!r} has a module or a model and no arrays, got {sorted(arrays)[:10]}")
        if issubclass(kind, Neural):
            return neural_conditional(own, modules[own.settings["module"]].module)
        return autoregressive_conditional(own, models)
    if own.settings:
        raise ValueError(f"a {kind.__name__} has no settings, {own.name!r} has {own.settings!r:.100}")
    try:
        return kind.from_parameters(own.name, own.parents, own.variable, arrays)
    except KeyError as error:
        raise ValueError(f"the parameters of {own.name!r} lack {error}, there are {sorted(arrays)}") from None
