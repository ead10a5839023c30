"""What a native file holds of a Neural conditional: its settings, and which module of the file is its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..conditionals.base import Conditional
from ..conditionals.neural import Neural
from ..conditionals.neural_families import FAMILIES
from ..data.variables import Discrete
from ..runtime.memory import check_memory
from ..runtime.text import preview
from .native_entries import Entry
from .native_modules import ModuleError, OwnedModule, StoredModule, StoredTensor, entries_text

if TYPE_CHECKING:
    from torch import nn

_SETTINGS = {"family", "std", "separate", "module"}


class GivenModules(NamedTuple):
    """The modules that the caller of ``read`` gives, by variable: those of the network, and those of its guide."""

    modules: Mapping[str, nn.Module]
    guide: Mapping[str, nn.Module]


class Owner(NamedTuple):
    """A Neural conditional of a file: that of a variable, or its guide."""

    entry: Entry
    is_guide: bool

    @property
    def words(self) -> str:
        """``'x'``, or ``the guide of 'z'``."""
        return f"the guide of {self.entry.name!r}" if self.is_guide else repr(self.entry.name)

    @property
    def module(self) -> int:
        """The number of its module in the file."""
        return int(self.entry.settings["module"])


# --- conditionals to files ---------------------------------------------------------------------------------


def owned_modules(conditionals: Iterable[tuple[str, Conditional]]) -> list[OwnedModule]:
    """The distinct modules of pairs of words for a variable and its conditional, each with the first of these."""
    distinct: dict[int, OwnedModule] = {}
    for words, conditional in conditionals:
        if isinstance(conditional, Neural):
            distinct.setdefault(id(conditional.module), OwnedModule(words, conditional.module))
    return list(distinct.values())


def neural_settings(own: Neural, modules: Sequence[OwnedModule]) -> dict[str, Any]:
    """As JSON."""
    module = next(k for k, each in enumerate(modules) if each.module is own.module)
    return {"family": own.family, "std": own.std, "separate": own.separate, "module": module}


# --- files to conditionals ---------------------------------------------------------------------------------


def checked_owners(net: Mapping[str, Entry], guide: Mapping[str, Entry], n_modules: int) -> list[Owner]:
    """The Neural conditionals of a file, whose settings are right, and which have every module. Raises ValueError."""
    owners = [Owner(entry, False) for entry in net.values() if _is_neural(entry)]
    owners += [Owner(entry, True) for entry in guide.values() if _is_neural(entry)]
    for own in owners:
        _check_settings(own, n_modules)
    if {own.module for own in owners} != set(range(n_modules)):
        raise ValueError(f"every module is that of a variable, there are {n_modules}")
    return owners


def _is_neural(entry: Entry) -> bool:
    return entry.kind is not None and issubclass(entry.kind, Neural)


def _check_settings(own: Owner, n_modules: int) -> None:
    found = own.entry.settings
    if set(found) != _SETTINGS:
        raise ValueError(f"the settings of {own.words} are {', '.join(sorted(_SETTINGS))}, got {found!r:.200}")
    if type(found["family"]) is not str or found["family"] not in FAMILIES:
        raise ValueError(f"the family of {own.words} is one of {', '.join(FAMILIES)}, got {found['family']!r:.60}")
    if FAMILIES[found["family"]].is_discrete != isinstance(own.entry.variable, Discrete):
        raise ValueError(f"the family of {own.words}, {found['family']}, does not go with {own.entry.variable!r:.100}")
    if type(found["separate"]) is not bool or type(found["std"]) not in (type(None), float, int):
        raise ValueError(f"separate is true or false and std null or a number, {own.words} has {found!r:.200}")
    if type(found["module"]) is not int or not 0 <= found["module"] < n_modules:
        raise ValueError(f"the module of {own.words} is a number below {n_modules}, got {found['module']!r:.60}")


def matched_modules(
    owners: Sequence[Owner],
    given: GivenModules,
    stored: Sequence[StoredModule],
    tensors: Mapping[str, StoredTensor],
) -> list[OwnedModule]:
    """The caller's module for each of the file's. ModuleError that lists what the file needs where one is missing,
    too many or of another type, or where variables share a module here and not there.
    """
    for option, modules, is_guide in (("modules", given.modules, False), ("guide", given.guide, True)):
        needed = [own.entry.name for own in owners if own.is_guide == is_guide]
        missing = [name for name in needed if name not in modules]
        more = [name for name in modules if name not in needed]
        if missing or more:
            came = f"{option}= lacks {preview(missing)}" if missing else f"{option}= has {preview(more)} too many"
            raise ModuleError(f"{came}; {needs_text(owners, stored, tensors)}")
    return _distinct(owners, given, len(stored))


def _distinct(owners: Sequence[Owner], given: GivenModules, n_modules: int) -> list[OwnedModule]:
    found: dict[int, OwnedModule] = {}
    for own in owners:
        module = (given.guide if own.is_guide else given.modules)[own.entry.name]
        _check_module(own, module)
        first = found.setdefault(own.module, OwnedModule(own.words, module))
        if first.module is not module:
            raise ModuleError(f"{first.owner} and {own.words} share a module in the file: give both the same, got two")
        other = next((each for k, each in found.items() if each.module is module and k != own.module), None)
        if other is not None:
            raise ModuleError(f"{other.owner} and {own.words} have two modules in the file: give each its own, got one")
    return [found[k] for k in range(n_modules)]


def _check_module(own: Owner, module: Any) -> None:
    import torch

    if not isinstance(module, torch.nn.Module):
        raise ModuleError(
            f"{own.words} needs a torch.nn.Module, for the file says the rest, got {type(module).__name__}"
        )


def neural_conditional(entry: Entry, module: nn.Module) -> Neural:
    """The conditional with the caller's module. Raises ValueError where the settings do not go together."""
    variable, settings = entry.variable, entry.settings
    n_states = variable.n_states if isinstance(variable, Discrete) else 1
    check_memory(64 * variable.size * n_states, f"two rows of {entry.name!r}, to try modules with")
    return Neural(
        entry.parents,
        module,
        family=settings["family"],
        event_shape=variable.event_shape,
        states=variable.states if isinstance(variable, Discrete) else None,
        std=settings["std"],
        separate=settings["separate"],
    )


# --- words -------------------------------------------------------------------------------------------------


def needs_text(owners: Sequence[Owner], stored: Sequence[StoredModule], tensors: Mapping[str, StoredTensor]) -> str:
    """What a file with modules needs of its reader, a line for each conditional."""
    calls = [
        f"{option}={{{', '.join(f'{name!r}: ...' for name in names)}}}"
        for option, is_guide in (("modules", False), ("guide", True))
        if (names := [own.entry.name for own in owners if own.is_guide == is_guide])
    ]
    if not owners:
        return "the file needs none: it holds no torch modules"
    lines = [owner_text(own, stored[own.module], tensors) for own in owners]
    head = "the file holds the states of torch modules, whose code is the caller's: in Python, fastdgm.read(path, "
    return "\n  ".join([f"{head}{', '.join(calls)}) with", *lines])


def owner_text(own: Owner, stored: StoredModule, tensors: Mapping[str, StoredTensor]) -> str:
    """``'x': bernoulli given z, event_shape (784,): Sequential with 0.weight (200, 16) float32, ...``"""
    entry = own.entry
    given = f" given {preview(entry.parents)}" if entry.parents else ""
    shape = f", event_shape {tuple(entry.event_shape)}" if entry.event_shape else ""
    separate = ", parents separate" if entry.settings["separate"] else ""
    std = "" if entry.settings["std"] is None else f", std {entry.settings['std']:g}"
    states = f", states {preview(entry.states)}" if entry.states and entry.settings["family"] == "categorical" else ""
    what = f"{entry.settings['family']}{given}{shape}{states}{std}{separate}"
    return f"{own.words}: {what}: {stored.kind} with {entries_text(stored, tensors)}"
