"""What verbs do not do on a GPU: said, never done on the CPU unasked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TO_THE_CPU = 'copy the arrays to the CPU, by x.to("cpu") or .cpu()'


def not_on_card(what: str) -> TypeError:
    """The error for a verb, or an option of one, that has no loops for GPUs."""
    return TypeError(f"{what} has no loops for GPUs: {TO_THE_CPU}")


def refuse_on_card(verb: str, options: Mapping[str, Any]) -> None:
    """TypeError for the first of the options of a verb that is asked for, with another value than its default: None,
    False, or "exact" as a method."""
    for option, value in options.items():
        if value is not None and value is not False and value != "exact":
            raise not_on_card(f"{verb}({option}={value!r:.30})")
