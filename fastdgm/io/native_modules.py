"""What a native file holds of torch modules: the tensors of their states, which get into modules of the caller's.

A file has no code. Entries of states can have any name, so tensors are numbered, ``module.0`` and so on, and the JSON
says which entry of which module is which tensor. Those that are one in memory (tied weights) are one in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from ..runtime.torch_modules import restored_on_error

if TYPE_CHECKING:
    from torch import Tensor, dtype, nn

MODULE_PREFIX = "module."
_SHOWN_ENTRIES = 12

# How safetensors names the types of tensors that states may have, and how torch does.
TYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


class ModuleError(ValueError):
    """The modules that the caller gave are not those that the file needs."""


class StoredTensor(NamedTuple):
    """A tensor as a file has it."""

    dtype: str  # a key of TYPES, where it is that of a state
    shape: tuple[int, ...]
    data: bytes


class StoredModule(NamedTuple):
    """What a file says of a module."""

    kind: str  # the name of its class, for those who look for it
    entries: Mapping[str, int]  # the number of the tensor that is an entry of its state


class OwnedModule(NamedTuple):
    """A module, and whose it is: ``'x'``, or ``the guide of 'z'``."""

    owner: str
    module: nn.Module


# --- modules to tensors ------------------------------------------------------------------------------------


def module_states(modules: Sequence[OwnedModule]) -> tuple[list[dict[str, Any]], dict[str, Tensor]]:
    """The description of every module as JSON, and all tensors of their states, those that are one in memory once.

    Raises
    ------
    TypeError : an entry that is no plain tensor, or one of a type that no file holds.
    """
    states = [_checked_state(own) for own in modules]
    numbers = tensor_numbers(states)
    distinct = {
        number: state[entry] for state, own in zip(states, numbers, strict=True) for entry, number in own.items()
    }
    described = [
        {"class": type(own.module).__name__, "entries": entries} for own, entries in zip(modules, numbers, strict=True)
    ]
    tensors = {
        f"{MODULE_PREFIX}{number}": tensor.detach().cpu().clone().contiguous() for number, tensor in distinct.items()
    }
    return described, tensors


def tensor_numbers(states: Sequence[Mapping[str, Tensor]]) -> list[dict[str, int]]:
    """Entries of states as numbers of tensors, which are those in memory: tied entries have the same number."""
    numbers: dict[object, int] = {}
    return [
        {entry: numbers.setdefault(_place(tensor), len(numbers)) for entry, tensor in state.items()} for state in states
    ]


def _place(tensor: Tensor) -> object:
    """Where a tensor is in memory; one without elements is nowhere, and equals no other."""
    if tensor.numel() == 0:
        return object()
    return (tensor.device, tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype)


def _checked_state(own: OwnedModule) -> dict[str, Tensor]:
    import torch

    known = _torch_types().values()
    state: dict[str, Tensor] = own.module.state_dict()
    for entry, value in state.items():
        which = f"the entry {entry!r} of the module of {own.owner}"
        if not isinstance(value, torch.Tensor):
            raise TypeError(f"{which} is no tensor but a {type(value).__name__}")
        if torch.nn.parameter.is_lazy(value):
            raise TypeError(f"{which} has no values yet: call the module once")
        if value.layout != torch.strided or value.is_meta or value.dtype not in known:
            kind = f"of type {value.dtype}, layout {value.layout}, on device {str(value.device)!r}"
            raise TypeError(f"{which} is {kind}; files hold dense tensors of {', '.join(TYPES.values())}")
    return dict(state)


def _torch_types() -> dict[str, dtype]:
    import torch

    return {key: getattr(torch, name) for key, name in TYPES.items()}


# --- tensors to modules ------------------------------------------------------------------------------------


def stored_modules(described: Any, tensors: Mapping[str, StoredTensor]) -> list[StoredModule]:
    """What a file says of its modules. Raises ValueError where it says something else."""
    if type(described) is not list or not described:
        raise ValueError("'modules' is a list of one module or more")
    modules = [_stored_module(k, own, len(tensors)) for k, own in enumerate(described)]
    used = {number for own in modules for number in own.entries.values()}
    if set(tensors) != {f"{MODULE_PREFIX}{number}" for number in used}:
        raise ValueError(f"the tensors of modules are those that their entries name, got {sorted(tensors)[:10]}")
    odd = next((name for name, tensor in tensors.items() if tensor.dtype not in TYPES), None)
    if odd is not None:
        raise ValueError(f"tensors of modules are of type {', '.join(TYPES)}, {odd!r} is {tensors[odd].dtype}")
    return modules


def _stored_module(k: int, own: Any, n_tensors: int) -> StoredModule:
    if type(own) is not dict or set(own) != {"class", "entries"} or type(own["class"]) is not str:
        raise ValueError(f"module {k} has a class's name, entries, and nothing else")
    entries = own["entries"]
    if type(entries) is not dict or not all(type(n) is int and 0 <= n < n_tensors for n in entries.values()):
        raise ValueError(f"the entries of module {k} are numbers of tensors by name, of which there are {n_tensors}")
    return StoredModule(own["class"], entries)


def check_states(
    modules: Sequence[OwnedModule], stored: Sequence[StoredModule], tensors: Mapping[str, StoredTensor]
) -> None:
    """ModuleError where the states of the modules have other entries, shapes or types than those in the file, or
    others that are tied; nothing is changed.
    """
    states = [own.module.state_dict() for own in modules]
    for own, state, wanted in zip(modules, states, stored, strict=True):
        missing, more = sorted(wanted.entries.keys() - state.keys()), sorted(state.keys() - wanted.entries.keys())
        if missing or more:
            raise ModuleError(
                f"the state of the module of {own.owner} is not that of the file's {wanted.kind}: it lacks "
                f"{missing[:_SHOWN_ENTRIES]}, it has beside them {more[:_SHOWN_ENTRIES]}; the file has "
                f"{entries_text(wanted, tensors)}"
            )
        for entry, number in wanted.entries.items():
            _check_entry(
                f"the entry {entry!r} of the module of {own.owner}", state[entry], tensors[f"{MODULE_PREFIX}{number}"]
            )
    _check_ties(modules, states, stored)


def _check_entry(which: str, value: Any, wanted: StoredTensor) -> None:
    import torch

    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_meta:
        raise ModuleError(f"{which} is no dense tensor with values: {type(value).__name__}")
    if torch.nn.parameter.is_lazy(value):
        raise ModuleError(f"{which} has no shape yet, the file's has {wanted.shape}: call the module once")
    if tuple(value.shape) != wanted.shape:
        raise ModuleError(f"{which} has shape {tuple(value.shape)}, the file's has {wanted.shape}")
    if value.dtype != _torch_types()[wanted.dtype]:
        raise ModuleError(
            f"{which} is of type {value.dtype}, the file's of torch.{TYPES[wanted.dtype]}: give the module that type "
            "first, as by module.to(dtype)"
        )


def _check_ties(
    modules: Sequence[OwnedModule], states: Sequence[Mapping[str, Tensor]], stored: Sequence[StoredModule]
) -> None:
    """Entries that are one tensor in the file are one in the modules, and others are not."""
    owners: dict[int, str] = {}
    theirs: dict[int, tuple[int, str]] = {}
    for own, mine, wanted in zip(modules, tensor_numbers(states), stored, strict=True):
        for entry, number in wanted.entries.items():
            which = f"{entry!r} of the module of {own.owner}"
            known, first = theirs.setdefault(number, (mine[entry], which))
            if known != mine[entry]:
                raise ModuleError(f"{first} and {which} are one tensor in the file, and two in the modules given")
            other = owners.setdefault(mine[entry], which)
            if other != first:
                raise ModuleError(f"{other} and {which} are two tensors in the file, and one in the modules given")


@contextmanager
def loaded(
    modules: Sequence[OwnedModule], stored: Sequence[StoredModule], tensors: Mapping[str, StoredTensor]
) -> Iterator[None]:
    """The modules in the states of the file; where that or what is done with them fails, in those that they had."""
    if not modules:
        yield
        return
    states = [_state(own, tensors) for own in stored]
    with restored_on_error([own.module for own in modules]):
        for own, state in zip(modules, states, strict=True):
            _load(own, state)
        for own, state in zip(modules, states, strict=True):
            _check_loaded(own, state)
        yield


def _state(own: StoredModule, tensors: Mapping[str, StoredTensor]) -> dict[str, Tensor]:
    import torch

    types = _torch_types()
    state = {}
    for entry, number in own.entries.items():
        dtype, shape, data = tensors[f"{MODULE_PREFIX}{number}"]
        flat = torch.frombuffer(bytearray(data), dtype=types[dtype]) if data else torch.empty(0, dtype=types[dtype])
        state[entry] = flat.reshape(shape)
    return state


def _load(own: OwnedModule, state: dict[str, Tensor]) -> None:
    try:
        own.module.load_state_dict(state)
    except Exception as error:
        raise ModuleError(f"the module of {own.owner} does not take its state: {error}") from error


def _check_loaded(own: OwnedModule, state: Mapping[str, Tensor]) -> None:
    """Entries that lie over each other in memory cannot all be as the file says."""
    import torch

    for entry, tensor in own.module.state_dict().items():
        if not torch.equal(_bytes(tensor), _bytes(state[entry])):
            raise ModuleError(f"the module of {own.owner} does not keep the entry {entry!r} that it was given")


def _bytes(tensor: Tensor) -> Tensor:
    import torch

    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)


# --- words -------------------------------------------------------------------------------------------------


def entries_text(own: StoredModule, tensors: Mapping[str, StoredTensor]) -> str:
    """The first entries of a state: ``0.weight (200, 16) float32``."""
    shown = []
    for entry, number in list(own.entries.items())[:_SHOWN_ENTRIES]:
        tensor = tensors[f"{MODULE_PREFIX}{number}"]
        shown.append(f"{entry} {tensor.shape} {TYPES[tensor.dtype]}")
    more = len(own.entries) - len(shown)
    return (", ".join(shown) or "no entries") + (f", ... {more} more" if more else "")
