"""The checkpoint of a fit that takes long: one safetensors file, written whole or not at all.

Its metadata hold ``{"fastdgm checkpoint": <json>, "sha256": <digest>}``; the JSON says what run it belongs to and
its history, the arrays are ``parameters/<name>`` and those of its other kinds: of a gradient fit ``moments/<name>``
and, with validation, ``best/<name>``.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import FormatError
from ..runtime.files import atomic_file

Array = npt.NDArray[Any]
FORMAT = 1
KEY = "fastdgm checkpoint"
LARGEST_NUMBER = sys.float_info.max


class Origin(NamedTuple):
    """The model that a run trains, as it is told from others: its family, structure and arrays."""

    family: str
    structure: dict[str, Any]
    arrays: dict[str, Array]


class Stored(NamedTuple):
    """What a file holds: the run it belongs to, how far that came, and its arrays."""

    run: dict[str, Any]
    settings: dict[str, Any]
    history: list[dict[str, float]]
    arrays: dict[str, Array]


class Checkpoint:
    """The file of one run of one model on given data."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        origin: Origin,
        rows: Array,
        valid: Array | None,
        arrays: dict[str, dict[str, Array]],
        is_history: Callable[[Any, bool], bool] | None = None,
    ) -> None:
        """``is_history`` says of a history, and of whether there are validation rows, if a fit can have left it."""
        self._path = Path(path)
        self._is_history = is_history or _plausible
        self._run = _description(origin, rows, valid, _flat(arrays))

    def __str__(self) -> str:
        return f"the checkpoint {self._path}"

    def exists(self) -> bool:
        """Whether there is anything at the path."""
        return self._path.exists()

    def save(
        self, settings: dict[str, Any], history: list[dict[str, float]], arrays: dict[str, dict[str, Array]]
    ) -> None:
        """Replace the file."""
        from safetensors.numpy import save

        flat = _flat(arrays)
        text = json.dumps({"format": FORMAT, "run": self._run, "settings": settings, "history": history})
        data = save(flat, {KEY: text, "sha256": _digest(text, flat)})
        with atomic_file(self._path) as file:
            file.write(data)

    def load(self) -> Stored:
        """What the file holds; FormatError where it is no checkpoint or damaged, OSError where it cannot be read."""
        text, digest, arrays = _read(self._path)
        if digest != _digest(text, arrays):
            raise FormatError(f"{self._path}: damaged checkpoint, its checksum does not fit")
        try:
            content = json.loads(text)
            if content["format"] != FORMAT:
                raise FormatError(
                    f"{self._path}: checkpoint of format {content['format']!r:.40}, only {FORMAT} is known"
                )
            stored = Stored(content["run"], content["settings"], content["history"], arrays)
            shapes, seed, has_valid = stored.run["arrays"], stored.settings["seed"], stored.run["valid"] is not None
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(f"{self._path}: not a checkpoint of fastdgm, {error!r:.200}") from None
        if shapes != _shapes(arrays) or type(seed) is not int or not 0 <= seed < 2**64:
            raise FormatError(f"{self._path}: damaged checkpoint, its description does not fit its content")
        if not self._is_history(stored.history, has_valid):
            raise FormatError(f"{self._path}: damaged checkpoint, its history is none of epochs one after the other")
        for name, array in arrays.items():
            if not _possible(name, array):
                raise FormatError(f"{self._path}: damaged checkpoint, {name!r:.100} has numbers that no fit leaves")
        return stored

    def refuse_others(self, stored: Stored, settings: dict[str, Any]) -> None:
        """ValueError that names the first difference between the stored run and this one."""
        own = json.loads(json.dumps({"settings": settings, **self._run}))
        theirs = {"settings": stored.settings, **stored.run}
        for name, there, here in _differences(theirs, own):
            raise ValueError(
                f"{self} belongs to another run: its {name:.200} is {there!s:.200}, here it is {here!s:.200}; "
                "pass the same arguments to go on with it, or another path to begin anew"
            )


def _description(origin: Origin, rows: Array, valid: Array | None, arrays: dict[str, Array]) -> dict[str, Any]:
    """What must agree for a run to go on; whole-number arrays of the model (masks, orders) belong to its structure."""
    fixed = {name: _hash(array) for name, array in origin.arrays.items() if array.dtype.kind in "biu"}
    return {
        "family": origin.family,
        "structure": origin.structure,
        "train": _hash(rows),
        "valid": None if valid is None else _hash(valid),
        "fixed arrays": fixed,
        "arrays": _shapes(arrays),
    }


def _flat(arrays: dict[str, dict[str, Array]]) -> dict[str, Array]:
    return {f"{kind}/{name}": array for kind, own in arrays.items() for name, array in own.items()}


def _shapes(arrays: dict[str, Array]) -> dict[str, list[Any]]:
    return {name: [array.dtype.name, *array.shape] for name, array in sorted(arrays.items())}


def _hash(array: Array) -> str:
    """Shape, type and SHA-256 of the content, readable in an error."""
    digest = hashlib.sha256(_bytes(array)).hexdigest()[:16]
    return f"{array.dtype.name}{list(array.shape)} with hash {digest}"


def _digest(text: str, arrays: dict[str, Array]) -> str:
    digest = hashlib.sha256(text.encode())
    for name, array in sorted(arrays.items()):
        digest.update(name.encode())
        digest.update(_bytes(array))
    return digest.hexdigest()


def _bytes(array: Array) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _read(path: Path) -> tuple[str, str, dict[str, Array]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    data = path.read_bytes()  # not mapped: a file that becomes shorter meanwhile must not kill the process
    try:
        arrays = {name: array.copy() for name, array in load(data).items()}
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])  # load has checked it
        metadata = header.get("__metadata__") or {}
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{path}: not a checkpoint, or damaged: {error}") from None
    if KEY not in metadata or "sha256" not in metadata:
        raise FormatError(f"{path}: not a checkpoint of fastdgm")
    return metadata[KEY], metadata["sha256"], arrays


def _plausible(history: Any, has_valid: bool) -> bool:
    """Whether this is a list of epochs 1, 2, ... with finite numbers, with validation losses if there should be."""
    needed = {"epoch", "train", "seconds", "learning_rate"} | ({"valid"} if has_valid else set())
    return isinstance(history, list) and all(
        isinstance(record, dict)
        and record.keys() == needed
        and all(type(value) in (int, float) and abs(value) <= LARGEST_NUMBER for value in record.values())
        and record["epoch"] == number
        and min(record["seconds"], record["learning_rate"]) >= 0
        for number, record in enumerate(history, start=1)
    )


def _possible(name: str, array: Array) -> bool:
    """Whether a fit can have left these numbers: finite, and no negative mean of squares among the moments."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return False
    return not (name.startswith("moments/second.") and (array < 0).any())


def _differences(theirs: Any, own: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(name, stored, own) of every value that differs, nested names joined by dots."""
    if isinstance(theirs, dict) and isinstance(own, dict):
        for key in {**own, **theirs}:
            yield from _differences(theirs.get(key), own.get(key), f"{name}.{key}" if name else key)
    elif theirs != own:
        yield name, theirs, own
