"""Square blocks of rows as columns, in registers: LLVM makes element-wise copies of the loops that say the same."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .vectors import INT32, Vectors

__all__ = ["BLOCK_BYTES", "transpose_block"]

BLOCK_BYTES = 32  # of a row of a block: 8 x 8 numbers of float32, 4 x 4 of float64


def _element(context, builder, array_type, array, i, j):
    """A pointer to element (i, j) of an array in C order, and the array's width."""
    made = context.make_array(array_type)(context, builder, array)
    width = builder.extract_value(made.shape, 1)
    return builder.gep(made.data, [builder.add(builder.mul(i, width), j)]), width


def _interleaved(builder, first, second, lanes, half):
    """The lower or upper halves of two vectors, lane by lane in turn."""
    begin = half * lanes // 2
    places = [place for lane in range(begin, begin + lanes // 2) for place in (lane, lanes + lane)]
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(INT32, lanes), places))


def _transpose_block(context, builder, signature, arguments):
    out_type, _, _, rows_type, _, _ = signature.args
    out, j, i, rows, r, c = arguments
    lanes = BLOCK_BYTES // (rows_type.dtype.bitwidth // 8)
    vectors = Vectors(builder, context.get_data_type(rows_type.dtype), lanes)
    pointer, width = _element(context, builder, rows_type, rows, r, c)
    block = []
    for _ in range(lanes):
        block.append(vectors.load_at(pointer))
        pointer = builder.gep(pointer, [width])
    for _ in range(lanes.bit_length() - 1):  # each turn doubles how many numbers of a column lie side by side
        pairs = [(block[k // 2], block[k // 2 + lanes // 2], k % 2) for k in range(lanes)]
        block = [_interleaved(builder, first, second, lanes, half) for first, second, half in pairs]
    pointer, width = _element(context, builder, out_type, out, j, i)
    for column in block:
        vectors.store_at(column, pointer)
        pointer = builder.gep(pointer, [width])
    return context.get_dummy_value()


@intrinsic
def transpose_block(typing_context, out, j, i, rows, r, c):
    """out[j + k, i + l] = rows[r + l, c + k] for a square block; arrays of one type in C order."""
    return types.void(out, types.int64, types.int64, rows, types.int64, types.int64), _transpose_block
