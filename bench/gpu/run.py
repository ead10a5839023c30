"""Every CUDA twin against its CPU loop on this machine's GPU: the same numbers, how long each takes, how near the best.

Run on a machine with a GPU: ``python bench/gpu/run.py``. It prints a table and keeps it as
``bench/results/gpu_<card>.json``. Public methods do not reach the twins yet, so this launches those of the tables of
loops on arrays that are on the device already, in their own launch shape. ``--size tiny`` takes a few rows, which is
enough to try the script in numba's simulator (``NUMBA_ENABLE_CUDASIM=1``); nothing is kept then.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from case import Case
from gradient_cases import gradient_cases, noise_cases
from interval_cases import interval_cases
from junction_cases import junction_cases
from latent_cases import elimination_cases
from logistic_cases import logistic_cases
from markov_cases import dense_cases, sparse_cases
from matrix_cases import matrix_cases
from module_cases import module_cases
from moments_cases import moments_cases
from network_cases import adam_cases, made_cases, nade_cases
from numba import config, cuda
from rates import copy_rate, device_seconds, philox_rate
from scalar_cases import gaussian_cases, root_cases
from sliced_cases import sliced_cases
from table_cases import table_cases
from vector_cases import vector_cases

from fastdgm.engines.cuda_matrices import LOOPS as MATRIX_LOOPS
from fastdgm.engines.elimination.loops_cuda import LOOPS as ELIMINATION_LOOPS
from fastdgm.engines.gaussian.loops_cuda import LOOPS as GAUSSIAN_LOOPS
from fastdgm.engines.intervals.loops_cuda import LOOPS as INTERVAL_LOOPS
from fastdgm.engines.junction.loops_cuda import LOOPS as JUNCTION_LOOPS
from fastdgm.engines.junction.sliced_loops_cuda import LOOPS as SLICED_LOOPS
from fastdgm.engines.launch import Twin, launch
from fastdgm.engines.logistic.loops_cuda import LOOPS as LOGISTIC_LOOPS
from fastdgm.engines.markov.loops_cuda import LOOPS as MARKOV_LOOPS
from fastdgm.engines.masked.loops_cuda import LOOPS as MASKED_LOOPS
from fastdgm.engines.moments.loops_cuda import LOOPS as MOMENTS_LOOPS
from fastdgm.engines.multivariate.loops_cuda import LOOPS as VECTOR_LOOPS
from fastdgm.engines.nade.loops_cuda import LOOPS as NADE_LOOPS
from fastdgm.engines.roots.loops_cuda import LOOPS as ROOT_LOOPS
from fastdgm.engines.tables.loops_cuda import LOOPS as TABLE_LOOPS
from fastdgm.engines.torch.neural_loops_cuda import LOOPS as MODULE_LOOPS
from fastdgm.engines.torch.noise_cuda import LOOPS as NOISE_LOOPS

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from machine import machine_info, write_results

FAMILIES = {
    "tables": TABLE_LOOPS,
    "logistic": LOGISTIC_LOOPS,
    "gaussian": GAUSSIAN_LOOPS,
    "roots": ROOT_LOOPS,
    "elimination": ELIMINATION_LOOPS,
    "junction": JUNCTION_LOOPS,
    "sliced elimination": SLICED_LOOPS,
    "intervals": INTERVAL_LOOPS,
    "markov": MARKOV_LOOPS,
    "masked": MASKED_LOOPS,
    "matrices": MATRIX_LOOPS,
    "multivariate": VECTOR_LOOPS,
    "moments": MOMENTS_LOOPS,
    "nade": NADE_LOOPS,
    "neural": MODULE_LOOPS,
    "noise": NOISE_LOOPS,
}
ROUNDS = 1 if config.ENABLE_CUDASIM else 7
SIMULATED_THREADS = 4  # each is a Python thread
COLUMNS = ("case", "rows", "right", "gpu_ns_per_cell", "cpu_ns_per_cell", "share_of_copy", "share_of_philox")


class Rates(NamedTuple):
    """What the card does at best, in a second."""

    copied_bytes: float
    random_words: float


def full_size() -> Iterator[Case]:
    """The sizes of the results."""
    yield from table_cases("alarm", 4_000_000)
    yield from logistic_cases(200_000)
    yield from gaussian_cases(1_000_000, 100)
    yield from gradient_cases(200_000, 100)
    yield from noise_cases(1_000_000, 20)
    yield from root_cases(4_000_000)
    yield from vector_cases(100_000, 100)
    yield from interval_cases(10_000_000)
    yield from matrix_cases(200_000, 100)
    yield from made_cases(4096, 784, 500)
    yield from nade_cases(4096, 784, 500)
    yield from dense_cases(100_000, 100)
    yield from sparse_cases(100_000, 400_000)
    yield from adam_cases(20_000_000)
    yield from elimination_cases(500_000)
    yield from junction_cases("alarm", 4000, 1 << 14)
    yield from sliced_cases("alarm", 1000, 200, 1 << 14)
    yield from moments_cases(4_000_000)
    yield from module_cases(20_000, 784)


def tiny() -> Iterator[Case]:
    """Sizes for numba's simulator."""
    yield from table_cases("alarm", 16)
    yield from logistic_cases(16)
    yield from gaussian_cases(8, 3)
    yield from gradient_cases(8, 3)
    yield from noise_cases(8, 3)
    yield from root_cases(8)
    yield from vector_cases(8, 3)
    yield from interval_cases(8)
    yield from matrix_cases(8, 3)
    yield from made_cases(8, 12, 8)
    yield from nade_cases(8, 12, 8)
    yield from dense_cases(20, 10)
    yield from sparse_cases(20, 400)
    yield from adam_cases(50)
    yield from elimination_cases(6)
    yield from junction_cases("asia", 1, 4)
    yield from sliced_cases("asia", 8, 2, 4)
    yield from moments_cases(50)
    yield from module_cases(8, 3)


SIZES: dict[str, Callable[[], Iterator[Case]]] = {"full": full_size, "tiny": tiny}


def on_device(argument: Any) -> Any:
    """A copy in the GPU's memory of an array, or of a tuple's arrays."""
    if isinstance(argument, tuple):
        return type(argument)(*map(on_device, argument))
    return cuda.to_device(np.ascontiguousarray(argument)) if isinstance(argument, np.ndarray) else argument


def arrays_of(outputs: Any) -> Iterator[Any]:
    """The arrays of a tuple, in turn, copied from the device; its numbers stayed here."""
    for own in outputs:
        if isinstance(own, tuple):
            yield from arrays_of(own)
        elif hasattr(own, "copy_to_host"):
            yield own.copy_to_host()


def difference(case: Case, outputs: tuple[Any, ...]) -> float:
    """Largest relative difference of reals, or the share of rows that differ."""
    worst = 0.0
    for own, right in zip(arrays_of(outputs), case.expected, strict=True):
        if right is None:
            continue
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


def seconds_of(call: Callable[[], Any]) -> float:
    """By the clock."""
    begin = perf_counter()
    call()
    return perf_counter() - begin


def measure(case: Case, rates: Rates) -> dict[str, Any]:
    """Check a twin, then time it; the first launch, which compiles, is timed apart."""
    inputs = [on_device(argument) for argument in case.inputs]
    outputs = tuple(on_device(output) for output in case.outputs)
    twin = case.twin._replace(threads_per_block=SIMULATED_THREADS) if config.ENABLE_CUDASIM else case.twin

    def call() -> None:
        launch(twin, case.rows, *inputs, *outputs)

    first = seconds_of(lambda: (call(), cuda.synchronize()))
    gap = difference(case, outputs)
    seconds = device_seconds(call, ROUNDS)
    return {
        "case": case.name,
        "kernel": kernel_of(case.twin),
        "rows": case.rows,
        "right": gap <= case.tolerance,
        "difference": rounded(gap),
        "allowed": case.tolerance,
        "threads_per_block": case.twin.threads_per_block,
        "gpu_ns_per_cell": rounded(seconds / case.cells * 1e9),
        "cpu_ns_per_cell": rounded(min(seconds_of(case.cpu) for _ in range(2)) / case.cells * 1e9),
        "share_of_copy": rounded(case.n_bytes / seconds / rates.copied_bytes),
        "share_of_philox": rounded(case.n_words / seconds / rates.random_words) if case.n_words else None,
        "first_launch_s": rounded(first),
    }


def kernel_of(twin: Twin) -> str:
    """The place of a twin in the tables of loops."""
    places = ((family, verb) for family, loops in FAMILIES.items() for (verb, _), own in loops.items() if own is twin)
    return ": ".join(next(places))


def rounded(value: float) -> float:
    """To three digits."""
    return float(f"{value:.3g}")


def measured_rates() -> Rates:
    """Of this card."""
    if config.ENABLE_CUDASIM:
        return Rates(copy_rate(1000, ROUNDS), philox_rate(2, SIMULATED_THREADS, ROUNDS))
    return Rates(copy_rate(1 << 30, ROUNDS), philox_rate(1 << 22, 256, ROUNDS))


def records_of(cases: Iterator[Case], rates: Rates) -> Iterator[dict[str, Any]]:
    """One broken twin must not hide the others."""
    for case in cases:
        try:
            yield measure(case, rates)
        except Exception as error:
            yield {"case": case.name, "right": False, "error": repr(error)[:2000]}


def line(record: dict[str, Any]) -> str:
    """A row of the printed table."""
    cells = [record.get(column) for column in COLUMNS]
    return "| " + " | ".join("" if cell is None else str(cell) for cell in cells) + " |"


def card() -> dict[str, Any]:
    """The name of the GPU and what numba compiles for."""
    device = cuda.get_current_device()
    name = device.name.decode() if isinstance(device.name, bytes) else device.name
    return {"name": name, "compute_capability": list(device.compute_capability)}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="full")
    size = parser.parse_args().size
    warnings.filterwarnings("ignore", message=".*Grid size")
    rates, records = measured_rates(), []
    print(f"{rates.copied_bytes:.3g} bytes copied, {rates.random_words:.3g} random words drawn in a second\n")
    print("| " + " | ".join(column.replace("_", " ") for column in COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    for record in records_of(SIZES[size](), rates):
        records.append(record)
        print(line(record), flush=True)
    wrong = [record for record in records if not record["right"]]
    print(f"\n{len(records) - len(wrong)} of {len(records)} twins are right", *wrong, sep="\n  ")
    tried = {record.get("kernel") for record in records}
    untried = {kernel_of(twin) for loops in FAMILIES.values() for twin in loops.values()} - tried
    print("without a case or broken:", *sorted(untried) or ["none"], sep="\n  ")
    if size == "full" and not config.ENABLE_CUDASIM:
        gpu = card()
        gpu |= {f"{name}_per_second": rounded(rate) for name, rate in rates._asdict().items()}
        name = gpu["name"].lower().removeprefix("nvidia ").partition(" ")[0]  # "NVIDIA H100 80GB HBM3": h100
        print("kept as", write_results(f"gpu_{name}", {"machine": machine_info() | {"gpu": gpu}, "cases": records}))


if __name__ == "__main__":
    main()
