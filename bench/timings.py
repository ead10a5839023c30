"""What targets compare: medians of a run's results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

Record = dict[str, Any]


class Timing(NamedTuple):
    """A median of the results; of several libraries the fastest."""

    operation: str
    libraries: tuple[str, ...] = ("fastdgm",)
    threads: int = 1

    def find(self, records: Iterable[Record], workload: str) -> Record | None:
        """The record; None where it was not measured."""
        wanted = workload, self.operation, self.threads
        own = [r for r in records if (r["workload"], r["operation"], r["threads"]) == wanted]
        return min((r for r in own if r["library"] in self.libraries), key=lambda r: r["median_s"], default=None)


class Target(NamedTuple):
    """``above`` over the sum of ``below``: at least or at most ``limit``. Without ``below`` in ``unit``."""

    workload: str
    above: Timing
    below: tuple[Timing, ...]
    limit: float | None  # None: only to inform
    at_least: bool = True
    unit: str = "x"


def faster(workload: str, operation: str, rival: str, times: float, threads: int = 1) -> Target:
    """fastdgm on so many threads against a rival on one."""
    return Target(workload, Timing(operation, (rival,)), (Timing(operation, threads=threads),), times)


def scaling(workload: str, operation: str, times: float = 1.7) -> Target:
    """Two threads against one."""
    return Target(workload, Timing(operation), (Timing(operation, threads=2),), times)


def at_most(workload: str, above: Timing, below: tuple[Timing, ...], limit: float | None, unit: str = "x") -> Target:
    """A price that must stay low."""
    return Target(workload, above, below, limit, at_least=False, unit=unit)
