"""Speed of the autoregressive models against torch, zuko, nflows and NumPy: medians, checks and targets.

    python bench/autoregressive.py                  # everything, about seven minutes
    python bench/autoregressive.py --quick --only made --no-save

A process per group of measurements and number of threads, so that no library's threads outlive their turn; within it
all methods take turns. fastdgm goes through its public methods with validation on; a rival gets its own native data,
prebuilt outside the clock. Groups are merged into results/autoregressive.json. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from autoregressive_groups import GROUPS
from machine import machine_info, read_results, write_results
from masked_groups import Settings
from targets import print_rows
from targets_autoregressive import autoregressive_rows
from tasks import Record

NAME = "autoregressive"
PEERS = ("fastdgm", "numpy", "numba", "torch", "zuko", "nflows")
FULL = Settings(rounds=7, slow_rounds=3, quick=False)
QUICK = Settings(rounds=2, slow_rounds=1, quick=True)


def run_alone(group: str, settings: Settings) -> tuple[list[Record], list[Record]]:
    """One group: what a process of its own runs."""
    warnings.simplefilter("ignore")  # rivals' deprecations
    threads, measurements = GROUPS[group]
    os.environ["FASTDGM_NUM_THREADS"] = str(threads)
    try:
        import torch
    except ImportError:
        if group not in ("markov", "first-calls"):
            raise
    else:
        torch.set_num_threads(threads)
    return measurements(settings)


def run(names: list[str], settings: Settings) -> tuple[list[Record], list[Record]]:
    """All groups in turn; one whose libraries are missing is left out and named."""
    records: list[Record] = []
    checks: list[Record] = []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for name in names:
        start = time.perf_counter()
        if GROUPS[name][0] > cores:
            print(f"left out: {name} needs {GROUPS[name][0]} cores, this machine has {cores}")
            continue
        try:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
                found, compared = alone.submit(run_alone, name, settings).result()
        except ImportError as error:
            print(f"left out: {name}, not installed ({error})")
            continue
        records += [{"group": name, **record} for record in found]
        checks += [{"group": name, **record} for record in compared]
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    return records, checks


def print_checks(checks: list[Record]) -> None:
    """How many agree, and which do not."""
    failed = [each for each in checks if not each["passed"]]
    print(f"\n{len(checks) - len(failed)} of {len(checks)} checks passed")
    for each in failed:
        print(f"  FAILED {each['model']}: {each['check']}: {each['value']:.3g}, allowed {each['limit']:.3g}")


def merged(names: list[str], new: dict[str, Any]) -> dict[str, Any]:
    """The kept results with these groups replaced."""
    old = read_results(NAME) or {"results": [], "checks": []}
    return new | {
        key: [each for each in old[key] if each["group"] in GROUPS and each["group"] not in names] + new[key]
        for key in ("results", "checks")
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measure the autoregressive models; see the top of this file.")
    parser.add_argument("--quick", action="store_true", help="few repetitions and sizes: only to try the script")
    parser.add_argument("--only", nargs="+", choices=list(GROUPS), help="these groups")
    parser.add_argument("--no-save", action="store_true", help=f"do not write results/{NAME}.json")
    chosen = parser.parse_args()
    names = chosen.only or list(GROUPS)
    settings = QUICK if chosen.quick else FULL
    machine = machine_info(PEERS)
    start = time.perf_counter()
    records, checks = run(names, settings)
    if hasattr(os, "getloadavg"):
        machine["load_average_after"] = os.getloadavg()[0]
    machine["seconds"] = round(time.perf_counter() - start)
    results: dict[str, Any] = {"machine": machine, "results": records, "checks": checks}
    print_checks(checks)
    print_rows(autoregressive_rows(results))
    if not chosen.no_save:
        print(f"\nwritten: {write_results(NAME, merged(names, results))}")


if __name__ == "__main__":
    main()
