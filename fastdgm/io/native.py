"""The native format: one safetensors file per model, whose metadata holds the structure as JSON.

The metadata entry ``fastdgm`` is ``{"format": 1, "family": "MADE", "structure": {...}}``; the tensors are the model's
arrays, so what is written reads back to the last bit. Nothing is ever unpickled. A file is hostile until read: whatever
is wrong with it is a :class:`~fastdgm.errors.FormatError` that names the file and the rule.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from ..bayesnet import BayesNet
from ..errors import FormatError
from ..runtime.files import atomic_file
from ..runtime.memory import check_memory
from .native_models import FAMILIES, class_of, family_of
from .native_modules import MODULE_PREFIX, ModuleError, StoredTensor
from .native_networks import network_from_state, network_state, stored_network, stored_text
from .native_neural import GivenModules
from .strict_json import parsed_json

if TYPE_CHECKING:
    from torch import Tensor, nn

VERSION = 1
KEY = "fastdgm"  # of the metadata

DTYPES = {
    "F32": np.float32,
    "F64": np.float64,
    "I8": np.int8,
    "I16": np.int16,
    "I32": np.int32,
    "I64": np.int64,
    "U8": np.uint8,
    "U16": np.uint16,
    "U32": np.uint32,
    "U64": np.uint64,
    "BOOL": np.bool_,
}
DAMAGE = (ValueError, TypeError, KeyError, OverflowError, MemoryError, RuntimeError)  # what a bad file may end in
_MAX_AXES = 64  # of a NumPy array
_MESSAGE_CHARACTERS = 1000
Arrays = dict[str, npt.NDArray[Any]]


# --- files -------------------------------------------------------------------------------------------------


def read_bytes(path: Path) -> bytes:
    """All bytes of a file; ValueError where memory cannot hold them and the arrays made of them."""
    with path.open("rb") as file:
        size = path.stat().st_size
        check_memory(3 * size, f"{path}: reading a file of {size} bytes")
        return file.read()


def write_bytes(path: Path, data: bytes) -> None:
    """The file appears whole or not at all."""
    with atomic_file(path) as file:
        file.write(data)


# --- models to bytes ---------------------------------------------------------------------------------------


def write_native(model: Any) -> bytes:
    """The bytes of a model's file: the same model gives the same bytes.

    Raises
    ------
    TypeError : no model of a family with a file, or one that no file can hold.
    """
    if type(model) is BayesNet:
        structure, arrays, tensors = network_state(model)
        return _file("BayesNet", structure, arrays, tensors)
    family = family_of(model)
    structure, arrays = model._state()
    return _file(family, structure, arrays, {})


def _file(family: str, structure: dict[str, Any], arrays: Arrays, tensors: Mapping[str, Tensor]) -> bytes:
    head = {KEY: json.dumps({"format": VERSION, "family": family, "structure": structure}, allow_nan=False)}
    ordered = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    if not tensors:
        from safetensors.numpy import save

        return save(ordered, metadata=head)
    import torch
    from safetensors.torch import save as save_tensors

    own = {name: torch.from_numpy(np.array(array, array.dtype.newbyteorder("="))) for name, array in ordered.items()}
    return save_tensors({**own, **tensors}, metadata=head)


# --- bytes to models ---------------------------------------------------------------------------------------


def read_native(
    data: bytes, name: str, modules: Mapping[str, nn.Module] | None = None, guide: Mapping[str, nn.Module] | None = None
) -> Any:
    """The model in a file's bytes; ``name`` is the file's, for errors; ``modules`` and ``guide`` are those of its
    Neural conditionals.

    Raises
    ------
    FormatError : whatever is wrong with the file. ValueError : modules that are not those that the file needs.
    """
    given = GivenModules(_checked_modules("modules", modules), _checked_modules("guide", guide))
    head, arrays, states = _split(data, name)
    family, structure = _checked_head(head, name)
    if family != "BayesNet" and (given.modules or given.guide):
        raise ValueError(f"{name}: modules= and guide= are for Bayes nets with Neural conditionals, got a {family}")
    try:
        if family == "BayesNet":
            return network_from_state(stored_network(structure, arrays, states), given)
        return class_of(family)._from_state(structure, arrays)
    except ModuleError as error:
        raise ValueError(f"{name}: {error}") from error.__cause__
    except DAMAGE as error:
        if isinstance(error, FormatError):
            raise
        rule = error.args[0] if isinstance(error, KeyError) and error.args else error
        raise _error(name, f"{family}: {rule}") from error


def text_without_modules(data: bytes, name: str) -> str | None:
    """How the network in a file reads whose torch modules nobody gives; None where it holds none.

    Raises FormatError and, as :func:`read_native` wraps them, ValueError and the like for what is wrong with the file.
    """
    head, arrays, states = _split(data, name)
    family, structure = _checked_head(head, name)
    if family != "BayesNet" or not states:
        return None
    return stored_text(stored_network(structure, arrays, states))


def _checked_modules(option: str, modules: Any) -> Mapping[str, nn.Module]:
    if modules is None:
        return {}
    if not isinstance(modules, Mapping):
        raise TypeError(f"{option}= maps names of variables to torch modules, got {type(modules).__name__}")
    return modules


def _checked_head(head: Any, name: str) -> tuple[str, dict[str, Any]]:
    """The family and the structure that the metadata names."""
    if type(head) is not dict:
        _refuse(name, f"the metadata entry {KEY!r} is a JSON object, got {_shown(head)}")
    if type(head.get("format")) is not int or head["format"] != VERSION:
        _refuse(name, f"this version of fastdgm reads format {VERSION}, got {_shown(head.get('format'))}")
    family, structure = head.get("family"), head.get("structure")
    known = ["BayesNet", *FAMILIES]
    if family not in known:
        _refuse(name, f"the families of models are {', '.join(known)}, got {_shown(family)}")
    if type(structure) is not dict:
        _refuse(name, f"the structure of a model is a JSON object, got {_shown(structure)}")
    return family, structure


def _split(data: bytes, name: str) -> tuple[Any, Arrays, dict[str, StoredTensor]]:
    """The JSON of the metadata, the arrays, and the tensors of torch modules where the file has some."""
    from safetensors import SafetensorError, deserialize

    try:
        tensors = deserialize(data)
    except SafetensorError as error:
        raise _error(name, f"no whole safetensors file: {error}") from None
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])  # deserialize has checked it
    text = (header.get("__metadata__") or {}).get(KEY)
    if text is None:
        _refuse(name, f"the metadata of a model has an entry {KEY!r}, got none: tensors alone are no model")
    try:
        head = parsed_json(text)
    except (ValueError, RecursionError) as error:
        raise _error(name, f"the metadata entry {KEY!r} is JSON: {error}") from None
    stored = {tensor: StoredTensor(own["dtype"], tuple(own["shape"]), own["data"]) for tensor, own in tensors}
    states = {tensor: own for tensor, own in stored.items() if tensor.startswith(MODULE_PREFIX) and _has_modules(head)}
    arrays = {tensor: _array(tensor, own, name) for tensor, own in stored.items() if tensor not in states}
    return head, arrays, states


def _has_modules(head: Any) -> bool:
    structure = head.get("structure") if type(head) is dict else None
    return type(structure) is dict and "modules" in structure


def _array(tensor: str, own: StoredTensor, name: str) -> npt.NDArray[Any]:
    """A tensor as an array of its own memory, without NaN; its bytes are as many as its shape says."""
    if own.dtype not in DTYPES:
        _refuse(name, f"arrays are of type {', '.join(DTYPES)}, {tensor!r} is {own.dtype}")
    shape = list(own.shape)
    if len(shape) > _MAX_AXES or prod(max(1, k) for k in shape) >= 2**60:
        _refuse(name, f"array {tensor!r} has a shape that no array can have: {shape}")
    dtype = np.dtype(DTYPES[own.dtype])
    flat = np.array(memoryview(own.data).cast("B"), np.uint8).view(dtype.newbyteorder("<"))
    array = flat.astype(dtype, copy=False).reshape(shape)
    if dtype.kind == "f" and np.isnan(array).any():
        where = [int(i) for i in np.argwhere(np.isnan(array))[0]]
        _refuse(name, f"arrays have no NaN, {tensor!r} has one at {where}")
    return array


def _shown(value: Any) -> str:
    """How a value from JSON reads; lists inside lists may be too deep for that."""
    try:
        return repr(value)
    except RecursionError:
        return f"a {type(value).__name__} of lists in lists"


def _error(name: str, message: str) -> FormatError:
    """What garbage puts into a message can have any length."""
    shown = message if len(message) <= _MESSAGE_CHARACTERS else f"{message[:_MESSAGE_CHARACTERS]} ..."
    return FormatError(f"{name}: {shown}")


def _refuse(name: str, message: str) -> NoReturn:
    raise _error(name, message)
