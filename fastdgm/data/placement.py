"""Where arrays come from, hence where answers go: what comes in decides what comes out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Placement(NamedTuple):
    """The library whose arrays a caller uses, and the device whose loops read and fill them.

    Examples
    --------
    >>> Placement.of([[0, 1]])
    Placement(library='numpy', device='cpu')
    """

    library: Literal["numpy", "torch"] = "numpy"
    device: Literal["cpu"] = "cpu"

    @classmethod
    def of(cls, *data: Any) -> Placement:
        """That of the first torch tensor among the arguments, else NumPy's; torch is not imported to find out."""
        torch = sys.modules.get("torch")
        is_tensor = torch is not None and any(isinstance(own, torch.Tensor) for own in data)
        return cls("torch" if is_tensor else "numpy")

    def give_back(self, array: Array) -> Any:
        """The array as the library's own, sharing its memory."""
        if self.library == "numpy":
            return array
        import torch

        return torch.from_numpy(array)


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
