"""What every library looks like to the clock."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar, NamedTuple

import fastdgm as fd

OPERATIONS = ("sample", "log_prob", "fit")


class UnsuitableError(Exception):
    """A library that cannot be measured on a workload; the text is the reason."""


class Library:
    """A library on one network: rows, model and data in its own form are made here, outside the clock.

    A subclass defines those of the methods ``sample()``, ``log_prob()`` and ``fit()`` that the library offers;
    each handles all rows of ``samples`` (``sample`` draws as many) and returns the library's own result.
    """

    label: ClassVar[str]
    native: ClassVar[str]  # the form of its data
    threads: ClassVar[int] = 1
    note: ClassVar[str] = ""
    floor: ClassVar[bool] = False
    max_cells: ClassVar[Mapping[str, int]] = {}  # operation -> rows x variables of one call, for slow libraries
    max_rows: ClassVar[int] = 10**9  # larger workloads are left out
    max_variables: ClassVar[int] = 10**9  # larger networks are left out

    def __init__(self, net: fd.BayesNet, samples: fd.Samples) -> None:
        self.net = net
        self.samples = samples

    @property
    def n_rows(self) -> int:
        """Rows that each operation handles."""
        return len(self.samples)

    def refresh(self) -> None:
        """Called before each timed call, outside the clock."""

    @classmethod
    def offers(cls, operation: str) -> bool:
        """Whether the library has the operation at all."""
        return hasattr(cls, operation)

    @classmethod
    def rows_for(cls, operation: str, n_rows: int, n_vars: int) -> int:
        """Rows of one call: all, or as many as a slow library is given. Raises UnsuitableError."""
        if n_vars > cls.max_variables:
            raise UnsuitableError(f"too slow for networks of more than {cls.max_variables} variables")
        if n_rows > cls.max_rows:
            raise UnsuitableError(f"too slow for more than {cls.max_rows} rows")
        return min(n_rows, max(1, cls.max_cells.get(operation, 10**18) // n_vars))

    def call(self, operation: str) -> Any:
        """Run one of OPERATIONS."""
        return getattr(self, operation)()


class Family(NamedTuple):
    """A variable, its parents, and its table, with everything numbered by column."""

    column: int
    parents: tuple[int, ...]
    table: Any  # (parent configurations, states)
    strides: tuple[int, ...]  # of the parents, in configurations


def families(net: fd.BayesNet) -> list[Family]:
    """The network in topological order, as the hand-written versions read it."""
    position = {name: i for i, name in enumerate(net.names)}
    found = []
    for name in net.order:
        cpt = net[name]
        sizes = cpt.table.shape[:-1]
        strides = tuple(prod(sizes[i + 1 :]) for i in range(len(sizes)))
        parents = tuple(position[parent] for parent in cpt.parents)
        found.append(Family(position[name], parents, cpt.table.reshape(-1, cpt.n_states), strides))
    return found
