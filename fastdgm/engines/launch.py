"""How a CUDA twin is launched: the one place that turns rows into blocks of threads."""

from __future__ import annotations

from typing import Any, NamedTuple

MAX_BLOCKS = 4096  # enough to fill any card; threads walk further rows in strides of the grid


class Twin(NamedTuple):
    """A kernel of the device with the arguments of its CPU loop, without the range of rows."""

    kernel: Any  # what cuda.jit returns
    threads_per_block: int


def launch(twin: Twin, n: int, *arguments: Any) -> None:
    """Run a twin with a thread for each of ``n`` rows, as far as blocks reach; does not wait for it."""
    blocks = min(-(-n // twin.threads_per_block), MAX_BLOCKS)
    if blocks:
        twin.kernel[blocks, twin.threads_per_block](*arguments)
