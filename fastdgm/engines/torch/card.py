"""Where torch and numba's kernels meet on a GPU: one memory, one stream. In numba's simulator that is torch's CPU."""

from __future__ import annotations

from itertools import chain
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data.cuda_memory import CudaMemory
from ...runtime.cuda_queue import CudaQueue
from ...runtime.cuda_simulator import is_simulated
from ...runtime.torch_streams import torch_on

__all__ = ["card_of", "check_on_card", "numba_view", "tensor_view", "torch_on"]

if TYPE_CHECKING:
    from torch import Tensor, device


def card_of(queue: CudaQueue) -> device:
    """The queue's card as torch's device."""
    import torch

    return torch.device("cpu") if is_simulated() else torch.device("cuda", queue.device)


def check_on_card(module: Any, queue: CudaQueue, who: str) -> None:
    """ValueError where a module with parameters or buffers is elsewhere than the rows; ``who`` begins the text."""
    there = card_of(queue)
    for own in chain(module.parameters(), module.buffers()):
        if own.device != there:
            raise ValueError(
                f"{who} is on {own.device}, the rows are on {there}: move the module there with .to({str(there)!r}), "
                f"or the rows to {own.device}"
            )


def tensor_view(array: Any, queue: CudaQueue) -> Tensor:
    """An array of numba's as a tensor that shares its memory."""
    import torch

    if not is_simulated():
        return torch.as_tensor(array, device=card_of(queue))
    interface = dict(array.__array_interface__)
    return torch.from_numpy(np.asarray(SimpleNamespace(__array_interface__=interface, owner=array)))


def numba_view(tensor: Tensor) -> Any:
    """A tensor as an array of numba's that shares its memory."""
    assert tensor.is_cuda or is_simulated(), tensor.device  # kernels would read an address of the host
    own, dtype = tensor.detach(), np.dtype(str(tensor.dtype).removeprefix("torch."))
    strides = tuple(step * dtype.itemsize for step in own.stride())
    return CudaMemory(own.data_ptr(), tuple(own.shape), strides, dtype, own).array()
