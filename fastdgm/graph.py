"""The directed acyclic graph of a network: order, the cycle when there is one, ancestors, blankets, d-separation."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from .errors import UnknownNameError
from .runtime.text import preview

Node = TypeVar("Node", str, int)


def check_parents(parents: Mapping[str, Sequence[str]]) -> None:
    """Every parent is a variable of the network."""
    for name, own in parents.items():
        for parent in own:
            if parent not in parents:
                raise UnknownNameError(
                    f"variable {name!r} has parent {parent!r}, which is not in the network; "
                    f"its {len(parents)} variables are {preview(parents)}"
                )


def children_of(parents: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The variables that have each one as a parent, in the order of declaration."""
    children: dict[str, list[str]] = {name: [] for name in parents}
    for name, own in parents.items():
        for parent in own:
            children[parent].append(name)
    return children


def topological_order(parents: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Parents before children, the earliest-declared ready variable first; a cycle is a ValueError that prints it."""
    names = list(parents)
    position = {name: i for i, name in enumerate(names)}
    waiting = {name: len(own) for name, own in parents.items()}
    children = children_of(parents)
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


def reached(names: Iterable[Node], neighbours: Mapping[Node, Sequence[Node]]) -> set[Node]:
    """The variables and all that one comes to from them: by parents their ancestors, by children their descendants.

    What is no ancestor of anything observed sums to one (barren nodes).

    Examples
    --------
    >>> sorted(reached(["c"], {"a": [], "b": ["a"], "c": ["b"], "d": ["a"]}))
    ['a', 'b', 'c']
    """
    found: set[Node] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(neighbours[name])
    return found


def markov_blanket(name: str, parents: Mapping[str, Sequence[str]]) -> set[str]:
    """Parents, children, and the children's other parents.

    Examples
    --------
    >>> sorted(markov_blanket("a", {"a": ["p"], "p": [], "b": [], "c": ["a", "b"], "d": ["c"]}))
    ['b', 'c', 'p']
    """
    children = [child for child, own in parents.items() if name in own]
    return {*parents[name], *children, *(other for child in children for other in parents[child])} - {name}


def d_connected(names: Iterable[str], given: Collection[str], parents: Mapping[str, Sequence[str]]) -> set[str]:
    """The variables to which an active trail leads from these ones: all others are d-separated from them.

    Every edge is walked at most twice, once each way (Koller and Friedman 2009, algorithm 3.1; Shachter 1998): a trail
    goes on through a variable that is not given, and turns back to a parent at one that is given, or has a given
    descendant.

    Examples
    --------
    >>> parents = {"a": [], "b": [], "c": ["a", "b"]}
    >>> sorted(d_connected(["a"], [], parents)), sorted(d_connected(["a"], ["c"], parents))
    (['a', 'c'], ['a', 'b'])
    """
    known, above_known = set(given), reached(given, parents)
    children = children_of(parents)
    waiting = deque((name, False) for name in names)
    visited: set[tuple[str, bool]] = set()
    while waiting:
        name, from_parent = place = waiting.popleft()
        if place in visited:
            continue
        visited.add(place)
        if name not in known:
            waiting.extend((child, True) for child in children[name])
        goes_up = name in above_known if from_parent else name not in known
        if goes_up:
            waiting.extend((parent, False) for parent in parents[name])
    return {name for name, _ in visited} - known
