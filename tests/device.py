"""Runs CUDA twins where ``--device`` says: on a GPU in their own launch shape, or in numba's simulator."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fastdgm.engines.launch import Twin, launch

FEW_THREADS, FEW_BLOCKS = 4, 2  # the simulator's cost is its threads: a tiny grid, so that each walks several rows


def run(twin: Twin, n: int, *arguments: Any) -> None:
    """Launch a twin for n rows on copies of all arrays, then copy those that are no part of a plan back into place."""
    there = [to_device(argument) for argument in arguments]
    if numba.config.ENABLE_CUDASIM:
        twin, n = twin._replace(threads_per_block=FEW_THREADS), FEW_THREADS * FEW_BLOCKS
    launch(twin, n, *there)
    for array, own in zip(arguments, there, strict=True):
        if isinstance(array, np.ndarray) and array.flags.writeable:
            own.copy_to_host(array)


def to_device(argument: Any) -> Any:
    """A copy on the device of an array, or of all arrays of a plan."""
    from numba import cuda

    if isinstance(argument, tuple):
        return type(argument)(*map(to_device, argument))
    return cuda.to_device(argument) if isinstance(argument, np.ndarray) else argument
