"""One row of the table: a twin, what it reads, what it must write, and the CPU's way to the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastdgm.runtime.cuda_launch import Twin


class Case(NamedTuple):
    """A twin of the tables of loops, called as ``twin(*inputs, *outputs)``."""

    name: str
    twin: Twin
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]  # arrays, or named tuples of arrays
    expected: tuple[np.ndarray | None, ...]  # of all these arrays in turn; None for scratch
    tolerance: float  # 0: bit for bit; of reals the largest relative difference; of draws the share of rows that differ
    rows: int
    cells: int
    n_bytes: int  # that any implementation must read and write
    cpu: Callable[[], Any]
    n_words: int = 0  # random words that any implementation must draw
    threads: int | None = None  # where a thread takes several rows
