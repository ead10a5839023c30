"""How a CUDA twin is launched: the one place that turns rows into blocks of threads."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

from .cuda_queue import CudaQueue
from .cuda_simulator import is_simulated, mend_simulator

MAX_BLOCKS = 4096  # enough to fill any card; threads walk further rows in strides of the grid
MAX_TEAMS = 2**31 - 1  # that a card takes: blocks that are long it spreads best itself
QUIET_BLOCKS = 128  # fewer of them numba warns of
SIMULATED_BLOCKS, SIMULATED_THREADS = 2, 4  # of numba's simulator, where each thread is one of Python's


class Twin(NamedTuple):
    """A kernel of the device with the arguments of its CPU loop, without the range of rows."""

    kernel: Any  # what cuda.jit returns
    threads_per_block: int
    shared_bytes: int = 0  # of every block, where the kernel takes memory whose size it is told
    rows_per_team: int = 0  # that a block takes at a time, where its threads work on rows together; else 0


def launch(twin: Twin, n: int, *arguments: Any, stream: Any = 0) -> None:
    """Run a twin with a thread for each of ``n`` rows, as far as blocks reach, or with a block for every team that
    they need; does not wait for it."""
    blocks = min(-(-n // twin.threads_per_block), MAX_BLOCKS)
    if twin.rows_per_team:
        blocks = min(-(-n // twin.rows_per_team), MAX_TEAMS)
    if blocks:
        _configured(twin, blocks, stream)(*arguments)


def _configured(twin: Twin, blocks: int, stream: Any) -> Any:
    """The kernel with its shape. Few rows take few blocks, which is no mistake for users to be warned of."""
    if is_simulated():
        mend_simulator()
    shape = blocks, twin.threads_per_block, stream, twin.shared_bytes
    if blocks >= QUIET_BLOCKS:
        return twin.kernel[shape]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(?s).*under-utilization")
        return twin.kernel[shape]


def launch_on(queue: CudaQueue, twin: Twin, n: int, *arguments: Any) -> None:
    """The same on a queue's card and stream, or with few threads in numba's simulator."""
    if is_simulated() and twin.rows_per_team:
        n = min(n, SIMULATED_BLOCKS * twin.rows_per_team)
    elif is_simulated():
        twin, n = twin._replace(threads_per_block=SIMULATED_THREADS), min(n, SIMULATED_BLOCKS * SIMULATED_THREADS)
    with queue.active() as stream:
        launch(twin, n, *arguments, stream=stream)
