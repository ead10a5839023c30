"""What public verbs do on the card, beside their rivals and the card's own limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from clock import Contestant, interleaved  # isort: skip

Record = dict[str, Any]


class Rival(NamedTuple):
    """Somebody who does the same on so many rows."""

    library: str
    label: str
    rows: int
    contestant: Contestant
    threads: int = 1


class Comparison(NamedTuple):
    """An operation of a model; the first rival is fastdgm on the card."""

    workload: str
    model: str
    operation: str
    variables: int
    rivals: list[Rival]
    limits: Mapping[str, float] = {}  # what the card must do at least for the rows of the first, in seconds
    checks: tuple[tuple[str, Callable[[], float], float], ...] = ()  # what is compared, how, the largest difference


def fastdgm(rows: int, call: Callable[[], Any]) -> Rival:
    """A public verb on the card."""
    return Rival("fastdgm", "fastdgm", rows, Contestant(call))


def own_cpu(rows: int, call: Callable[[], Any], threads: int = 2) -> Rival:
    """The same verb on the CPU; ``call`` uses as many threads as are set."""
    return Rival("own-cpu", "fastdgm on the CPU", rows, Contestant(call), threads)


def card_clock() -> float:
    """The time when the card is done with all that it was asked."""
    cuda.synchronize()
    return perf_counter()


def records_of(comparison: Comparison, rounds: int) -> Iterator[Record]:
    """One for each rival, and one for what limits the card most, which is no library's."""
    own = comparison.rivals[0]
    common = {
        "workload": comparison.workload, "model": comparison.model, "operation": comparison.operation,
        "variables": comparison.variables,
    }  # fmt: skip
    rivals = {rival.library: rival for rival in comparison.rivals}
    readings = interleaved({name: rival.contestant for name, rival in rivals.items()}, rounds, card_clock)
    for name, rival in rivals.items():
        who = {"library": name, "label": rival.label, "threads": rival.threads, "rows": rival.rows}
        yield common | who | readings[name].summary() | {"note": ""}
    if comparison.limits:
        name = max(comparison.limits, key=comparison.limits.__getitem__)
        found = {"median_s": float(f"{comparison.limits[name]:.4g}"), "note": "from rates measured in the same run"}
        who = {"library": "limit", "label": f"the card's limit: {name}", "threads": 1, "rows": own.rows}
        yield common | who | found


def checks_of(comparison: Comparison) -> Iterator[Record]:
    """Whether all compute the same."""
    for what, difference, limit in comparison.checks:
        value = difference()
        where = f"{comparison.workload} {comparison.operation}: {what}"
        yield {"check": where, "value": float(f"{value:.3g}"), "limit": limit, "passed": bool(value <= limit)}


def share_of_other_rows(own: np.ndarray, right: np.ndarray) -> float:
    """Of matrices (n, n_vars)."""
    return float((own != right).any(axis=1).mean())


def relative_gap(own: np.ndarray, right: np.ndarray) -> float:
    """The largest; numbers below one count as one."""
    return float((np.abs(own - right) / np.maximum(np.abs(right), 1.0)).max())
