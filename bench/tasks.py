"""What one measurement of the autoregressive models consists of: tasks, timed in turn, round by round."""

from __future__ import annotations

import gc
import math
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from clock import Contestant, summary, timed

SHORTEST_S = 0.002  # shorter calls are repeated within one reading of the clock
MAX_CALLS = 1000

Record = dict[str, Any]

LABELS = {
    "fastdgm": "fastdgm",
    "naive": "torch, one pass per variable",
    "prefix-loop": "torch, incremental loop",
    "torch-masked": "torch, one pass, masks at every call",
    "torch-baked": "torch, one pass, masks applied beforehand",
    "halved-mm": "floor: torch.mm of the unmasked half",
    "step-loop": "torch, O(H) per variable",
    "step-loop-ones": "torch, O(H) per variable, rows with a 1 only",
    "zuko": "zuko",
    "nflows": "nflows",
    "numpy": "NumPy",
    "read": "floor: read the bytes",
    "torch-adam": "torch, Adam",
    "torch-adam-fused": "torch, Adam (fused)",
}


class Task(NamedTuple):
    """One method at one operation. The seconds of a call times ``scale`` are those of the whole work."""

    operation: str
    method: str
    call: Callable[[], Any]
    threads: int = 1
    scale: float = 1.0
    rounds: int | None = None  # fewer than the others': slow methods, which are not warmed up by a whole call either
    note: str = ""


def ours(operation: str, threads: int, call: Callable[[], Any], note: str = "") -> Task:
    """A call of fastdgm's public methods on so many threads."""
    return Task(operation, "fastdgm", call, threads, note=note)


def measure(tasks: Sequence[Task], rounds: int, about: Record) -> list[Record]:
    """Every task once per round, each round starting one further on; one record per task."""
    calls = [1 if task.rounds else _calls(task) for task in tasks]
    contestants = [_contestant(task, n) for task, n in zip(tasks, calls, strict=True)]
    seconds: list[list[float]] = [[] for _ in tasks]
    gc.collect()
    gc.disable()
    try:
        for number in range(rounds):
            for i in range(len(tasks)):
                at = (i + number) % len(tasks)
                limit = tasks[at].rounds
                if limit is None or number < limit:
                    seconds[at].append(timed(contestants[at]) / calls[at] * tasks[at].scale)
    finally:
        gc.enable()
    return [_record(about, *each) for each in zip(tasks, seconds, calls, strict=True)]


def _contestant(task: Task, calls: int) -> Contestant:
    def repeated() -> Any:
        for _ in range(calls - 1):
            task.call()
        return task.call()

    def set_threads() -> None:
        os.environ["FASTDGM_NUM_THREADS"] = str(task.threads)

    return Contestant(repeated, set_threads)


def _calls(task: Task) -> int:
    """Warms up; how many calls a reading of the clock takes."""
    once = _contestant(task, 1)
    timed(once)
    return min(MAX_CALLS, max(1, math.ceil(SHORTEST_S / timed(once))))


def _record(about: Record, task: Task, seconds: list[float], calls: int) -> Record:
    return {
        **about,
        "operation": task.operation,
        "method": task.method,
        "label": LABELS[task.method],
        "threads": task.threads,
        **summary(seconds),
        "rounds": len(seconds),
        "calls": calls,
        "scale": task.scale,
        "note": task.note,
    }


def check(about: Record, what: str, value: float, limit: float) -> Record:
    """One line of the checks: a difference between methods and the largest that is allowed."""
    return {**about, "check": what, "value": float(f"{value:.3g}"), "limit": limit, "passed": bool(value <= limit)}
