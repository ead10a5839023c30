"""What every library looks like to the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, ClassVar, NamedTuple

import fastdgm as fd


class UnsuitableError(Exception):
    """A row that cannot be measured here; the text is the reason."""


class Subject(NamedTuple):
    """What all libraries of a workload are given."""

    model: Any  # fastdgm's
    rows: Any  # that are scored and learned from
    variables: int
    source: Any = None  # where rivals take their parameters from, if not from the model


class Peer:
    """A library on one workload: its model and data, in its own form, are made here, outside the clock.

    ``operations`` maps the name of an operation to the method that does it for all ``n_rows`` rows.
    """

    library: ClassVar[str]  # in the results
    label: ClassVar[str]  # in tables
    native: ClassVar[str] = ""  # the form of its data
    note: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ()  # packages
    operations: ClassVar[Mapping[str, Callable[[Any], Any]]]
    max_threads: ClassVar[int] = 1
    on_one_thread_too: ClassVar[bool] = False  # besides the workload's number of threads
    repeatable: ClassVar[bool] = True  # False: ``prepare`` must precede every call
    max_cells: ClassVar[Mapping[str, int]] = {}  # operation -> rows x variables of one call, for slow libraries
    max_rounds: ClassVar[Mapping[str, int]] = {}  # operation -> rounds, for very slow ones
    max_rows: ClassVar[int] = 10**9  # larger workloads are left out
    max_variables: ClassVar[int] = 10**9  # larger models are left out
    scale: float = 1.0  # calls of the whole work, where a call is a part of it

    def __init__(self, subject: Subject, n_rows: int, threads: int = 1) -> None:
        self.model, self.source = subject.model, subject.source
        self.rows = subject.rows[:n_rows]
        self.n_rows, self.threads, self.variables = n_rows, threads, subject.variables
        self.open()

    def open(self) -> None:
        """Makes what the operations need."""

    def prepare(self) -> None:
        """Called before each reading of the clock, outside it."""

    @classmethod
    def thread_counts(cls, threads: int) -> list[int]:
        """Numbers of threads that the library is measured with, on a workload for so many."""
        own = min(cls.max_threads, threads)
        return sorted({1, own}) if cls.on_one_thread_too else [own]

    @classmethod
    def rows_for(cls, operation: str, n_rows: int, n_vars: int) -> int:
        """Rows of one call: all, or as many as a slow library is given. Raises UnsuitableError."""
        if n_vars > cls.max_variables:
            raise UnsuitableError(f"too slow for more than {cls.max_variables} variables")
        if n_rows > cls.max_rows:
            raise UnsuitableError(f"too slow for more than {cls.max_rows} rows")
        return min(n_rows, max(1, cls.max_cells.get(operation, 10**18) // n_vars))


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
