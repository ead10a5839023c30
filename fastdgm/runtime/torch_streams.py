"""torch on the stream of a queue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .cuda_queue import DEFAULT_STREAM, CudaQueue
from .cuda_simulator import is_simulated


@contextmanager
def torch_on(queue: CudaQueue) -> Iterator[None]:
    """torch works, and allocates, on the queue's card and stream; in numba's simulator its CPU does."""
    import torch

    if is_simulated() or _is_there(torch, queue):
        yield
        return
    with torch.cuda.device(queue.device), torch.cuda.stream(stream_of(torch, queue)):
        yield


def stream_of(torch: Any, queue: CudaQueue) -> Any:
    """The queue's stream as torch's.

    The default stream is asked for by name: ``ExternalStream`` takes its handle, 0, for none, and makes a new stream,
    which would not wait for the kernels of the queue.
    """
    if queue.stream == DEFAULT_STREAM:
        return torch.cuda.default_stream(queue.device)
    return torch.cuda.ExternalStream(queue.stream, device=queue.device)


def _is_there(torch: Any, queue: CudaQueue) -> bool:
    """Whether that is where torch works now."""
    is_on_card = torch.cuda.current_device() == queue.device
    return bool(is_on_card and torch.cuda.current_stream(queue.device).cuda_stream == queue.stream)
