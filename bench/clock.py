"""Interleaved timing: every contestant runs once per round, so that a slow minute of the machine hits all alike."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Hashable, Mapping
from statistics import median
from time import perf_counter, process_time, sleep
from typing import Any, NamedTuple, TypeVar

SHORTEST_S = 0.002  # shorter calls are repeated within one reading of the clock
MAX_CALLS = 1000
PAUSE_S = 0.005  # a thread that spins shows in it
MAX_PAUSES = 200

Name = TypeVar("Name", bound=Hashable)


class Contestant(NamedTuple):
    """Something to time, and what must happen before each reading of the clock, outside it."""

    call: Callable[[], Any]
    prepare: Callable[[], None] = lambda: None
    repeatable: bool = True  # False: a call needs ``prepare`` before it, so a reading is one call
    rounds: int | None = None  # at most so many: slow contestants, which are not warmed up either
    scale: float = 1.0  # the whole work, in calls: where only a part of it is timed


class Readings(NamedTuple):
    """Seconds of the whole work, one per round, and how many calls each is the mean of."""

    seconds: list[float]
    calls: int

    def summary(self) -> dict[str, float]:
        """Median, fastest and slowest, to four digits, and how they were found."""
        found = {"median_s": median(self.seconds), "fastest_s": min(self.seconds), "slowest_s": max(self.seconds)}
        digits = {name: float(f"{value:.4g}") for name, value in found.items()}
        return {**digits, "rounds": len(self.seconds), "calls": self.calls}


def interleaved(
    contestants: Mapping[Name, Contestant], rounds: int, now: Callable[[], float] = perf_counter
) -> dict[Name, Readings]:
    """All contestants in turn, ``rounds`` times after a warm-up, each round starting one further on."""
    names = list(contestants)
    gc.disable()
    try:
        readings = {name: Readings([], calls_per_reading(own, now)) for name, own in contestants.items()}
        for number in range(rounds):
            gc.collect()
            first = number % len(names) if names else 0
            for name in names[first:] + names[:first]:
                own, (seconds, calls) = contestants[name], readings[name]
                if own.rounds is None or number < own.rounds:
                    settle()
                    seconds.append(timed(own, calls, now) / calls * own.scale)
    finally:
        gc.enable()
    return readings


def settle() -> None:
    """Waits until no thread of this process is busy: those of OpenMP spin for a while after their work is done, on the
    cores that the next contestant needs."""
    for _ in range(MAX_PAUSES):
        before = process_time()
        sleep(PAUSE_S)
        if process_time() - before < PAUSE_S / 5:
            return


def calls_per_reading(contestant: Contestant, now: Callable[[], float]) -> int:
    """Warms up; how many calls last long enough to be read from the clock."""
    if contestant.rounds is not None:
        return 1
    timed(contestant, 1, now)
    if not contestant.repeatable:
        return 1
    return min(MAX_CALLS, max(1, math.ceil(SHORTEST_S / max(1e-9, timed(contestant, 1, now)))))


def timed(contestant: Contestant, calls: int, now: Callable[[], float]) -> float:
    """Seconds of so many calls; the last result is freed after the clock has stopped."""
    contestant.prepare()
    start = now()
    for _ in range(calls - 1):
        contestant.call()
    result = contestant.call()
    stop = now()
    del result
    return stop - start
