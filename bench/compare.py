"""The measurement: all libraries of a workload in one process, interleaved rounds, medians, ratios and targets.

    python bench/compare.py                          # everything, about eight minutes
    python bench/compare.py --networks alarm --rows 2000 --rounds 3 --no-save

fastdgm goes through its public methods with validation on and its output allocated; a rival gets its own native
format, prebuilt outside the clock. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any

from clock import Contestant, interleaved, summary
from extras import all_extras
from libraries import LIBRARIES, open_library
from machine import machine_info, write_results
from peers.base import OPERATIONS, Library, UnsuitableError
from targets import MAIN, compare_rows, print_rows
from workloads import WORKLOADS, MissingNetworkError, Workload, load_network

import fastdgm as fd

Record = dict[str, Any]


def open_libraries(
    net: fd.BayesNet, samples: fd.Samples, operation: str, ready: dict[tuple[str, int], Library]
) -> tuple[dict[str, Library], dict[str, str]]:
    """Libraries by name, and the reasons why others are left out; ``ready`` keeps them for the next operation."""
    opened, reasons = {}, {}
    for name, cls in LIBRARIES.items():
        try:
            key = name, cls.rows_for(operation, len(samples), len(net))
            if key not in ready or not cls.offers(operation):
                ready[key] = open_library(name, operation, net, samples)
            opened[name] = ready[key]
        except UnsuitableError as reason:
            reasons[name] = str(reason)
    return opened, reasons


def measure(workload: Workload, rounds: int) -> tuple[list[Record], list[Record]]:
    """All libraries and operations on one workload -> records, and what was left out."""
    try:
        net = load_network(workload.network)
    except MissingNetworkError as reason:
        return [], [{"workload": workload.name, "reason": str(reason)}]
    samples = net.sample(workload.n_rows, seed=0)
    found, left_out = [], []
    ready: dict[tuple[str, int], Library] = {}
    for operation in OPERATIONS:
        opened, reasons = open_libraries(net, samples, operation, ready)
        contestants = {
            name: Contestant(partial(library.call, operation), library.refresh) for name, library in opened.items()
        }
        for name, seconds in interleaved(contestants, rounds).items():
            found.append(record(workload, net, operation, name, opened[name], seconds))
        left_out += [
            {"workload": workload.name, "operation": operation, "library": name, "reason": reason}
            for name, reason in reasons.items()
            if not LIBRARIES[name].floor
        ]
    return found, left_out


def record(
    workload: Workload, net: fd.BayesNet, operation: str, name: str, library: Library, seconds: list[float]
) -> Record:
    """One line of the results; ``rows`` are those of a call, fewer than the workload's for slow libraries."""
    found = summary(seconds)
    return {
        "workload": workload.name,
        "operation": operation,
        "library": name,
        "label": library.label,
        "threads": library.threads,
        "variables": len(net),
        "rows": library.n_rows,
        "rounds": len(seconds),
        "ns_per_cell": float(f"{found['median_s'] / (library.n_rows * len(net)) * 1e9:.4g}"),
        **found,
        "native": library.native,
        "note": library.note,
    }


def measure_alone(
    workload: Workload, rounds: int, with_extras: bool
) -> tuple[list[Record], list[Record], list[Record]]:
    """``measure``, and the extras, of one workload: what a process of its own runs."""
    warnings.simplefilter("ignore")  # rivals' deprecations
    found, left_out = measure(workload, rounds)
    if not found or not with_extras:
        return found, left_out, []
    net = load_network(workload.network)
    return found, left_out, all_extras(net, net.sample(workload.n_rows, seed=0), rounds)


def run(workloads: Sequence[Workload], rounds: int) -> Record:
    """Everything, printed as it comes; a process per workload, so that no library's threads outlive their turn."""
    machine = machine_info()
    results: list[Record] = []
    left_out: list[Record] = []
    extras: list[Record] = []
    for workload in workloads:
        start = time.perf_counter()
        with_extras = workload.name == MAIN or len(workloads) == 1
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            found, skipped, own_extras = alone.submit(measure_alone, workload, rounds, with_extras).result()
        print_workload(workload, found, skipped)
        results += found
        left_out += skipped
        extras += own_extras
        print(f"  {time.perf_counter() - start:.0f} s", flush=True)
    if hasattr(os, "getloadavg"):
        machine["load_average_after"] = os.getloadavg()[0]
    return {"machine": machine, "results": results, "extras": extras, "left_out": left_out}


def print_workload(workload: Workload, found: list[Record], left_out: list[Record]) -> None:
    """ns per cell, one line to a library, and who was left out."""
    print(f"\n{workload.name}: ns per cell" + "".join(f"{operation:>12}" for operation in OPERATIONS))
    for name, cls in LIBRARIES.items():
        own = {r["operation"]: r for r in found if r["library"] == name}
        if own:
            cells = [f"{own[op]['ns_per_cell']:12.4g}" if op in own else f"{'-':>12}" for op in OPERATIONS]
            print(f"  {cls.label:34}" + "".join(cells))
    for reason in dict.fromkeys(f"{r.get('library', workload.network)}: {r['reason']}" for r in left_out):
        print(f"  left out: {reason}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Compare fastdgm with other libraries; see the top of this file.")
    networks = list(dict.fromkeys(workload.network for workload in WORKLOADS))
    parser.add_argument("--networks", nargs="+", choices=networks, help="only these")
    parser.add_argument("--rows", type=int, help="this many rows instead of the workloads' own")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-save", action="store_true", help="do not write results/compare.json")
    chosen = parser.parse_args()
    workloads: Sequence[Workload] = [w for w in WORKLOADS if not chosen.networks or w.network in chosen.networks]
    if chosen.rows:
        workloads = [Workload(network, chosen.rows) for network in dict.fromkeys(w.network for w in workloads)]
    results = run(workloads, chosen.rounds)
    print()
    print_rows(compare_rows(results))
    if not chosen.no_save:
        print(f"\nwritten: {write_results('compare', results)}")


if __name__ == "__main__":
    main()
