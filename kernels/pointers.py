"""Bare pointers in place of arrays, for loops that call small functions often.

An array is handed over as seven numbers and counts its references at every hand; a plan of a dozen of them costs more
than a small function does. A pointer is one number, has no length and is never checked: the kernel's caller holds the
arrays (one that a kernel makes itself would be freed at once), and its loops index with what was checked or clamped
before. Code that only indexes runs on both.
"""

from __future__ import annotations

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["bare", "pointer"]


@intrinsic
def pointer(typing_context, array):
    """To the first element of a C-contiguous array."""

    def generate(context, builder, signature, arguments):
        return context.make_array(signature.args[0])(context, builder, arguments[0]).data

    return types.CPointer(array.dtype)(array), generate


@intrinsic
def bare(typing_context, plan):
    """A plan with pointers in place of its arrays, and its numbers as they are."""
    kinds = [types.CPointer(own.dtype) if isinstance(own, types.Array) else own for own in plan.types]

    def generate(context, builder, signature, arguments):
        values = [
            context.make_array(own)(context, builder, value).data if isinstance(own, types.Array) else value
            for own, value in zip(signature.args[0].types, cgutils.unpack_tuple(builder, arguments[0]), strict=True)
        ]
        return context.make_tuple(builder, signature.return_type, values)

    return types.NamedTuple(kinds, plan.instance_class)(plan), generate
