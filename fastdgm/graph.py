"""The directed acyclic graph of a network: order, edges, and the cycle when there is one."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from .errors import UnknownNameError
from .runtime.text import preview


def check_parents(parents: Mapping[str, Sequence[str]]) -> None:
    """Every parent is a variable of the network."""
    for name, own in parents.items():
        for parent in own:
            if parent not in parents:
                raise UnknownNameError(
                    f"variable {name!r} has parent {parent!r}, which is not in the network; "
                    f"its {len(parents)} variables are {preview(parents)}"
                )


def topological_order(parents: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Parents before children, the earliest-declared ready variable first; a cycle is a ValueError that prints it."""
    names = list(parents)
    position = {name: i for i, name in enumerate(names)}
    waiting = {name: len(own) for name, own in parents.items()}
    children: dict[str, list[str]] = {name: [] for name in names}
    for name, own in parents.items():
        for parent in own:
            children[parent].append(name)
    ready = [position[name] for name in names if waiting[name] == 0]  # sorted, hence a heap
    order: list[str] = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        for child in children[name]:
            waiting[child] -= 1
            if waiting[child] == 0:
                heapq.heappush(ready, position[child])
    if len(order) < len(names):
        raise ValueError(f"a Bayes net has no cycle, got {' -> '.join(_find_cycle(parents, set(order)))}")
    return tuple(order)


def _find_cycle(parents: Mapping[str, Sequence[str]], done: set[str]) -> list[str]:
    """Walk from parent to parent among the unordered variables until one repeats."""
    name = next(name for name in parents if name not in done)
    path: dict[str, int] = {}
    while name not in path:
        path[name] = len(path)
        name = next(parent for parent in parents[name] if parent not in done)
    cycle = list(path)[path[name] :][::-1]
    return [cycle[-1], *cycle]
