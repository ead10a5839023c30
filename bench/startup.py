"""What comes before speed: import, first calls cold and cached, reading, lowering, peak memory of the command line.

    python bench/startup.py            # about three minutes
    python bench/startup.py --quick --no-save

Every measurement is a process of its own (``fresh.py``). This one imports no NumPy: a child's peak memory
counts what its parent held when it was started.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from fresh import ONE_LINE_KERNEL
from machine import machine_info, write_results
from targets import print_rows, startup_rows
from workloads import SHARED_DATA

HERE = Path(__file__).parent
READING_TARGETS = {"munin": 1.0, "diabetes": 1.5, "link": 0.5}  # seconds
LOWERING_TARGETS = {"alarm": 0.05, "munin": 1.0}  # seconds
COMMAND_LINE = "import sys; from fastdgm.cli.program import main; sys.exit(main())"

Record = dict[str, Any]


def fresh(*arguments: str, cache: str | None = None) -> dict[str, float]:
    """Run one measurement in a new process, with a numba cache folder of its own where one is given."""
    environment = os.environ | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    command = [sys.executable, str(HERE / "fresh.py"), *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def line(what: str, value: float, unit: str, target: float | None = None) -> Record:
    """One line of the results."""
    return {"what": what, "value": float(f"{value:.4g}"), "unit": unit, "target": target}


def medians(runs: list[dict[str, float]]) -> dict[str, float]:
    """Key by key."""
    return {key: median(run[key] for run in runs) for key in runs[0]}


def imports(rounds: int) -> list[Record]:
    """import fastdgm beside import numpy, alternating."""
    found: dict[str, list[float]] = {"numpy": [], "fastdgm": []}
    for _ in range(rounds):
        for name, own in found.items():
            own.append(fresh("import_module", name)["import_s"])
    numpy, fastdgm = median(found["numpy"]), median(found["fastdgm"])
    return [
        line("import numpy", numpy, "s"),
        line("import fastdgm", fastdgm, "s"),
        line("import fastdgm, above import numpy", fastdgm - numpy, "s", 0.1),
    ]


def first_calls(cold_runs: int, cached_runs: int) -> list[Record]:
    """First calls in new processes: with an empty cache, and with a full one beside a one-line cached kernel."""
    cold, cached, kernel = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "one_line.py").write_text(ONE_LINE_KERNEL)
        for _ in range(cold_runs):
            with tempfile.TemporaryDirectory() as empty:
                cold.append(fresh("first_calls", cache=empty))
        full = str(Path(folder, "cache"))
        fresh("one_line_kernel", folder, cache=full)
        fresh("first_calls", cache=full)
        for _ in range(cached_runs):
            kernel.append(fresh("one_line_kernel", folder, cache=full)["kernel_s"])
            cached.append(fresh("first_calls", cache=full))
    return first_call_lines(medians(cold), medians(cached), median(kernel))


def first_call_lines(cold: dict[str, float], cached: dict[str, float], kernel: float) -> list[Record]:
    """The two calls that have targets, and the others."""
    log_prob, sample = cached["log_prob_s"], cached["sample_s"]
    return [
        line("cold first log_prob (numba's import included)", cold["log_prob_s"], "s", 6.0),
        line("cold first sample, after log_prob", cold["sample_s"], "s", 6.0),
        line("cold first log_prob of int64 rows, after those", cold["log_prob_int64_rows_s"], "s"),
        line("cold first fit, after those", cold["fit_s"], "s"),
        line("one-line cached numba kernel (numba's import included)", kernel, "s"),
        line("cached first log_prob, above that kernel", log_prob - kernel, "s", 0.2),
        line("cached first sample, after log_prob", sample, "s", 0.2),
        line("cached first log_prob then sample, both above that kernel", log_prob + sample - kernel, "s"),
        line("cached first log_prob of int64 rows, after those", cached["log_prob_int64_rows_s"], "s"),
        line("cached first fit, after those", cached["fit_s"], "s"),
    ]


def networks(runs: int) -> list[Record]:
    """Reading and lowering; networks that are not at hand are named and left out."""
    found = []
    for network, target in READING_TARGETS.items():
        file = SHARED_DATA / "bif" / f"{network}.bif.gz"
        if file.exists():
            seconds = median(fresh("read", str(file))["read_s"] for _ in range(runs))
            found.append(line(f"read {network}.bif.gz", seconds, "s", target))
        else:
            print(f"left out: reading {network}, {file} is absent")
    for network, target in LOWERING_TARGETS.items():
        if network != "alarm" and not (SHARED_DATA / "bif" / f"{network}.bif.gz").exists():
            print(f"left out: lowering {network}, it is not in {SHARED_DATA}")
            continue
        lowered = fresh("lowering", network)
        found.append(line(f"lower {network}", lowered["lowering_s"], "s", target))
        found.append(line(f"plans of {network}", lowered["plan_bytes"] / 2**20, "MiB"))
    return found


def parquet(n_rows: int) -> list[Record]:
    """Time and peak memory of ``fastdgm sample alarm`` into a Parquet file."""
    if not hasattr(os, "wait4"):
        print("left out: peak memory, this system does not report it")
        return []
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "alarm.parquet")
        arguments = ["sample", "alarm", "-n", str(n_rows), "--seed", "0", "-o", str(output)]
        start = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-c", COMMAND_LINE, *arguments], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise RuntimeError(f"fastdgm {' '.join(arguments)} failed with {child.returncode}")
        size = output.stat().st_size
    peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)  # macOS counts bytes, Linux KiB
    what = f"{n_rows:,} rows x 37 to Parquet: "
    return [
        line(what + "peak memory", peak, "MiB", 500 * 1e6 / 2**20),
        line(what + "whole command", seconds, "s"),
        line(what + "file", size / 2**20, "MiB"),
    ]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measure start-up costs; see the top of this file.")
    parser.add_argument("--quick", action="store_true", help="few repetitions, few rows: only to try the script")
    parser.add_argument("--no-save", action="store_true", help="do not write results/startup.json")
    chosen = parser.parse_args()
    quick = chosen.quick
    found = imports(2 if quick else 11)
    found += first_calls(1, 1) if quick else first_calls(3, 7)
    found += networks(1 if quick else 5)
    found += parquet(100_000 if quick else 10_000_000)
    results = {"machine": machine_info(), "results": found}
    print_rows(startup_rows(results))
    if not chosen.no_save:
        print(f"\nwritten: {write_results('startup', results)}")


if __name__ == "__main__":
    main()
