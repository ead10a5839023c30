"""Every row of the benchmark, for pytest-benchmark.

    pytest bench --benchmark-only -k "alarm-100k/log_prob"
    pytest bench --benchmark-only -k "made-784-500-1000 and fastdgm" --benchmark-autosave

``run.py`` is the measurement that speed claims rest on: it interleaves the libraries. This one is for looking at one
of them closely; ``pytest-benchmark compare`` sets saved runs side by side.
``--rows N`` takes at most N rows of each workload.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest
from peers.base import UnsuitableError
from rows import Bench, Row, rows_of
from startup import ROWS
from workloads import SUITES, Workload

pytestmark = pytest.mark.filterwarnings("default")  # rivals' deprecations

EVERY_ROW = [row for workloads in SUITES.values() for workload in workloads for row in rows_of(workload)]


@lru_cache(maxsize=1)
def opened(workload: Workload, n_rows: int | None) -> Bench:
    return Bench(workload, n_rows)


@pytest.mark.parametrize("row", EVERY_ROW, ids=lambda row: row.name)
def test_row(benchmark: Any, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config, row: Row) -> None:
    """One operation of one library; ``extra_info`` has its rows, and its scale where a part of the work is timed."""
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "1")  # put back afterwards, whatever the library sets
    try:
        bench = opened(row.workload, pytestconfig.getoption("--rows"))
        contestant = bench.contestant(row)
    except UnsuitableError as reason:
        pytest.skip(str(reason))
    benchmark.group = f"{row.workload.name} {row.operation}"
    benchmark.extra_info["rows"] = bench.peer(row).n_rows
    benchmark.extra_info["variables"] = bench.subject.variables
    benchmark.extra_info["scale"] = contestant.scale
    rounds = contestant.rounds or 7
    warmup = 0 if contestant.rounds else 1
    benchmark.pedantic(contestant.call, setup=contestant.prepare, rounds=rounds, warmup_rounds=warmup, iterations=1)


@pytest.mark.parametrize("name", ROWS)
def test_startup(benchmark: Any, name: str) -> None:
    """A whole process is timed; ``extra_info`` has what that process measured inside itself."""
    row = ROWS[name]
    if row.file is not None and not row.file.exists():
        pytest.skip(f"optional data file {row.file} is absent")
    benchmark.group = "start-up"
    benchmark.extra_info["inside"] = benchmark.pedantic(
        row.measure, rounds=min(7, row.rounds), warmup_rounds=int(row.fills_cache), iterations=1
    )
