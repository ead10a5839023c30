"""Where arrays come from, hence where answers go: what comes in decides what comes out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ..runtime.cuda_queue import CudaQueue
from .cuda_arrays import cuda_view, is_on_card, queue_of

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
        library is imported to find out."""
        on_card = next((own for own in data if is_on_card(own)), None)
        if on_card is not None:
            known = getattr(on_card, "placement", None)  # of rows that were drawn on a card
            if isinstance(known, Placement):
                return known
            array = next(iter(on_card.values())) if isinstance(on_card, Mapping) else on_card
            return cls(_library_of(array), queue_of(array))
        torch = sys.modules.get("torch")
        is_tensor = torch is not None and any(isinstance(own, torch.Tensor) for own in data)
        return cls("torch" if is_tensor else "numpy")

    @classmethod
    def asked(cls, device: Any, *like: Any) -> Placement:
        """Where new rows go: ``device`` "cuda" or "cuda:1" is a GPU, with numba's arrays unless ``like`` is of another
        library; "cpu" and None are where ``like`` is."""
        placement = cls.of(*like)
        if device is None:
            return placement
        kind, _, number = str(device).partition(":")
        if kind not in ("cpu", "cuda") or (number and not number.isdecimal()):
            raise ValueError(f'device is "cpu", "cuda" or "cuda:<number>", got {device!r:.60}')
        if kind == "cpu":
            return cls(placement.library if placement.queue is None else "numpy")
        if placement.queue is not None:
            return placement
        return cls("torch" if placement.library == "torch" else "numba", CudaQueue(int(number or 0)))

    @property
    def cuda(self) -> CudaQueue:
        """The card's queue. ValueError where there is none."""
        if self.queue is None:
            raise ValueError("arrays are on the CPU")
        return self.queue

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Any:
        """Memory of the library's own on the card, that holds anything, as an array of numba's."""
        if self.library == "torch":
            import torch

            kind = getattr(torch, np.dtype(dtype).name)
            return cuda_view(torch.empty(shape, dtype=kind, device=f"cuda:{self.cuda.device}"))
        return self.cuda.empty(shape, dtype)

    def give_back(self, array: Any) -> Any:
        """The array as the library's own, sharing its memory."""
        if self.library in ("numpy", "numba"):
            return array
        if self.library == "cupy":
            import cupy

            return cupy.asarray(array)
        import torch

        return torch.from_numpy(array) if self.queue is None else torch.as_tensor(array, device="cuda")


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
