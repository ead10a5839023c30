"""The layer of every variable in a picture of a graph, parents above their children.

Variables are numbers in a topological order, and ``parents[v]`` and ``children[v]`` lists of them.
"""

from __future__ import annotations

from collections.abc import Sequence

Neighbours = Sequence[Sequence[int]]


def longest_path_layers(parents: Neighbours, children: Neighbours) -> list[int]:
    """Longest path from a root; variables with more children than parents are then pulled down to them."""
    layer = [0] * len(parents)
    for variable, own in enumerate(parents):
        layer[variable] = max((layer[parent] + 1 for parent in own), default=0)
    for variable in reversed(range(len(parents))):
        if len(children[variable]) > len(parents[variable]):
            layer[variable] = min(layer[child] for child in children[variable]) - 1
    return layer


def packed_layers(parents: Neighbours, children: Neighbours, widths: Sequence[float], widest: float) -> list[int]:
    """Layers of at most ``widest`` in all: depth first, so that families stay together and lines short.

    A variable is in the first layer with room below its parents, a root in that of the first family that needs it.
    """
    layer = [-1] * len(parents)
    shelves = _Shelves(widest, min(widths))
    for start in range(len(parents)):
        stack = [start]
        while stack:
            variable = stack.pop()
            if layer[variable] >= 0:
                continue
            waiting = [parent for parent in parents[variable] if layer[parent] < 0]
            deep = [parent for parent in waiting if parents[parent]]
            if deep:  # they come first, and with them their families
                stack += [variable, *deep]
                continue
            beside = max((layer[parent] for parent in parents[variable]), default=-1)
            for root in waiting:
                layer[root] = shelves.put(widths[root], max(beside, 0))
            below = max((layer[parent] + 1 for parent in parents[variable]), default=0)
            layer[variable] = shelves.put(widths[variable], below)
            for placed in (*waiting, variable):
                stack += [child for child in reversed(children[placed]) if layer[child] < 0]
    return layer


class _Shelves:
    """Shelves of one length that fill up: the first one with room is found without looking at full ones."""

    def __init__(self, length: float, smallest: float) -> None:
        self._length, self._smallest = length, smallest
        self._used: list[float] = []
        self._next: list[int] = []  # a shelf that may have room, at or after this one

    def put(self, width: float, lowest: int) -> int:
        """The first shelf from ``lowest`` with room for ``width``, which is then taken."""
        shelf = self._open(lowest)
        while self._used[shelf] and self._used[shelf] + width > self._length:
            shelf = self._open(shelf + 1)
        self._used[shelf] += width
        if self._used[shelf] + self._smallest > self._length:
            self._next[shelf] = shelf + 1
        return shelf

    def _open(self, shelf: int) -> int:
        """Follow full shelves to one that is not, and shorten the way for whoever comes next."""
        path = []
        while True:
            while shelf >= len(self._used):
                self._next.append(len(self._used))
                self._used.append(0.0)
            if self._next[shelf] == shelf:
                break
            path.append(shelf)
            shelf = self._next[shelf]
        for passed in path:
            self._next[passed] = shelf
        return shelf
