"""The measurement that speed claims rest on: interleaved rounds, medians, checks and targets.

    python bench/run.py                                  # everything, about half an hour; then: bench/report.py
    python bench/run.py tables                           # one suite by name: tables, evidence, start-up, ...
    python bench/run.py --only alarm-100k made-784-500-1000 --rows 100 --rounds 1    # a part, only to try it: not saved

A process per workload, so that no library's threads outlive their turn; within it all libraries take turns. fastdgm
goes through its public methods with validation on and its output allocated; a rival gets its own native format,
prebuilt outside the clock. Run it on an idle machine. ``pytest bench --benchmark-only`` has the same rows one by one.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from machine import machine_info, write_results
from startup import measure_startup
from targets import print_verdicts, verdicts
from workloads import SUITES, Workload

STARTUP = "start-up"

Record = dict[str, Any]


def measure_alone(
    name: str, n_rows: int | None, rounds: int, cpu_time: bool = False
) -> tuple[list[Record], list[Record], list[Record]]:
    """One workload -> records, checks, and what was left out: what a process of its own runs."""
    warnings.simplefilter("ignore")  # rivals' deprecations
    from checks import CHECKS
    from peers.base import UnsuitableError
    from rows import Bench, rows_of

    workload = next(each for suite in SUITES.values() for each in suite if each.name == name)
    try:
        bench = Bench(workload, n_rows)
    except UnsuitableError as reason:
        return [], [], [{"row": name, "reason": str(reason)}]
    rows = [row for row in rows_of(workload) if row.threads == 1 or not cpu_time]
    records, left_out = bench.measure(rows, rounds, time.process_time if cpu_time else time.perf_counter)
    checks = CHECKS[workload.family](bench.subject) if workload.family in CHECKS else []
    return records, [{"workload": name, **each} for each in checks], left_out


def run_suite(workloads: Sequence[Workload], n_rows: int | None, rounds: int, cpu_time: bool = False) -> Record:
    """All workloads in turn, printed as they come."""
    machine = machine_info() | {"clock": "processor time" if cpu_time else "wall clock"}
    start = time.perf_counter()
    results: Record = {"machine": machine, "results": [], "checks": [], "left_out": []}
    for workload in workloads:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            found, checks, left_out = alone.submit(measure_alone, workload.name, n_rows, rounds, cpu_time).result()
        print_workload(workload, found, left_out)
        results["results"] += found
        results["checks"] += checks
        results["left_out"] += left_out
    machine["load_average_after"] = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    machine["seconds"] = round(time.perf_counter() - start)
    return results


def print_workload(workload: Workload, found: Sequence[Record], left_out: Sequence[Record]) -> None:
    """A line per row, and who was left out."""
    print(f"\n{workload.name}", flush=True)
    for record in found:
        ns = record["median_s"] / (record["rows"] * record["variables"]) * 1e9
        threads = f"{record['threads']} thread{'s' * (record['threads'] > 1)}"
        print(f"  {record['operation']:28} {record['label']:46} {threads:10} {record['median_s']:10.4g} s", end="")
        print(f" {ns:10.4g} ns per cell")
    for reason in dict.fromkeys(f"{each['row']}: {each['reason']}" for each in left_out):
        print(f"  left out: {reason}")


def print_checks(checks: Sequence[Record]) -> None:
    """How many agree, and which do not."""
    failed = [each for each in checks if not each["passed"]]
    print(f"\n{len(checks) - len(failed)} of {len(checks)} checks passed")
    for each in failed:
        print(f"  FAILED {each['workload']}: {each['check']}: {each['value']:.3g}, allowed {each['limit']:.3g}")


def measure(suite: str, only: Sequence[str] | None, n_rows: int | None, rounds: int, cpu_time: bool) -> Record:
    """A suite, or the workloads of it that are named."""
    if suite == STARTUP:
        return {"machine": machine_info(), "results": measure_startup(rounds)}
    results = run_suite([each for each in SUITES[suite] if not only or each.name in only], n_rows, rounds, cpu_time)
    print_checks(results["checks"])
    return results


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measure the speed of fastdgm and others; see the top of this file.")
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"{', '.join(SUITES)}, {STARTUP}; all by default")
    parser.add_argument("--only", nargs="+", help="workloads by name; nothing is saved")
    parser.add_argument("--rows", type=int, help="at most so many rows; nothing is saved")
    parser.add_argument("--rounds", type=int, default=7, help="below 7 nothing is saved")
    parser.add_argument("--cpu-time", action="store_true", help="processor seconds of one thread: for a busy machine")
    chosen = parser.parse_args()
    if unknown := set(chosen.suites) - {*SUITES, STARTUP}:
        parser.error(f"no suite {', '.join(sorted(unknown))}")
    for suite in chosen.suites or (SUITES if chosen.only else (*SUITES, STARTUP)):
        results = measure(suite, chosen.only, chosen.rows, chosen.rounds, chosen.cpu_time)
        print_verdicts(verdicts(suite, results["results"]))
        if not chosen.only and not chosen.rows and chosen.rounds >= 7:
            print(f"\nwritten: {write_results(suite, results)}")


if __name__ == "__main__":
    main()
