"""Arrays of a GPU, of any library: found, and viewed as numba's own without a copy."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from ..runtime.cuda_queue import CudaQueue, is_simulated


def is_on_card(data: Any) -> bool:
    """Whether data is an array of a GPU, or has one among its columns; no library is imported to find out."""
    columns = data.values() if isinstance(data, Mapping) else (data,)
    return any(_is_cuda_array(column) for column in columns)


def _is_cuda_array(array: Any) -> bool:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        return bool(array.is_cuda)
    return hasattr(type(array), "__cuda_array_interface__") or hasattr(type(array), "__cuda_ndarray__")


def queue_of(array: Any) -> CudaQueue:
    """The card of an array, and the stream on which its library works now."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        return CudaQueue(array.device.index, torch.cuda.current_stream(array.device).cuda_stream)
    return CudaQueue()


def cuda_view(array: Any) -> Any:
    """An array of a GPU as one of numba's, which shares its memory."""
    from numba import cuda

    if hasattr(type(array), "__cuda_ndarray__"):
        return array
    if is_simulated():
        return _simulated_view(array.__cuda_array_interface__)
    return cuda.as_cuda_array(array.detach() if hasattr(array, "detach") else array, sync=False)


def _simulated_view(interface: Mapping[str, Any]) -> Any:
    """In numba's simulator, where the memory of the card is that of the host."""
    import numpy as np
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    return FakeCUDAArray(np.asarray(SimpleNamespace(__array_interface__=dict(interface))))
