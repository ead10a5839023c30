"""A stand-in for an array of a GPU of some other library, and a count of the copies that fastdgm makes.

The stand-in has the CUDA array interface alone: what would copy it to the host by accident raises. In numba's
simulator the memory of the card is that of the host, so that a NumPy array plays it; on a card it is a copy there.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import pytest
from numba import config

from fastdgm.data.cuda_memory import CudaMemory
from fastdgm.runtime.cuda_queue import CudaQueue

ALIGNMENT = 64  # bytes: what lies beside a word lies beside one in the copy, too

simulated = pytest.mark.skipif(not config.ENABLE_CUDASIM, reason="plays a library; test_real_card.py has real ones")


class DeviceArray:
    """Numbers that can be reached through their CUDA array interface alone, in the layout of a NumPy array."""

    def __init__(self, array: Any, stream: int | None = None) -> None:
        self._array = np.asarray(array)
        self.shape, self.stream, self.mask = self._array.shape, stream, None

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        own = self._array.__array_interface__
        shown = {"shape": own["shape"], "typestr": own["typestr"], "data": (self._pointer, False)}
        return {**shown, "strides": self._array.strides, "version": 3, "stream": self.stream, "mask": self.mask}

    @property
    def _pointer(self) -> int:
        """Of the first number."""
        if config.ENABLE_CUDASIM:
            return self._array.ctypes.data
        return self._array.size and self._there.device_ctypes_pointer.value + self._before

    @cached_property
    def _there(self) -> Any:
        """All bytes that the array's strides reach, gaps between them too, on the card."""
        from numba import cuda

        begin, end = (self._array.ctypes.data + own for own in _reach(self._array))
        before = begin % ALIGNMENT
        own = np.zeros(before + end - begin, np.uint8)
        own[before:] = np.frombuffer((ctypes.c_uint8 * (end - begin)).from_address(begin), np.uint8)
        return cuda.to_device(own)

    @property
    def _before(self) -> int:
        """Bytes of the copy before the first number."""
        lowest, _ = _reach(self._array)
        return (self._array.ctypes.data + lowest) % ALIGNMENT - lowest

    def __array__(self, *arguments: Any, **options: Any) -> NoReturn:
        raise AssertionError("an array of a GPU was copied to the host")

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self) -> NoReturn:
        raise AssertionError("an array of a GPU was read number by number")


def _reach(array: np.ndarray) -> tuple[int, int]:
    """Where the bytes of an array begin and end, counted from its first number."""
    steps = [(n - 1) * step for n, step in zip(array.shape, array.strides, strict=True)]
    return sum(min(step, 0) for step in steps), sum(max(step, 0) for step in steps) + array.itemsize


def counted_copies(patch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a queue copies, by method, from now on: ``to_device``, ``to_host``, ``read_flags``."""
    counts: Counter[str] = Counter()
    for name in ("to_device", "to_host", "read_flags"):
        own = getattr(CudaQueue, name)

        def counting(self: CudaQueue, *arguments: Any, name: str = name, own: Any = own) -> Any:
            counts[name] += 1
            return own(self, *arguments)

        patch.setattr(CudaQueue, name, counting)
    return counts


def on_host(array: Any) -> Any:
    """What an array of numba's holds, in a test."""
    return array.copy_to_host()


def pointer_to(array: Any) -> int:
    """Where an array of a GPU begins."""
    return CudaMemory.of(array).pointer
