"""Public verbs on this machine's GPU beside their rivals and the card's limits, then every twin against its CPU loop.

``python bench/gpu/run.py`` takes less than five minutes on a card and keeps what it finds as
``bench/results/gpu_<card>.json``, which ``python bench/report.py`` puts into the pages. It needs numba-cuda; rivals in
torch are left out where torch is absent; no network, no files but those that are shipped. ``--size tiny`` takes a few
rows, which is enough to try the script in numba's simulator (``NUMBA_ENABLE_CUDASIM=1``); nothing is kept then.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from traceback import format_exception_only
from typing import Any

from numba import config, cuda

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import public_verbs
import twins
from comparison import checks_of, records_of
from machine import machine_info, write_results
from rates import Rates, measured_rates
from targets import print_verdicts, verdicts

import fastdgm as fd

ROUNDS = 1 if config.ENABLE_CUDASIM else 7
SIZES = {"full": public_verbs.FULL, "tiny": public_verbs.TINY}
THREADS = 2  # of the CPU
SUITE = "gpu"


def measure_public(rows: public_verbs.Rows, rates: Rates) -> dict[str, list[dict[str, Any]]]:
    """Results, checks, and what went wrong: one broken verb must not hide the others."""
    found: dict[str, list[dict[str, Any]]] = {"results": [], "checks": [], "failures": []}
    for name, part in public_verbs.PARTS.items():
        try:
            for comparison in part(rows, rates):
                found["results"] += records_of(comparison, ROUNDS)
                found["checks"] += checks_of(comparison)
        except Exception as error:
            found["failures"].append({"part": name, "error": "".join(format_exception_only(error)).strip()[:1000]})
        print(".", end="", flush=True)
    print()
    return found


def print_public(found: dict[str, list[dict[str, Any]]]) -> None:
    """Times, targets, and what is wrong."""
    for record in found["results"]:
        place = f"{record['workload']:18} {record['operation']:24} {record['label']:32}"
        print(f"{place} {record['rows']:>11} rows {record['median_s'] * 1e3:12.4f} ms")
    print()
    print_verdicts(verdicts(SUITE, found["results"]))
    wrong = [check for check in found["checks"] if not check["passed"]]
    print(f"\n{len(found['checks']) - len(wrong)} of {len(found['checks'])} checks passed", *wrong, sep="\n  ")
    print(*(f"FAILED: {own['part']}: {own['error']}" for own in found["failures"]), sep="\n")


def is_right(found: dict[str, list[dict[str, Any]]], cases: list[dict[str, Any]]) -> bool:
    """Whether nothing failed and all compute the same."""
    checks = all(check["passed"] for check in found["checks"]) and all(case["right"] for case in cases)
    return checks and not found["failures"]


def card() -> dict[str, Any]:
    """The name of the GPU and what numba compiles for."""
    device = cuda.get_current_device()
    name = device.name.decode() if isinstance(device.name, bytes) else device.name
    return {"name": name, "compute_capability": list(device.compute_capability)}


def rounded(rates: Rates) -> dict[str, float]:
    """To three digits, for the file."""
    return {f"{name}_per_second": float(f"{rate:.3g}") for name, rate in rates._asdict().items()}


def main() -> int:
    """Measure, print, keep; 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="full")
    size = parser.parse_args().size
    warnings.filterwarnings("ignore", message=".*Grid size")
    fd.set_num_threads(THREADS)
    machine, rates = machine_info(), measured_rates(public_verbs.alarm_plan_bytes(), ROUNDS)
    print(", ".join(f"{rate:.3g} {name.replace('_', ' ')}" for name, rate in rates._asdict().items()), "in a second\n")
    found = measure_public(SIZES[size], rates)
    print_public(found)
    cases: list[dict[str, Any]] = []
    try:
        twins.print_twins(twins.records_of(twins.SIZES[size], rates), cases)
    finally:  # also what was found before Ctrl-C
        if size == "full" and not config.ENABLE_CUDASIM:
            keep(machine, rates, found | {"cases": cases})
    return 0 if is_right(found, cases) else 1


def keep(machine: dict[str, Any], rates: Rates, found: dict[str, Any]) -> None:
    """As a file named after the card."""
    gpu = card() | rounded(rates)
    name = gpu["name"].lower().removeprefix("nvidia ").partition(" ")[0]  # "NVIDIA H100 80GB HBM3": h100
    print("kept as", write_results(f"gpu_{name}", {"machine": machine | {"gpu": gpu}} | found))


if __name__ == "__main__":
    sys.exit(main())
