"""Where arrays come from, hence where answers go: what comes in decides what comes out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ..runtime.cuda_card import check_card
from ..runtime.cuda_queue import CudaQueue
from ..runtime.cuda_simulator import is_simulated
from ..runtime.memory import SMALL
from ..runtime.torch_streams import torch_on
from .cuda_arrays import cuda_view, is_cuda_array, is_on_card, queue_of

Array = npt.NDArray[Any]
Library = Literal["numpy", "torch", "cupy", "numba"]


class Placement(NamedTuple):
    """The library whose arrays a caller uses, and the GPU that has them, None where it is the CPU whose loops read and
    fill them.

    Examples
    --------
    >>> Placement.of([[0, 1]])
    Placement(library='numpy', queue=None)
    """

    library: Library = "numpy"
    queue: CudaQueue | None = None

    @classmethod
    def of(cls, *data: Any) -> Placement:
        """That of the first array of a GPU, or else the first torch tensor, among the arguments, else NumPy's; no
        library is imported to find out. ValueError where arrays are on several GPUs."""
        on_cards = [_placement_there(own) for own in data if is_on_card(own)]
        if on_cards:
            devices = sorted({own.cuda.device for own in on_cards})
            if len(devices) > 1:
                raise ValueError(f"arrays of one call are on one GPU, got {' and '.join(f'cuda:{k}' for k in devices)}")
            return on_cards[0]
        torch = sys.modules.get("torch")
        is_tensor = torch is not None and any(isinstance(own, torch.Tensor) for own in data)
        return cls("torch" if is_tensor else "numpy")

    @classmethod
    def asked(cls, device: Any, *like: Any) -> Placement:
        """Where new rows go.

        ``device`` "cuda" or "cuda:1" is a GPU, with numba's arrays unless ``like`` is of another library. None is where
        ``like`` is, and "cpu" is the CPU: with ``like`` a torch tensor, wherever it is, torch tensors there.

        Raises CudaUnavailableError where a GPU is asked for and cannot be used; ValueError for another device, and for
        one GPU where ``like`` is on another.
        """
        placement = cls.of(*like)
        if device is None:
            return placement
        kind, colon, number = str(device).partition(":")
        if kind not in ("cpu", "cuda") or (colon and not (number.isdecimal() and number.isascii())):
            raise ValueError(f'device is "cpu", "cuda" or "cuda:<number>", got {device!r:.60}')
        if kind == "cpu":
            return cls("torch" if placement.library == "torch" else "numpy")
        if placement.queue is None:
            check_card(int(number or 0))
            return cls("torch" if placement.library == "torch" else "numba", CudaQueue(int(number or 0))).current()
        if number and int(number) != placement.queue.device:
            raise ValueError(
                f"device is {device}, but like= is on cuda:{placement.queue.device}: leave one of them out"
            )
        return placement

    def current(self) -> Placement:
        """The same with the stream on which the library works now."""
        torch, cupy = sys.modules.get("torch"), sys.modules.get("cupy")
        if is_simulated():
            return self
        device = self.cuda.device
        if self.library == "torch" and torch is not None:
            return self._replace(queue=CudaQueue(device, torch.cuda.current_stream(device).cuda_stream))
        if self.library == "cupy" and cupy is not None:
            with cupy.cuda.Device(device):
                return self._replace(queue=CudaQueue(device, cupy.cuda.get_current_stream().ptr))
        return self

    @property
    def cuda(self) -> CudaQueue:
        """The card's queue. ValueError where there is none."""
        if self.queue is None:
            raise ValueError("arrays are on the CPU")
        return self.queue

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Any:
        """Memory of the library's own on the card, that holds anything, as an array of numba's.

        torch gives it on the queue's stream, whatever its current one is: what is freed there it gives again to work of
        that stream alone.
        """
        if self.library == "torch":
            import torch

            kind = getattr(torch, np.dtype(dtype).name)
            with torch_on(self.cuda):
                return cuda_view(torch.empty(shape, dtype=kind, device=f"cuda:{self.cuda.device}"))
        if self.library == "cupy":
            import cupy

            with cupy.cuda.Device(self.cuda.device):
                return cuda_view(cupy.empty(shape, dtype))
        return self.cuda.empty(shape, dtype)

    def free_bytes(self) -> int | None:
        """Memory of the card that ``empty`` could give; None where nothing tells."""
        free = self.cuda.free_bytes()
        if free is None or self.library not in ("torch", "cupy"):
            return free
        if self.library == "torch":
            import torch

            device = self.cuda.device
            return free + int(torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
        import cupy

        with cupy.cuda.Device(self.cuda.device):
            return free + int(cupy.get_default_memory_pool().free_bytes())

    def check_room(self, n_bytes: int, what: str) -> None:
        """ValueError before an allocation that cannot succeed; ``what`` names it."""
        if n_bytes <= SMALL:
            return
        free = self.free_bytes()
        if free is not None and n_bytes > free:
            raise ValueError(
                f"{what} needs {n_bytes} bytes ({n_bytes / 2**30:.1f} GiB) of the memory of cuda:{self.cuda.device}, "
                f"{free} ({free / 2**30:.1f} GiB) are free"
            )

    def give_back(self, array: Any) -> Any:
        """The array as the library's own, sharing its memory."""
        if self.library in ("numpy", "numba"):
            return array
        if self.library == "cupy":
            import cupy

            with cupy.cuda.Device(self.cuda.device):
                return cupy.asarray(array)
        import torch

        if self.queue is None:
            return torch.from_numpy(array)
        return torch.as_tensor(array, device=f"cuda:{self.queue.device}")


def _placement_there(data: Any) -> Placement:
    """That of data on a card: of rows that were drawn there, of an array, or of the first column that is there."""
    known = getattr(data, "placement", None)
    if isinstance(known, Placement):
        return known.current()
    columns = data.values() if isinstance(data, Mapping) else (data,)
    array = next(filter(is_cuda_array, columns))
    return Placement(_library_of(array), queue_of(array))


def _library_of(array: Any) -> Library:
    """Whose array of a GPU this is; those of libraries that are not known get numba's."""
    root = type(array).__module__.partition(".")[0]
    return "torch" if root == "torch" else "cupy" if root == "cupy" else "numba"


def asks_for_gradient(data: Any) -> bool:
    """Whether data is a torch tensor that requires grad, or has one among its columns, and gradients are on; torch is
    not imported to find out."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.is_grad_enabled():
        return False
    columns = data.values() if isinstance(data, Mapping) else (data,)
    return any(isinstance(column, torch.Tensor) and column.requires_grad for column in columns)


def as_array(data: Any) -> Any:
    """A torch tensor as a NumPy array that shares its memory; anything else as it is."""
    if hasattr(data, "detach") and hasattr(data, "numpy"):
        return np.asarray(data.detach().numpy())
    return data
