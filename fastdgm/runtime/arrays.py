"""Arrays as the kernels want them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def read_only(array: Array) -> Array:
    """A read-only view: inputs reach the kernels this way, so that each is compiled for one kind of input."""
    view = array.view()
    view.flags.writeable = False
    return view


def freeze(*parts: Any) -> None:
    """Make all arrays among the parts of a plan read-only."""
    for part in parts:
        if isinstance(part, np.ndarray):
            part.flags.writeable = False


def code_type(n_states: int) -> np.dtype[Any]:
    """Type of the codes of up to ``n_states`` states: uint8 up to 256, uint16 beyond."""
    return np.dtype(np.uint8 if n_states <= 256 else np.uint16)


def real_type(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Type of real numbers: float32 or float64. Raises ValueError for others."""
    kind = np.dtype(dtype)
    if kind.char not in "fd" or not kind.isnative:
        raise ValueError(f"real numbers are of type float32 or float64, got {kind}")
    return kind
