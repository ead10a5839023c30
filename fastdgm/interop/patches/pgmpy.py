"""What ``fd.patch("pgmpy")`` replaces."""

from __future__ import annotations

from importlib import import_module, util

from .replacement import Replacement

PARTS = ("pgmpy_sampling", "pgmpy_files", "pgmpy_inference", "pgmpy_learning", "pgmpy_prediction")


def replacements() -> list[Replacement]:
    """Of all parts; importing them imports pgmpy, and changes nothing in it."""
    found: list[Replacement] = []
    for part in PARTS:
        if util.find_spec(f".{part}", __package__) is not None:
            found += import_module(f".{part}", __package__).replacements()
    return found
