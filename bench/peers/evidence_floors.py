"""What summing out must do anyway: its multiplications, row by row, and reading the codes."""

from __future__ import annotations

from math import prod
from typing import ClassVar

import numpy as np
from evidence_rows import MISSING, patterns

import fastdgm as fd

from .base import Peer
from .blas import BlasPeer
from .ours_evidence import of_patterns

COUNTED_ROWS = 50
WIDTH = 128  # of the matrices whose product is timed


class ReadPartial(Peer):
    """The codes once."""

    library, label = "read", "floor: read the bytes"
    operations: ClassVar = of_patterns("log_prob", lambda self, what: self.partial[what].max())

    def open(self) -> None:
        self.partial = patterns(self.model, self.rows)


class MultiplyAdds(BlasPeer):
    """As many multiply-adds as eliminating the hidden variables of these rows takes, in matrix products."""

    library, label = "multiply-adds", "floor: its multiply-adds in a matrix product"
    operations: ClassVar = of_patterns("log_prob", lambda self, what: np.matmul(self.left[what], self.right))

    def open(self) -> None:
        counter = Counter(self.model)
        random = np.random.default_rng(0)
        self.right, self.left = random.normal(size=(WIDTH, WIDTH)), {}
        for what, codes in patterns(self.model, self.rows[:COUNTED_ROWS]).items():
            each = np.mean([counter.multiply_adds(row == MISSING) for row in codes])
            n_rows = max(1, round(each * self.n_rows / WIDTH**2))
            self.left[what] = random.normal(size=(n_rows, WIDTH))


class Counter:
    """Counts the multiply-adds of variable elimination in one order, min-weight, for any set of hidden variables."""

    def __init__(self, net: fd.BayesNet) -> None:
        number = {name: i for i, name in enumerate(net.names)}
        self.sizes = [len(net.states[name]) for name in net.names]
        self.families = [(*(number[parent] for parent in net.parents[name]), i) for name, i in number.items()]
        self.topological = [number[name] for name in net.order]
        self.place = {v: i for i, v in enumerate(min_weight_order(self.families, self.sizes))}

    def multiply_adds(self, hidden: np.ndarray) -> int:
        """One for each observed family; the product of all tables and messages of a hidden variable, cell by cell."""
        buckets: dict[int, list[set[int]]] = {}

        def place(scope: set[int]) -> None:
            if scope:
                buckets.setdefault(min(scope, key=self.place.__getitem__), []).append(scope)

        families = [self.families[v] for v in self.needed(hidden)]
        for family in families:
            place({v for v in family if hidden[v]})
        total = len(families)
        for v in self.place:
            if own := buckets.pop(v, None):
                scope = set().union(*own)
                total += len(own) * prod(self.sizes[u] for u in scope)
                place(scope - {v})
        return total

    def needed(self, hidden: np.ndarray) -> list[int]:
        """The observed variables and their ancestors; the others sum to one."""
        known = {v for v in self.topological if not hidden[v]}
        for v in reversed(self.topological):
            if v in known:
                known.update(self.families[v])
        return sorted(known)


def min_weight_order(families: list[tuple[int, ...]], sizes: list[int]) -> list[int]:
    """Always the variable whose elimination makes the smallest table."""
    neighbours: dict[int, set[int]] = {v: set() for v in range(len(sizes))}
    for family in families:
        for v in family:
            neighbours[v].update(family)
    order = []
    while neighbours:
        v = min(neighbours, key=lambda each: (prod(sizes[u] for u in neighbours[each]), each))
        order.append(v)
        scope = neighbours.pop(v) - {v}
        for u in scope:
            neighbours[u] = (neighbours[u] | scope) - {v}
    return order
