"""Interleaved timing: every contestant runs once per round, so that a slow minute of the machine hits all alike."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple


class Contestant(NamedTuple):
    """Something to time, and what must happen before each call, outside the clock."""

    call: Callable[[], Any]
    prepare: Callable[[], None] = lambda: None


def interleaved(contestants: Mapping[str, Contestant], rounds: int) -> dict[str, list[float]]:
    """Seconds of every call, by contestant: one warm-up, then ``rounds`` rounds, each starting one further on."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    gc.collect()
    gc.disable()
    try:
        for name in names:
            timed(contestants[name])
        for i in range(rounds):
            first = i % len(names) if names else 0
            for name in names[first:] + names[:first]:
                seconds[name].append(timed(contestants[name]))
    finally:
        gc.enable()
    return seconds


def timed(contestant: Contestant) -> float:
    """Seconds of one call; its result is freed after the clock has stopped."""
    contestant.prepare()
    start = perf_counter()
    result = contestant.call()
    stop = perf_counter()
    del result
    return stop - start


def summary(seconds: list[float]) -> dict[str, float]:
    """Median, fastest and slowest, to four digits."""
    found = {"median_s": median(seconds), "fastest_s": min(seconds), "slowest_s": max(seconds)}
    return {name: float(f"{value:.4g}") for name, value in found.items()}
