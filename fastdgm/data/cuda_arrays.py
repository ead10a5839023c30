"""Arrays of a GPU, of any library: found, and viewed as numba's own without a copy."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ..runtime.cuda_queue import CudaQueue
from .cuda_memory import CudaMemory


def is_on_card(data: Any) -> bool:
    """Whether data is an array of a GPU, or has one among its columns; no library is imported to find out."""
    columns = data.values() if isinstance(data, Mapping) else (data,)
    return any(is_cuda_array(column) for column in columns)


def is_cuda_array(array: Any) -> bool:
    """Whether this is an array of a GPU."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        return bool(array.is_cuda)
    kind = type(array)
    if hasattr(kind, "__cuda_ndarray__"):
        return True
    return hasattr(kind, "__cuda_array_interface__") and hasattr(
        array, "__cuda_array_interface__"
    )  # jax: on a GPU only


def queue_of(array: Any) -> CudaQueue:
    """The card of an array, and the stream on which its library works now."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        return CudaQueue(array.device.index, torch.cuda.current_stream(array.device).cuda_stream)
    return CudaQueue()


def memory_of(array: Any) -> CudaMemory:
    """Where an array of a GPU lies."""
    return CudaMemory.of(array.detach() if hasattr(array, "detach") else array)


def cuda_view(array: Any) -> Any:
    """An array of a GPU as one of numba's, which shares its memory."""
    return array if hasattr(type(array), "__cuda_ndarray__") else memory_of(array).array()
