"""What a native file of a network holds of an autoregressive model that is a conditional: the same as its own file."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy.typing as npt

from ..conditionals.autoregressive import AutoregressiveConditional
from .native_entries import Entry

Arrays = dict[str, npt.NDArray[Any]]

# Families that can be conditionals, and where each lives; imported when a file or a network has one.
FAMILIES = {"MADE": "fastdgm.autoregressive.made", "FVSBN": "fastdgm.autoregressive.fvsbn"}


def model_state(own: AutoregressiveConditional) -> tuple[dict[str, Any], Arrays]:
    """The settings of a conditional and its arrays. TypeError for a model that no file can hold."""
    model: Any = own.model
    family = type(model).__name__
    if family not in FAMILIES:
        raise TypeError(f"the models in files are {', '.join(FAMILIES)}, got {family}")
    structure, arrays = model._state()
    return {"family": family, "structure": structure}, arrays


def model_conditional(entry: Entry, arrays: Arrays) -> AutoregressiveConditional:
    """The conditional of a file. Raises ValueError, TypeError or KeyError for whatever is wrong with it."""
    found = entry.settings
    if set(found) != {"family", "structure"} or type(found["structure"]) is not dict:
        raise ValueError(f"{entry.name!r} has a family and the structure of its model, got {found!r:.200}")
    family = found["family"]
    if type(family) is not str or family not in FAMILIES:
        raise ValueError(f"the model of {entry.name!r} is one of {', '.join(FAMILIES)}, got {family!r:.60}")
    kind = getattr(import_module(FAMILIES[family]), family)
    conditional = kind._from_state(found["structure"], arrays).given(entry.parents)
    assert isinstance(conditional, AutoregressiveConditional)
    return conditional
