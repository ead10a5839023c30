"""The families of models that native files know, and what a file of a network holds of those in its conditionals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy.typing as npt

from ..conditionals.autoregressive import AutoregressiveConditional
from ..conditionals.base import Conditional
from .native_entries import Entry

if TYPE_CHECKING:
    from ..autoregressive.conditional import ConditionalModel

Arrays = dict[str, npt.NDArray[Any]]
MODEL_PREFIX = "model."  # begins the names of their arrays in a file of a network

# Where each family lives; imported when a file or a model names it. A family has ``_state`` and ``_from_state``.
FAMILIES = {
    "MADE": "fastdgm.autoregressive.made",
    "FVSBN": "fastdgm.autoregressive.fvsbn",
    "NADE": "fastdgm.autoregressive.nade",
    "MarkovChain": "fastdgm.autoregressive.markov",
}


def family_of(model: Any) -> str:
    """The name of a model's class. TypeError where files do not know it."""
    name = type(model).__name__
    if name not in FAMILIES or type(model) is not class_of(name):
        raise TypeError(f"models with a file format are {', '.join(['BayesNet', *FAMILIES])}, got {name}")
    return name


def class_of(family: str) -> Any:
    """The class of a family."""
    return getattr(import_module(FAMILIES[family]), family)


# --- conditionals to files ---------------------------------------------------------------------------------


class StoredModels(NamedTuple):
    """The distinct models of a network's conditionals, as a file holds them."""

    models: list[Any]
    described: list[dict[str, Any]]
    arrays: Arrays

    def number(self, own: AutoregressiveConditional) -> int:
        """Which of them is the conditional's."""
        return next(k for k, model in enumerate(self.models) if model is own.model)


def stored_models(conditionals: Iterable[tuple[str, Conditional]]) -> StoredModels:
    """Of pairs of words for a variable and its conditional. TypeError where one has a model that no file holds."""
    stored = StoredModels([], [], {})
    for words, own in conditionals:
        if not isinstance(own, AutoregressiveConditional) or any(own.model is model for model in stored.models):
            continue
        try:
            family = family_of(own.model)
        except TypeError as error:
            raise TypeError(f"no file holds the conditional of {words}: {error}") from None
        structure, arrays = own.model._state()  # type: ignore[attr-defined]
        prefix = f"{MODEL_PREFIX}{len(stored.models)}."
        stored.models.append(own.model)
        stored.described.append({"family": family, "structure": structure})
        stored.arrays.update({f"{prefix}{name}": array for name, array in arrays.items()})
    return stored


# --- files to conditionals ---------------------------------------------------------------------------------


def read_models(described: Any, arrays: Arrays) -> list[ConditionalModel]:
    """The models that a file describes; the names of their arrays begin with ``model.`` and their numbers.

    Raises ValueError and the like where one is none.
    """
    if type(described) is not list or not described:
        raise ValueError("'models' is a list of one model or more")
    parts: list[Arrays] = [{} for _ in described]
    numbers = {str(k): k for k in range(len(described))}
    for key, array in arrays.items():
        number, _, name = key.removeprefix(MODEL_PREFIX).partition(".")
        if number not in numbers:
            raise ValueError(
                f"arrays of models begin with {MODEL_PREFIX}0 to {MODEL_PREFIX}{len(described) - 1}, got {key!r}"
            )
        parts[numbers[number]][name] = array
    return [_read_model(k, own, part) for k, (own, part) in enumerate(zip(described, parts, strict=True))]


def _read_model(k: int, own: Any, arrays: Arrays) -> ConditionalModel:
    from ..autoregressive.conditional import ConditionalModel

    if type(own) is not dict or set(own) != {"family", "structure"} or type(own["structure"]) is not dict:
        raise ValueError(f"model {k} has a family and a structure, and nothing else")
    if type(own["family"]) is not str or own["family"] not in FAMILIES:
        raise ValueError(f"the family of model {k} is one of {', '.join(FAMILIES)}, got {own['family']!r:.60}")
    kind = class_of(own["family"])
    if not issubclass(kind, ConditionalModel):
        raise ValueError(f"model {k} is no conditional of a network, a {own['family']} has no context")
    model: ConditionalModel = kind._from_state(own["structure"], arrays)
    return model


def check_model_owners(entries: Sequence[Entry], n_models: int) -> None:
    """Every conditional of a model has one, and every model a conditional. Raises ValueError."""
    used = set()
    for own in entries:
        if own.kind is None or not issubclass(own.kind, AutoregressiveConditional):
            continue
        number = own.settings.get("model")
        if set(own.settings) != {"model"} or type(number) is not int or not 0 <= number < n_models:
            raise ValueError(f"the model of {own.name!r} is a number below {n_models}, got {own.settings!r:.100}")
        used.add(number)
    if used != set(range(n_models)):
        raise ValueError(f"every model is that of a variable, there are {n_models}")


def autoregressive_conditional(entry: Entry, models: Sequence[ConditionalModel]) -> Conditional:
    """The conditional of a model. Raises ValueError where it does not take such parents."""
    return AutoregressiveConditional(models[entry.settings["model"]], entry.parents)
