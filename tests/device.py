"""Runs CUDA twins where ``--device`` says: on a GPU in their own launch shape, or in numba's simulator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numba
import numpy as np

from fastdgm.runtime.cuda_launch import Twin, launch

FEW_THREADS, FEW_BLOCKS = 4, 2  # the simulator's cost is its threads: a tiny grid, so that each walks several rows


def run(twin: Twin, n: int, *arguments: Any) -> None:
    """Launch a twin for n rows on copies of all arrays, then copy back into place those that can be written."""
    there = [to_device(argument) for argument in arguments]
    if numba.config.ENABLE_CUDASIM:
        twin, n = twin._replace(threads_per_block=FEW_THREADS), FEW_THREADS * FEW_BLOCKS
    launch(twin, n, *there)
    _copy_back(arguments, there)


def to_device(argument: Any) -> Any:
    """A copy on the device of an array, or of all arrays of a plan."""
    from numba import cuda

    if isinstance(argument, tuple):
        return type(argument)(*map(to_device, argument))
    return cuda.to_device(argument) if isinstance(argument, np.ndarray) else argument


def _copy_back(arguments: Iterable[Any], there: Iterable[Any]) -> None:
    for argument, own in zip(arguments, there, strict=True):
        if isinstance(argument, tuple):
            _copy_back(argument, own)
        elif isinstance(argument, np.ndarray) and argument.flags.writeable:
            own.copy_to_host(argument)
