"""Every CUDA twin against its CPU loop: the same numbers, how long each takes, how near the best.

Twins are launched as they are, on arrays that are on the device already, in their own launch shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from answer_cases import answer_cases
from case import Case
from families import FAMILIES, twin_names
from gradient_cases import gradient_cases, noise_cases
from hmm_cases import hmm_cases
from interval_cases import interval_cases
from junction_cases import junction_cases
from latent_cases import elimination_cases
from loader_cases import loader_cases
from logistic_cases import logistic_cases
from markov_cases import dense_cases, sparse_cases
from matrix_cases import matrix_cases
from module_cases import module_cases
from moments_cases import moments_cases
from network_cases import adam_cases, made_cases, nade_cases
from numba import config, cuda
from rates import Rates, device_seconds
from scalar_cases import gaussian_cases, root_cases
from sequence_cases import sequence_cases
from sliced_cases import sliced_cases
from table_cases import table_cases
from term_cases import term_cases
from training_cases import training_cases
from vector_cases import vector_cases

from fastdgm.runtime.cuda_launch import Twin, launch, launch_on
from fastdgm.runtime.cuda_queue import CudaQueue

ROUNDS = 1 if config.ENABLE_CUDASIM else 7
COLUMNS = ("case", "rows", "right", "gpu_ns_per_cell", "cpu_ns_per_cell", "share_of_copy", "share_of_philox")


Family = partial[Iterator[Case]]

FULL: tuple[Family, ...] = (  # the sizes of the results
    partial(table_cases, "alarm", 4_000_000),
    partial(loader_cases, "alarm", 4_000_000),
    partial(term_cases, 10_000_000),
    partial(matrix_cases, 200_000, 100),
    partial(logistic_cases, 200_000),
    partial(gaussian_cases, 1_000_000, 100),
    partial(gradient_cases, 200_000, 100),
    partial(noise_cases, 1_000_000, 20),
    partial(root_cases, 4_000_000),
    partial(vector_cases, 100_000, 100),
    partial(interval_cases, 10_000_000),
    partial(made_cases, 4096, 784, 500),
    partial(training_cases, 1000, 784, 500),
    partial(nade_cases, 4096, 784, 500),
    partial(dense_cases, 100_000, 96, 20),
    partial(sparse_cases, 100_000, 400_000),
    partial(sequence_cases, 1_000_000, 100),
    partial(hmm_cases, 20_000, 50, 16),
    partial(hmm_cases, 5_000, 50, 64),
    partial(adam_cases, 20_000_000),
    partial(elimination_cases, 500_000),
    partial(junction_cases, "alarm", 4000, 1 << 14),
    partial(answer_cases, 1_000_000),
    partial(sliced_cases, "alarm", 1000, 200, 1 << 14),
    partial(moments_cases, 4_000_000),
    partial(module_cases, 20_000, 784),
)
TINY: tuple[Family, ...] = (  # for numba's simulator
    partial(table_cases, "alarm", 16),
    partial(loader_cases, "alarm", 16),
    partial(term_cases, 8),
    partial(matrix_cases, 8, 3),
    partial(logistic_cases, 16),
    partial(gaussian_cases, 8, 3),
    partial(gradient_cases, 8, 3),
    partial(noise_cases, 8, 3),
    partial(root_cases, 8),
    partial(vector_cases, 8, 3),
    partial(interval_cases, 8),
    partial(made_cases, 8, 12, 8),
    partial(training_cases, 8, 6, 5),
    partial(nade_cases, 8, 12, 8),
    partial(dense_cases, 20, 10, 5),
    partial(sparse_cases, 20, 400),
    partial(sequence_cases, 20, 5),
    partial(hmm_cases, 18, 2, 3),
    partial(adam_cases, 50),
    partial(elimination_cases, 6),
    partial(junction_cases, "asia", 1, 4),
    partial(answer_cases, 8),
    partial(sliced_cases, "asia", 8, 2, 4),
    partial(moments_cases, 50),
    partial(module_cases, 8, 3),
)
SIZES = {"full": FULL, "tiny": TINY}


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
    n = case.threads or case.rows

    def call() -> None:
        if config.ENABLE_CUDASIM:
            launch_on(CudaQueue(), case.twin, n, *inputs, *outputs)  # on few threads
        else:
            launch(case.twin, n, *inputs, *outputs)

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
    places = (
        (family, verb)
        for family, loops in FAMILIES.items()
        for (verb, _), own in loops.items()
        if own.kernel is twin.kernel
    )
    return ": ".join(next(places))


def rounded(value: float) -> float:
    """To three digits."""
    return float(f"{value:.3g}")


def records_of(families: Iterable[Family], rates: Rates) -> Iterator[dict[str, Any]]:
    """One broken twin, or case, must not hide the others."""
    for family in families:
        name = family.func.__name__
        try:
            for case in family():
                name = case.name
                yield measure(case, rates)
        except Exception as error:
            yield {"case": name, "right": False, "error": repr(error)[:2000]}


def line(record: dict[str, Any]) -> str:
    """A row of the printed table."""
    cells = [record.get(column) for column in COLUMNS]
    return "| " + " | ".join("" if cell is None else str(cell) for cell in cells) + " |"


def print_twins(records: Iterator[dict[str, Any]], found: list[dict[str, Any]]) -> None:
    """A table as they come, added to what was ``found``; then which of them are wrong or were not tried."""
    print("| " + " | ".join(column.replace("_", " ") for column in COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    for record in records:
        found.append(record)
        print(line(record), flush=True)
    wrong = [record for record in found if not record["right"]]
    print(f"\n{len(found) - len(wrong)} of {len(found)} twins are right", *wrong, sep="\n  ")
    untried = twin_names() - {record.get("kernel") for record in found}
    print("without a case or broken:", *sorted(untried) or ["none"], sep="\n  ")
