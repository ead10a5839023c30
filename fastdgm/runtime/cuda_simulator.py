"""Numba's simulator of a GPU, where each thread of a block is one of Python's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def is_simulated() -> bool:
    """Whether kernels run in numba's simulator, where the memory of the card is that of the host."""
    from numba import config

    return bool(config.ENABLE_CUDASIM)  # type: ignore[attr-defined]  # numba sets its settings when it is imported


def mend_simulator() -> None:
    """Let device functions of other modules than the kernel's see the simulated ``cuda`` until all threads left them.

    While a device function runs, the simulator (numba 0.61 to 0.68 at least) replaces ``cuda`` among the globals of its
    module, and puts it back when the first thread returns: others that are still inside then find no ``threadIdx``.
    """
    from numba.cuda.simulator import kernel as simulator

    kernel: Any = simulator
    if not isinstance(kernel.swapped_cuda_module, _SwappedOnce):
        kernel.swapped_cuda_module = _SwappedOnce(kernel.swapped_cuda_module)


class _SwappedOnce:
    """The simulator's swap, made by the first of the threads inside of a module and undone by the last."""

    def __init__(self, swapped: Callable[[Any, Any], Any]) -> None:
        self._swapped = swapped
        self._lock = threading.Lock()
        self._inside: dict[int, tuple[int, Any]] = {}  # by module: how many threads, and the swap to undo

    @contextmanager
    def __call__(self, function: Any, simulated: Any) -> Iterator[None]:
        module = id(function.__globals__)
        with self._lock:
            threads, swap = self._inside.get(module, (0, None))
            if not threads:
                swap = self._swapped(function, simulated)
                swap.__enter__()
            self._inside[module] = threads + 1, swap
        try:
            yield
        finally:
            with self._lock:
                threads, swap = self._inside.pop(module)
                if threads > 1:
                    self._inside[module] = threads - 1, swap
                else:
                    swap.__exit__(None, None, None)
