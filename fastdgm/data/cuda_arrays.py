"""Arrays of a GPU, of any library: found, and viewed as numba's own without a copy."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..runtime.cuda_card import device_of
from ..runtime.cuda_queue import CudaQueue
from .cuda_memory import CudaMemory, stream_of
from .dlpack import is_cuda_dlpack


def is_on_card(data: Any) -> bool:
    """Whether data is an array of a GPU, or has one among its columns; no library is imported to find out."""
    if data is None or isinstance(data, np.ndarray):  # most calls, which should not pay for the others
        return False
    columns = data.values() if isinstance(data, Mapping) else (data,)
    return any(is_cuda_array(column) for column in columns if not isinstance(column, np.ndarray))


def is_cuda_array(array: Any) -> bool:
    """Whether this is an array of a GPU."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        return bool(array.is_cuda)
    kind = type(array)
    if hasattr(kind, "__cuda_ndarray__"):
        return True
    # jax arrays have the name wherever they are, the interface on a GPU only
    if hasattr(kind, "__cuda_array_interface__") and hasattr(array, "__cuda_array_interface__"):
        return True
    return is_cuda_dlpack(array)


def queue_of(array: Any) -> CudaQueue:
    """The card of an array, and the stream on which its library works now."""
    torch, cupy = sys.modules.get("torch"), sys.modules.get("cupy")
    if torch is not None and isinstance(array, torch.Tensor):
        return CudaQueue(array.device.index, torch.cuda.current_stream(array.device).cuda_stream)
    if cupy is not None and isinstance(array, cupy.ndarray):
        with array.device:
            return CudaQueue(array.device.id, cupy.cuda.get_current_stream().ptr)
    return CudaQueue(device_of(memory_of(array).pointer), stream_of(array))


def memory_of(array: Any) -> CudaMemory:
    """Where an array of a GPU lies."""
    return CudaMemory.of(array.detach() if hasattr(array, "detach") else array)


def cuda_view(array: Any) -> Any:
    """An array of a GPU as one of numba's, which shares its memory."""
    return array if hasattr(type(array), "__cuda_ndarray__") else memory_of(array).array()
