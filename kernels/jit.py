"""The one place that owns numba options; the disk cache is in cache.py."""

from __future__ import annotations

from numba import njit
from numba.extending import register_jitable

from .cache import cached

__all__ = ["formula", "inlined", "kernel", "loop", "scalar"]

OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False}


def formula(function):
    """A scalar shared by CPU and CUDA loops: inlined by numba itself, because LLVM does not vectorise a loop over a
    call that returns a tuple; a plain Python function under the CUDA simulator."""
    return register_jitable(inline="always")(function)


def scalar(function):
    """A function of one number, shared by CPU and CUDA loops: LLVM inlines it, which is enough to vectorise a loop
    over a call that returns one number, and compiles in a tenth of the time that numba's own inlining takes."""
    return register_jitable(error_model="numpy", forceinline=True)(function)


def loop(function):
    """A small loop that kernels call; compiled into them, so it needs no cache of its own."""
    return njit(**OPTIONS)(function)


def inlined(function):
    """A loop that LLVM must inline: called so often that handing over its arguments would cost more than its work."""
    return njit(**OPTIONS, forceinline=True)(function)


def kernel(function):
    """A loop called from Python: compiled at first use, cached on disk between processes."""
    return cached(njit(**OPTIONS)(function), function)
