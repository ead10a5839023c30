"""What the constructors of several families take: an order of the variables, a float type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..runtime.memory import check_memory
from ..runtime.seeds import whole_number

Array = npt.NDArray[Any]
Order = Literal["natural", "reversed", "random"] | Sequence[int] | npt.NDArray[np.integer[Any]]


def named_order(name: str, n_vars: int, generator: np.random.Generator | None) -> Array | None:
    """The variable at each position of an order that has a name; None for another name, or random without generator."""
    if name == "natural":
        return np.arange(n_vars)
    if name == "reversed":
        return np.arange(n_vars)[::-1].copy()
    return generator.permutation(n_vars) if name == "random" and generator is not None else None


def is_permutation(positions: Array, n_vars: int) -> bool:
    """Whether these are the integers 0 .. n_vars - 1, each once."""
    return (
        positions.dtype.kind in "iu"
        and positions.shape == (n_vars,)
        and np.array_equal(np.sort(positions), np.arange(n_vars))
    )


def check_dtype(dtype: npt.DTypeLike, subject: str = "dtype must be") -> np.dtype[Any]:
    """float32 or float64."""
    checked = np.dtype(dtype)
    if checked not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"{subject} float32 or float64, got {checked}")
    return checked


def check_context_width(n_context: Any) -> int:
    """A whole number from 0 on."""
    width = whole_number(n_context, "n_context")
    if width < 0:
        raise ValueError(f"n_context must be at least 0, got {n_context}")
    check_memory(24 * width, f"the degrees of {width} numbers of context")
    return width


def shown_context(n_context: int) -> str:
    """What the repr of a model says of it."""
    return f", n_context={n_context}" if n_context else ""
