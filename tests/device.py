"""Runs CUDA twins where ``--device`` says: on a GPU in their own launch shape, or in numba's simulator."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fastdgm.engines.launch import Twin, launch

FEW_THREADS, FEW_BLOCKS = 4, 2  # the simulator's cost is its threads: a tiny grid, so that each walks several rows


def run(twin: Twin, n: int, *arguments: Any) -> None:
    """Launch a twin for n rows on copies of all arrays, then copy those that may be written back into place."""
    there = to_device(arguments)
    if numba.config.ENABLE_CUDASIM:
        twin, n = twin._replace(threads_per_block=FEW_THREADS), FEW_THREADS * FEW_BLOCKS
    launch(twin, n, *there)
    copy_back(arguments, there)


def to_device(argument: Any) -> Any:
    """A copy on the device of an array, or of all arrays of a tuple."""
    from numba import cuda

    if isinstance(argument, tuple):
        parts = map(to_device, argument)
        return type(argument)(*parts) if hasattr(argument, "_fields") else tuple(parts)
    return cuda.to_device(argument) if isinstance(argument, np.ndarray) else argument


def copy_back(argument: Any, there: Any) -> None:
    """The other way, for arrays that are not read-only."""
    if isinstance(argument, tuple):
        for own, copy in zip(argument, there, strict=True):
            copy_back(own, copy)
    elif isinstance(argument, np.ndarray) and argument.flags.writeable:
        there.copy_to_host(argument)
