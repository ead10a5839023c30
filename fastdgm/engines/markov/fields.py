"""What the file of a Markov chain says about it, checked by name and type before its values are looked at."""

from __future__ import annotations

from typing import Any, get_args

import numpy.typing as npt

from ...data.sequences import Kind
from ...data.vocabularies import check_characters
from .counts import Counts

Array = npt.NDArray[Any]

# The type of every field, all of which must be there; "columns" may be, too.
FIELDS: dict[str, tuple[type, ...]] = {
    "order": (int,),
    "n_vars": (int, type(None)),
    "n_states": (int,),
    "vocabulary": (list, type(None)),
    "position_dependent": (bool,),
    "smoothing": (str,),
    "alpha": (int, float),
    "kind": (str, type(None)),
}


def check_fields(structure: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Refuse what ``_state`` cannot have written, before its values are looked at."""
    if set(structure) - {"columns"} != set(FIELDS):
        raise KeyError(
            f"fields must be {sorted(FIELDS)}, missing or too many: {sorted(set(structure) ^ set(FIELDS))!s:.200}"
        )
    for name, types in FIELDS.items():
        if type(structure[name]) not in types:
            allowed = " or ".join(kind.__name__ for kind in types)
            raise TypeError(f"{name} must be {allowed}, got {structure[name]!r:.60}")
    if set(arrays) != set(Counts._fields):
        raise KeyError(f"arrays must be {list(Counts._fields)}, got {sorted(arrays)}")


def check_kind(kind: str | None, n_vars: int | None, vocabulary: tuple[str, ...] | None) -> None:
    """Rows have no kind; text needs a vocabulary of characters, tokens any."""
    if kind not in (get_args(Kind) if n_vars is None else (None,)):
        raise ValueError(f"kind {kind!r:.60} does not fit n_vars {n_vars}")
    if kind in ("text", "tokens") and vocabulary is None:
        raise ValueError(f"kind {kind!r} needs a vocabulary")
    if kind == "text" and vocabulary is not None:
        check_characters(vocabulary)
