"""A stand-in for an array of a GPU of some other library, and a count of the copies that fastdgm makes.

In numba's simulator the memory of the card is that of the host, so that a NumPy array can play it. The stand-in has the
CUDA array interface and nothing else: what would copy it to the host by accident raises.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NoReturn

import numpy as np
import pytest

from fastdgm.runtime.cuda_queue import CudaQueue


class DeviceArray:
    """Numbers that can be reached through their CUDA array interface alone."""

    def __init__(self, array: Any, stream: int | None = None) -> None:
        self._array = np.asarray(array)
        self.shape, self.stream, self.mask = self._array.shape, stream, None

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        own = self._array.__array_interface__
        shown = {name: own[name] for name in ("shape", "typestr", "data")}
        return {**shown, "strides": self._array.strides, "version": 3, "stream": self.stream, "mask": self.mask}

    def __array__(self, *arguments: Any, **options: Any) -> NoReturn:
        raise AssertionError("an array of a GPU was copied to the host")

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self) -> NoReturn:
        raise AssertionError("an array of a GPU was read number by number")


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
