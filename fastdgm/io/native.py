"""The native format: one safetensors file per model, whose metadata holds the structure as JSON.

The metadata entry ``fastdgm`` is ``{"format": 1, "family": "MADE", "structure": {...}}``; the tensors are the model's
arrays, so what is written reads back to the last bit. Nothing is ever unpickled. A file is hostile until read: whatever
is wrong with it is a :class:`~fastdgm.errors.FormatError` that names the file and the rule.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from ..bayesnet import BayesNet
from ..conditionals.base import Conditional
from ..conditionals.table import CPT
from ..data.variables import Discrete
from ..errors import FormatError
from ..runtime.files import atomic_file
from ..runtime.memory import check_memory

VERSION = 1
KEY = "fastdgm"  # of the metadata

# Where each family lives; imported when a file or a model names it. A family has ``_state`` and ``_from_state``.
FAMILIES = {
    "MADE": "fastdgm.autoregressive.made",
    "FVSBN": "fastdgm.autoregressive.fvsbn",
    "NADE": "fastdgm.autoregressive.nade",
    "MarkovChain": "fastdgm.autoregressive.markov",
}

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
    TypeError : no model of a family with a file.
    """
    from safetensors.numpy import save

    if type(model) is BayesNet:
        family, (structure, arrays) = "BayesNet", _network_state(model)
    else:
        family = _family_of(model)
        structure, arrays = model._state()
    head = json.dumps({"format": VERSION, "family": family, "structure": structure}, allow_nan=False)
    return save({name: np.asarray(array, order="C") for name, array in arrays.items()}, metadata={KEY: head})


def _family_of(model: Any) -> str:
    name = type(model).__name__
    if name not in FAMILIES or type(model) is not _class_of(name):
        raise TypeError(f"models with a file format are {', '.join(['BayesNet', *FAMILIES])}, got {name}")
    return name


def _class_of(family: str) -> Any:
    return getattr(import_module(FAMILIES[family]), family)


def _network_state(net: BayesNet) -> tuple[dict[str, Any], Arrays]:
    """Parameters are numbered, because a variable's name can be anything; a kind is said of what is no table."""
    variables: list[dict[str, Any]] = [
        {"name": name, "parents": list(own), "states": list(net.states[name]) if name in net.states else None}
        for name, own in net.parents.items()
    ]
    arrays: Arrays = {}
    for i, own in enumerate(net.conditionals.values() if net.is_fitted else ()):
        arrays |= {f"{parameter}.{i}": array for parameter, array in own.parameters().items()}
        if not isinstance(own, CPT):
            variables[i]["kind"] = _kind_of(own)
    return {"fitted": net.is_fitted, "variables": variables}, arrays


def _kind_of(own: Conditional) -> str:
    """The name of the class that has an engine: a subclass goes with it."""
    from ..engines.hybrid import ENGINES  # and numba with them

    return next((kind for kind in type(own).__mro__ if kind in ENGINES), type(own)).__name__


# --- bytes to models ---------------------------------------------------------------------------------------


def read_native(data: bytes, name: str) -> Any:
    """The model in a file's bytes; ``name`` is the file's, for errors.

    Raises
    ------
    FormatError : whatever is wrong with the file.
    """
    head, arrays = _split(data, name)
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
    try:
        if family == "BayesNet":
            return _network(structure, arrays)
        return _class_of(family)._from_state(structure, arrays)
    except (ValueError, TypeError, KeyError, OverflowError, MemoryError, RecursionError) as error:
        rule = error.args[0] if isinstance(error, KeyError) and error.args else error
        raise _error(name, f"{family}: {rule}") from error


def _split(data: bytes, name: str) -> tuple[Any, Arrays]:
    """The JSON of the metadata and the arrays."""
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
        head = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise _error(name, f"the metadata entry {KEY!r} is JSON: {error}") from None
    return head, {tensor: _array(tensor, parts, name) for tensor, parts in tensors}


def _array(tensor: str, parts: Mapping[str, Any], name: str) -> npt.NDArray[Any]:
    """A tensor as an array of its own memory, without NaN; its bytes are as many as its shape says."""
    if parts["dtype"] not in DTYPES:
        _refuse(name, f"arrays are of type {', '.join(DTYPES)}, {tensor!r} is {parts['dtype']}")
    shape = parts["shape"]
    if len(shape) > _MAX_AXES or prod(max(1, k) for k in shape) >= 2**60:
        _refuse(name, f"array {tensor!r} has a shape that no array can have: {shape}")
    dtype = np.dtype(DTYPES[parts["dtype"]])
    flat = np.array(memoryview(parts["data"]).cast("B"), np.uint8).view(dtype.newbyteorder("<"))
    array = flat.astype(dtype, copy=False).reshape(shape)
    if dtype.kind == "f" and np.isnan(array).any():
        where = [int(i) for i in np.argwhere(np.isnan(array))[0]]
        _refuse(name, f"arrays have no NaN, {tensor!r} has one at {where}")
    return array


class _Variable(NamedTuple):
    """A variable as a file describes it."""

    name: str
    parents: list[str]
    states: list[str] | None
    kind: type[Conditional]


def _network(structure: Mapping[str, Any], arrays: Arrays) -> BayesNet:
    entries, fitted = structure.get("variables"), structure.get("fitted")
    if set(structure) != {"variables", "fitted"} or type(entries) is not list or type(fitted) is not bool:
        raise ValueError("the structure has a list 'variables' and true or false as 'fitted', and nothing else")
    own_arrays = _arrays_of_variables(arrays, len(entries), fitted)
    variables: dict[str, _Variable] = {}
    for entry in entries:
        variable = _checked_variable(entry, fitted)
        if variable.name in variables:
            raise ValueError(f"variable names must be distinct, got {variable.name!r} twice")
        variables[variable.name] = variable
    if fitted:
        return BayesNet({own.name: _conditional(own, own_arrays[i]) for i, own in enumerate(variables.values())})
    edges = [(parent, own.name) for own in variables.values() for parent in own.parents]
    unknown = next((parent for parent, _ in edges if parent not in variables), None)
    if unknown is not None:
        raise ValueError(f"parents are variables of the network, got {unknown!r}")
    states = {own.name: own.states for own in variables.values() if own.states is not None}
    return BayesNet.from_edges(edges, variables, states)


def _arrays_of_variables(arrays: Arrays, n: int, fitted: bool) -> list[Arrays]:
    """The parameters of every variable by name."""
    own: list[Arrays] = [{} for _ in range(n)]
    numbers = {str(i): i for i in range(n)}  # written in one way only
    odd = []
    for key, array in arrays.items():
        parameter, _, number = key.rpartition(".")
        if fitted and parameter and number in numbers:
            own[numbers[number]][parameter] = array
        else:
            odd.append(key)
    odd += [f"table.{i}" for i in range(n) if fitted and not own[i]]
    if odd:
        raise ValueError(
            f"a fitted network has one table per variable, others none; missing or too many: {sorted(odd)[:10]}"
        )
    return own


def _checked_variable(entry: Any, fitted: bool) -> _Variable:
    if type(entry) is not dict or set(entry) - {"kind"} != {"name", "parents", "states"}:
        raise ValueError(f"a variable has exactly a name, parents and states, got {entry!r}")
    name, own, labels = entry["name"], entry["parents"], entry["states"]
    if type(name) is not str:
        raise ValueError(f"variable names are strings, got {name!r}")
    if not _are_strings(own):
        raise ValueError(f"the parents of {name!r} are a list of strings, got {own!r}")
    if not _are_strings(labels) and (fitted or labels is not None):
        raise ValueError(f"the states of {name!r} are a list of strings, got {labels!r}")
    return _Variable(name, own, labels, _kind(name, entry["kind"]) if "kind" in entry else CPT)


def _kind(name: str, kind: Any) -> type[Conditional]:
    """A kind of conditional by its class's name."""
    from ..engines.hybrid import ENGINES  # and numba with them

    kinds = {own.__name__: own for own in ENGINES}
    if type(kind) is not str or kind not in kinds:
        raise ValueError(f"kinds of conditionals are {', '.join(kinds)}, {name!r} has {kind!r}")
    return kinds[kind]


def _are_strings(values: Any) -> bool:
    return type(values) is list and all(type(value) is str for value in values)


def _conditional(own: _Variable, arrays: Arrays) -> Conditional:
    variable = Discrete(tuple(own.states or ()))
    try:
        return own.kind.from_parameters(own.name, own.parents, variable, arrays)
    except KeyError as error:
        raise ValueError(f"the parameters of {own.name!r} lack {error}, there are {sorted(arrays)}") from None


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"numbers are finite, got {word}")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object, whose keys must differ: of two values a reader would have to guess."""
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError(f"the keys of an object are distinct, got {[key for key, _ in pairs]!r:.200}")
    return result


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
