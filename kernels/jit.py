"""The one place that owns numba options; the disk cache is in cache.py.

Only a ``kernel`` is compiled to be called from Python. Everything below it is compiled into kernels alone, without the
wrappers that would let Python call it: those took a third of the compile time, once more in each of their callers.
Called from Python it runs as plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit, types
from numba.extending import intrinsic, register_jitable

from .cache import CACHE_FOLDER, cached
from .compiling import announce_once, watched

__all__ = ["INLINED", "OWN_FUNCTION", "formula", "inlined", "kernel", "loop", "not_inlined", "scalar", "wide_vectors"]

OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False, "no_cfunc_wrapper": True}
INLINED = {**OPTIONS, "forceinline": True}  # also of overloads
OWN_FUNCTION = {**OPTIONS, "forceinline": False}  # of what calls ``not_inlined``: its caller's choice would be its own


def formula(function: Callable[..., Any]) -> Callable[..., Any]:
    """A scalar shared by CPU and CUDA loops: inlined by numba itself, because LLVM does not vectorise a loop over a
    call that returns a tuple; a plain Python function under the CUDA simulator."""
    return register_jitable(inline="always")(function)


def scalar(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of one number, shared by CPU and CUDA loops: LLVM inlines it, which is enough to vectorise a loop
    over a call that returns one number, and compiles in a tenth of the time that numba's own inlining takes."""
    return register_jitable(**INLINED)(function)


def loop(function: Callable[..., Any]) -> Callable[..., Any]:
    """A small loop that kernels call; compiled into them, so it needs no cache of its own."""
    return register_jitable(**OPTIONS)(function)


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """A loop that LLVM must inline: called so often that handing over its arguments would cost more than its work."""
    return register_jitable(**INLINED)(function)


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """A loop called from Python: compiled at first use, cached on disk between processes."""
    return watched(cached(njit(**OPTIONS)(function), function))


@intrinsic
def wide_vectors(typing_context):
    """Lets LLVM use the widest registers in loops of the calling function: it would keep to half of them on CPUs that
    once lowered their clock for wide ones, and these loops run twice as fast in full."""

    def generate(context, builder, signature, arguments):
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')  # llvmlite only knows older attributes
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def not_inlined(typing_context):
    """Keeps the calling function one of its own: LLVM would copy a large loop into each of its callers, and there find
    fewer registers for its constants."""

    def generate(context, builder, signature, arguments):
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate


announce_once(is_cached=CACHE_FOLDER is not None)
