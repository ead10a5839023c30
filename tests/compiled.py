"""Loops that kernels are made of, compiled to be called from Python: by themselves they run there as plain Python."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from numba import njit


@cache
def compiled(loop: Callable) -> Callable:
    """The loop as its kernels call it."""
    return njit(error_model="numpy")(loop)
