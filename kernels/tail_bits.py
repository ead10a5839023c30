"""Which of 32 words side by side lie near an end: their bits, for loops over the few that do."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .vectors import Vectors, pointer_to

__all__ = ["last_bit", "tails_below", "without_last_bit"]

WORDS = 32


@intrinsic
def tails_below(typing_context, words, row, i, limit):
    """A bit for each of words[row, i : i + 32]: whether it is below ``limit`` or not below 2**32 - ``limit``."""

    def generate(context, builder, signature, arguments):
        array, row, i, limit = arguments
        cells = Vectors(builder, ir.IntType(32), WORDS)
        stride = builder.extract_value(context.make_array(words)(context, builder, array).shape, 1)
        offset = builder.add(builder.mul(row, stride), i)
        numbers = cells.load_at(pointer_to(context, builder, words, array, offset))
        near = builder.icmp_unsigned(
            "<", builder.add(numbers, cells.broadcast(limit)), cells.broadcast(builder.add(limit, limit))
        )
        return builder.bitcast(near, ir.IntType(WORDS))

    return types.uint32(words, types.uint64, types.uint64, types.uint32), generate


@intrinsic
def last_bit(typing_context, bits):
    """The place of the last bit that is 1, of bits that are not 0."""

    def generate(context, builder, signature, arguments):
        return builder.zext(builder.cttz(arguments[0], ir.IntType(1)(1)), ir.IntType(64))

    return types.uint64(types.uint32), generate


@intrinsic
def without_last_bit(typing_context, bits):
    """bits & (bits - 1)"""

    def generate(context, builder, signature, arguments):
        return builder.and_(arguments[0], builder.sub(arguments[0], arguments[0].type(1)))

    return types.uint32(types.uint32), generate
