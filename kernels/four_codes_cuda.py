"""Codes of four rows at once: where a column of bytes is aligned, four codes of a thread are one 32-bit word.

A warp then moves 128 bytes with one instruction instead of with four. Columns begin at multiples of the number of
rows, so they are aligned where that is a multiple of four and the block begins at one, which memory of GPU libraries
does; any other block, and codes of 16 bits, are moved one by one.
"""

from __future__ import annotations

import ctypes
from typing import Any

from llvmlite import ir
from numba import config, cuda, types, uint32, uint64
from numba.extending import intrinsic

__all__ = ["is_whole", "load_four", "store_four"]

device: Any = cuda.jit(device=True)

if config.ENABLE_CUDASIM:  # whose functions are Python's

    def load_word(block, at):
        """The 32-bit word ``at`` so many bytes after the beginning of a block."""
        return uint32(ctypes.c_uint32.from_address(block.ctypes.data + int(at)).value)

    def store_word(block, at, word):
        """Write a 32-bit word ``at`` so many bytes after the beginning of a block."""
        ctypes.c_uint32.from_address(block.ctypes.data + int(at)).value = int(word)

else:

    @intrinsic
    def load_word(typing_context, block, at):
        """The 32-bit word ``at`` so many bytes after the beginning of a block."""

        def generate(context, builder, signature, arguments):
            return builder.load(_word_pointer(context, builder, signature, arguments))

        return types.uint32(block, types.uint64), generate

    @intrinsic
    def store_word(typing_context, block, at, word):
        """Write a 32-bit word ``at`` so many bytes after the beginning of a block."""

        def generate(context, builder, signature, arguments):
            builder.store(arguments[2], _word_pointer(context, builder, signature, arguments))
            return context.get_dummy_value()

        return types.void(block, types.uint64, types.uint32), generate

    def _word_pointer(context, builder, signature, arguments):
        """Into the memory of an array, which has no check of its type: numba's views ask for the size of an item."""
        own = context.make_array(signature.args[0])(context, builder, arguments[0])
        first = builder.bitcast(own.data, ir.IntType(8).as_pointer())
        return builder.bitcast(builder.gep(first, [arguments[1]]), ir.IntType(32).as_pointer())


@device
def is_whole(block):
    """Whether the codes of rows 4k to 4k + 3 of any column are one aligned 32-bit word."""
    columns, rows = block.strides
    return rows == 1 and (block.ctypes.data | columns | block.shape[1]) & 3 == 0


@device
def load_four(block, column, first, step, whole):
    """The codes of rows ``first``, ``first + step``, ... of a column, of its last row for those beyond.

    ``whole``: the block is, and the step is 1.
    """
    if whole:
        word = load_word(block, uint64(column) * uint64(block.strides[0]) + first)
        low = uint32(0xFF)
        return word & low, (word >> uint32(8)) & low, (word >> uint32(16)) & low, word >> uint32(24)
    last = uint64(block.shape[1]) - uint64(1)
    second, third = first + step, first + step + step
    return (
        uint32(block[column, first]),
        uint32(block[column, min(second, last)]),
        uint32(block[column, min(third, last)]),
        uint32(block[column, min(third + step, last)]),
    )


@device
def store_four(block, column, first, whole, codes):
    """Write rows ``first`` to ``first + 3`` of a column, as far as it has them.

    ``codes`` is (code of the first row | code of the third << 16, code of the second row | code of the fourth << 16).
    """
    even, odd = codes
    if whole:
        store_word(block, uint64(column) * uint64(block.strides[0]) + first, uint32(even | (odd << uint32(8))))
    else:
        low, left = uint32(0xFFFF), uint64(block.shape[1]) - first
        block[column, first] = even & low
        if left > uint64(1):
            block[column, first + uint64(1)] = odd & low
        if left > uint64(2):
            block[column, first + uint64(2)] = even >> uint32(16)
        if left > uint64(3):
            block[column, first + uint64(3)] = odd >> uint32(16)
