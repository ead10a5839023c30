"""Every CUDA twin against its CPU loop on this machine's GPU: the same numbers, and how long each takes.

Run on a machine with a GPU: ``python bench/gpu/twins.py``; it writes ``bench/results/gpu_twins_<card>.json``. Public
methods do not reach the twins yet, so this launches kernels on arrays that are on the device already. With
``NUMBA_ENABLE_CUDASIM=1`` and ``--scale 1e-5`` it checks itself in numba's simulator and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numba import cuda
from twin_cases import Case, every_case

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from machine import machine_info, write_results

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
ROUNDS = 1 if SIMULATED else 7
THREADS = 4 if SIMULATED else 256


def on_device(argument: Any) -> Any:
    """A copy in the GPU's memory of an array, or of a tuple's arrays."""
    if isinstance(argument, tuple):
        return type(argument)(*map(on_device, argument))
    return cuda.to_device(np.ascontiguousarray(argument)) if isinstance(argument, np.ndarray) else argument


def difference(case: Case, outputs: list[np.ndarray]) -> float:
    """Largest relative difference of reals, or the share of rows that differ."""
    worst = 0.0
    for own, right in zip(outputs, case.expected, strict=True):
        if own.dtype.kind == "f" and case.tolerance > 0:
            with np.errstate(invalid="ignore"):
                gap = np.abs(own - right) / np.maximum(np.abs(right), 1e-3)
            worst = max(worst, float(np.nan_to_num(gap, nan=np.inf).max()))
        else:
            different = own != right
            if case.tolerance > 0:
                different = different.reshape(len(own), -1).any(axis=1)
            worst = max(worst, float(different.mean()))
    return worst


def device_seconds(twin: Any, grid: tuple[int, int], arguments: list[Any]) -> float:
    """Of one launch, by events on the device."""
    if SIMULATED:
        begin = perf_counter()
        twin[grid](*arguments)
        return perf_counter() - begin
    begin, end = cuda.event(), cuda.event()
    begin.record()
    twin[grid](*arguments)
    end.record()
    end.synchronize()
    return cuda.event_elapsed_time(begin, end) / 1e3


def seconds_of(call: Callable[[], Any]) -> float:
    begin = perf_counter()
    call()
    return perf_counter() - begin


def run(case: Case, copy_rate: float) -> dict[str, Any]:
    """Check a twin, then time it; the first launch, which compiles, is timed apart."""
    inputs = [on_device(argument) for argument in case.inputs]
    outputs = [cuda.to_device(array) for array in case.outputs]
    grid = (2 if SIMULATED else min(-(-case.rows // THREADS), 4096)), THREADS
    first = seconds_of(lambda: (case.twin[grid](*inputs, *outputs), cuda.synchronize()))
    gap = difference(case, [array.copy_to_host() for array in outputs])
    seconds = median(device_seconds(case.twin, grid, [*inputs, *outputs]) for _ in range(ROUNDS))
    cpu = median(seconds_of(case.cpu) for _ in range(3))
    return {
        "case": case.name,
        "rows": case.rows,
        "right": gap <= case.tolerance,
        "difference": float(f"{gap:.3g}"),
        "allowed": case.tolerance,
        "gpu_ns_per_cell": float(f"{seconds / case.cells * 1e9:.4g}"),
        "cpu_ns_per_cell": float(f"{cpu / case.cells * 1e9:.4g}"),
        "times_the_floor": float(f"{seconds / (case.n_bytes / copy_rate):.4g}"),
        "first_launch_s": float(f"{first:.3g}"),
    }


def measured_copy_rate(n: int) -> float:
    """Bytes per second, read plus written, of a copy on the device."""
    source, target = cuda.device_array(n, np.uint8), cuda.device_array(n, np.uint8)
    if SIMULATED:
        return 1e9
    target.copy_to_device(source)
    times = []
    for _ in range(7):
        begin, end = cuda.event(), cuda.event()
        begin.record()
        target.copy_to_device(source)
        end.record()
        end.synchronize()
        times.append(cuda.event_elapsed_time(begin, end) / 1e3)
    return 2 * n / median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    scale = parser.parse_args().scale
    warnings.filterwarnings("ignore", message=".*Grid size")
    copy_rate = measured_copy_rate(1000 if SIMULATED else 1 << 30)
    records = []
    for case in every_case(scale):
        try:
            records.append(run(case, copy_rate))
        except Exception as error:  # one broken twin must not hide the others
            records.append({"case": case.name, "right": False, "error": repr(error)[:2000]})
        print(records[-1], flush=True)
    if not SIMULATED:
        device = cuda.get_current_device()
        name = device.name.decode() if isinstance(device.name, bytes) else device.name
        card = name.lower().removeprefix("nvidia ").partition(" ")[0]  # "NVIDIA H100 80GB HBM3": h100
        gpu = {"name": name, "compute_capability": list(device.compute_capability)}
        gpu["copy_bytes_per_second"] = float(f"{copy_rate:.3g}")
        results = {"machine": machine_info() | {"gpu": gpu}, "cases": records}
        print("written to", write_results(f"gpu_twins_{card}", results))
    wrong = [record["case"] for record in records if not record["right"]]
    print(f"{len(records) - len(wrong)} of {len(records)} twins are right", *wrong, sep="\n  ")


if __name__ == "__main__":
    main()
