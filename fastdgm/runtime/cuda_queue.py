"""A stream of one GPU: where memory there is allocated, copied and read. Nothing else copies between host and card."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .cuda_card import check_card
from .cuda_forks import use_cuda

DEFAULT_STREAM = 0
STREAM_OF_THREAD = 2  # a handle that means another stream in every thread


class CudaQueue(NamedTuple):
    """A card and a stream of it: copies and launches of one queue run one after the other, in the order they came.

    Launches return before the card is done; copies wait for it, so that a plan may be read on any stream.
    """

    device: int = 0  # number of the card
    stream: int = DEFAULT_STREAM  # handle of a CUDA stream

    @contextmanager
    def on_card(self) -> Iterator[None]:
        """The card made the current one. CudaUnavailableError where it cannot be used."""
        check_card(self.device)
        from numba import cuda

        use_cuda()
        with cuda.gpus[self.device]:
            yield

    @contextmanager
    def active(self) -> Iterator[Any]:
        """The same; gives the stream as kernels are launched on it."""
        from numba import cuda

        with self.on_card():
            yield cuda.external_stream(self.stream) if self.stream else DEFAULT_STREAM

    def to_device(self, array: npt.NDArray[Any]) -> Any:
        """A copy of an array on the card; waits for it."""
        from numba import cuda

        with self.active() as stream:
            copied = cuda.to_device(np.ascontiguousarray(array), stream=stream)
        self.synchronize()
        return copied

    def plan_to_device(self, plan: Any) -> Any:
        """The same of all arrays of a plan, a tuple; its numbers stay."""
        if isinstance(plan, tuple):
            return type(plan)(*map(self.plan_to_device, plan))
        return self.to_device(plan) if isinstance(plan, np.ndarray) else plan

    def to_host(self, array: Any) -> npt.NDArray[Any]:
        """A copy of an array of the card here; waits for it."""
        return self._copied(array)

    def _copied(self, array: Any) -> npt.NDArray[Any]:
        with self.active() as stream:
            if _has_gaps(array):  # numba would copy them, too: of a few rows of a block that is nearly the whole block
                rows = (array[k] for k in range(array.shape[0]))
                found: npt.NDArray[Any] = np.stack([row.copy_to_host(stream=stream) for row in rows])
            else:
                found = array.copy_to_host(stream=stream)
            if stream:
                stream.synchronize()
            return found

    def read_flags(self, flags: Any) -> npt.NDArray[Any]:
        """A few numbers of the card, which say what was found there; waits for it. Never rows."""
        return self._copied(flags)

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Any:
        """Memory of the card that holds anything."""
        from numba import cuda

        with self.active() as stream:
            return cuda.device_array(shape, dtype, stream=stream)

    def synchronize(self) -> None:
        """Wait until all that came is done."""
        from numba import cuda

        with self.active() as stream:
            if stream:
                stream.synchronize()
            else:
                cuda.synchronize()

    def free_bytes(self) -> int | None:
        """Memory of the card that nobody holds; None where nothing tells."""
        from numba import cuda

        with self.active():
            try:
                free = cuda.current_context().get_memory_info().free
            except NotImplementedError:  # of allocators with a pool, as that of RMM
                return None
        return int(free) if free != float("inf") else None


def _has_gaps(array: Any) -> bool:
    """Whether the rows of an array, each side by side, lie farther apart than they are long."""
    if array.ndim != 2 or not array.size:
        return False
    length = array.shape[1] * array.dtype.itemsize
    return bool(array.strides[1] == array.dtype.itemsize and array.strides[0] > 2 * length)
