"""The rows of the benchmark: one operation of one library on one workload, with so many threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from time import perf_counter
from typing import Any, NamedTuple

from clock import Contestant, Readings, interleaved
from peers import PEERS
from peers.base import Peer, Subject, UnsuitableError
from workloads import Workload

Record = dict[str, Any]


class Row(NamedTuple):
    """What is timed."""

    workload: Workload
    operation: str
    peer: type[Peer]
    threads: int

    @property
    def name(self) -> str:
        """For example ``alarm-1M/sample/fastdgm-2t``; what ``pytest -k`` and ``run.py --only`` select by."""
        return f"{self.workload.name}/{self.operation.replace(' ', '_')}/{self.peer.library}-{self.threads}t"


def rows_of(workload: Workload) -> Iterator[Row]:
    """Every row of a workload, whether or not it can be measured here."""
    for peer in PEERS[workload.family]:
        for operation in peer.operations:
            for threads in peer.thread_counts(workload.threads):
                yield Row(workload, operation, peer, threads)


def cores() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def missing(packages: Sequence[str]) -> list[str]:
    """Those that are not installed."""
    return [package for package in packages if find_spec(package) is None]


class Bench:
    """A workload's subject, and the peers that have been opened on it."""

    def __init__(self, workload: Workload, n_rows: int | None = None) -> None:
        """Raises UnsuitableError where the workload's data or libraries are missing."""
        self.workload = workload
        if absent := missing(workload.needs):
            raise UnsuitableError(f"not installed: {', '.join(absent)}")
        self.n_rows = min(workload.rows, n_rows or workload.rows)
        self.subject: Subject = workload.make(self.n_rows)
        self._open: dict[tuple[type[Peer], int, int], Peer] = {}

    def peer(self, row: Row) -> Peer:
        """The library ready for the operation, on the first rows only where it is slow.

        Raises UnsuitableError with the reason: not installed, too few cores, too slow.
        """
        if absent := missing(row.peer.needs):
            raise UnsuitableError(f"not installed: {', '.join(absent)}")
        if row.threads > cores():
            raise UnsuitableError(f"needs {row.threads} cores, this machine has {cores()}")
        own = min(self.n_rows, self.workload.rows_of(row.peer.library, row.operation))
        n_rows = row.peer.rows_for(row.operation, own, self.subject.variables)
        key = row.peer, n_rows, row.threads
        if key not in self._open:
            try:
                self._open[key] = row.peer(self.subject, n_rows, row.threads)
            except ImportError as error:
                raise UnsuitableError(f"cannot be imported ({error})") from None
        return self._open[key]

    def contestant(self, row: Row) -> Contestant:
        """For the clock."""
        peer = self.peer(row)
        call: Callable[[], Any] = partial(row.peer.operations[row.operation], peer)
        scale = peer.scale * self.workload.scale
        return Contestant(call, peer.prepare, peer.repeatable, peer.max_rounds.get(row.operation), scale)

    def measure(
        self, rows: Sequence[Row], rounds: int, now: Callable[[], float] = perf_counter
    ) -> tuple[list[Record], list[Record]]:
        """Records of the rows, all taking turns, and which were left out and why."""
        contestants: dict[Row, Contestant] = {}
        left_out: list[Record] = []
        for row in rows:
            try:
                contestants[row] = self.contestant(row)
            except UnsuitableError as reason:
                left_out.append({"row": row.name, "reason": str(reason)})
        found = interleaved(contestants, rounds, now)
        return [self.record(row, readings) for row, readings in found.items()], left_out

    def record(self, row: Row, readings: Readings) -> Record:
        """One line of the results; ``rows`` are those of a call, fewer than the workload's for slow libraries."""
        peer = self.peer(row)
        return {
            "workload": self.workload.name,
            "model": self.workload.model,
            "operation": row.operation,
            "library": row.peer.library,
            "label": row.peer.label,
            "threads": row.threads,
            "variables": self.subject.variables,
            "rows": round(peer.n_rows * self.workload.scale),
            **readings.summary(),
            "scale": peer.scale * self.workload.scale,
            "native": row.peer.native,
            "note": row.peer.note,
        }
