"""A program of another library's users, with its own code and with ours behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Pair(NamedTuple):
    """One call, both ways. Each is called afresh in every round; what it returns is not looked at."""

    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    theirs_scale: float = 1.0  # where theirs is given less to do: how many times ours has to do


class Program(NamedTuple):
    """What is measured, and how many times as fast ours is to be, where that was asked for."""

    name: str
    needs: tuple[str, ...]  # packages
    target: float | None
    make: Callable[[], Pair]  # prepares data and models, and warms both up
    rounds: int = 7
    note: str = ""  # what a reader of the figure must know
