"""Products C += A X of small matrices, with the batch (or the units) in the lanes of vector registers.

Every element of C is one chain of fused multiply-adds over k = 0, 1, 2, ... that begins at its old value: no path,
tile or block size changes the order, so a row gives the same bits in any batch. BLAS promises no such thing, and on
matrices this small it is also slower. The registers hold ROWS x 2 vectors of C while k runs; nothing is packed.

Where numba compiles for a CPU without wide fused multiply-adds, plain loops in the same order stand in.
"""

from __future__ import annotations

from typing import NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .jit import loop
from .vectors import INT64, REGISTER_BYTES, Vectors, repeat

__all__ = ["LANES", "ROWS", "Matrix", "Size", "add_product", "add_rows", "four_by_two", "one_by_four"]

LANES = 16  # x and c are a multiple of this many columns wide
ROWS = 12 if REGISTER_BYTES == 64 else 6  # with two vectors to a row, the accumulators fill the registers


class Matrix(NamedTuple):
    """Where a matrix lies in a flat array: element (i, k) at start + i row + k step."""

    start: int
    row: int
    step: int


class Size(NamedTuple):
    """Of a product: so many rows of C and columns of A, so many columns of C."""

    rows: int
    depth: int
    width: int


def _at(context, builder, array_type, array, row, column):
    """Address of an element of a C-contiguous matrix, and the bytes from row to row."""
    view = context.make_array(array_type)(context, builder, array)
    start, stride = builder.ptrtoint(view.data, INT64), builder.extract_value(view.strides, 0)
    offset = builder.mul(column, ir.Constant(INT64, array_type.dtype.bitwidth // 8))
    return builder.add(builder.add(start, builder.mul(row, stride)), offset), stride


def _block(rows, vectors):
    """Intrinsic: c[c_row + i, j :] += sum_k a[at + i row + k step] x[x_row + k, j :], for i < rows, k < depth and as
    many lanes as ``vectors`` registers hold, where ``matrix`` = (at, row, step)."""

    def generate(context, builder, signature, arguments):
        a, matrix, x, x_row, c, c_row, j, depth = arguments
        a_type, _, x_type, _, c_type, *_ = signature.args
        element, n_bytes = context.get_value_type(c_type.dtype), ir.Constant(INT64, c_type.dtype.bitwidth // 8)
        registers = Vectors(builder, element, REGISTER_BYTES // n_bytes.constant)
        add, pointer = builder.add, lambda address: builder.inttoptr(address, element.as_pointer())
        at, a_row, a_step = (builder.mul(builder.extract_value(matrix, field), n_bytes) for field in range(3))
        a_start = builder.ptrtoint(context.make_array(a_type)(context, builder, a).data, INT64)
        x_at, x_stride = _at(context, builder, x_type, x, x_row, j)
        c_at, c_stride = _at(context, builder, c_type, c, c_row, j)
        shifts = [ir.Constant(INT64, v * REGISTER_BYTES) for v in range(vectors)]
        own_rows = [ir.Constant(INT64, i) for i in range(rows)]
        targets = [pointer(add(add(c_at, builder.mul(i, c_stride)), shift)) for i in own_rows for shift in shifts]
        offsets = [builder.mul(i, a_row) for i in own_rows]

        def step(_, a_at, x_at, *sums):
            values = [registers.load_at(pointer(add(x_at, shift))) for shift in shifts]
            weights = [registers.broadcast(builder.load(pointer(add(a_at, offset)))) for offset in offsets]
            pairs = [(weight, value) for weight in weights for value in values]
            sums = [registers.call("fma", *pair, total) for pair, total in zip(pairs, sums, strict=True)]
            return [add(a_at, a_step), add(x_at, x_stride), *sums]

        begins = [add(a_start, at), x_at, *(registers.load_at(target) for target in targets)]
        for total, target in zip(repeat(builder, depth, begins, step)[2:], targets, strict=True):
            registers.store_at(total, target)
        return context.get_dummy_value()

    @intrinsic
    def block(typing_context, a, matrix, x, x_row, c, c_row, j, depth):
        i = types.int64
        return types.void(a, types.UniTuple(i, 3), x, i, c, i, i, i), generate

    return block


many_by_two = _block(ROWS, 2)
many_by_one = _block(ROWS, 1)
four_by_two = _block(4, 2)
four_by_one = _block(4, 1)
one_by_four = _block(1, 4)
one_by_two = _block(1, 2)
one_by_one = _block(1, 1)


@loop
def _add_product_vectors(a, matrix, x, x_row, c, c_row, size):
    at, row, step = matrix
    rows, depth, width = size
    lanes = REGISTER_BYTES // c.itemsize
    j = 0
    while j < width:  # a range with a step that might be 0 would cost reference counts
        i, whole = 0, j + lanes < width
        while i + ROWS <= rows:
            if whole:
                many_by_two(a, (at + i * row, row, step), x, x_row, c, c_row + i, j, depth)
            else:
                many_by_one(a, (at + i * row, row, step), x, x_row, c, c_row + i, j, depth)
            i += ROWS
        while i + 4 <= rows:
            if whole:
                four_by_two(a, (at + i * row, row, step), x, x_row, c, c_row + i, j, depth)
            else:
                four_by_one(a, (at + i * row, row, step), x, x_row, c, c_row + i, j, depth)
            i += 4
        while i < rows:
            if whole:
                one_by_two(a, (at + i * row, row, step), x, x_row, c, c_row + i, j, depth)
            else:
                one_by_one(a, (at + i * row, row, step), x, x_row, c, c_row + i, j, depth)
            i += 1
        j += 2 * lanes


@loop
def _add_rows_vectors(a, matrix, x, x_row, c, c_row, size):
    at, row, step = matrix
    rows, depth, width = size
    lanes = REGISTER_BYTES // c.itemsize
    for i in range(rows):
        j = 0
        while j + 4 * lanes <= width:
            one_by_four(a, (at + i * row, row, step), x, x_row, c, c_row + i, j, depth)
            j += 4 * lanes
        while j < width:
            one_by_one(a, (at + i * row, row, step), x, x_row, c, c_row + i, j, depth)
            j += lanes


@loop
def _add_product_plain(a, matrix, x, x_row, c, c_row, size):
    at, row, step = matrix
    rows, depth, width = size
    for i in range(rows):
        for k in range(depth):
            weight = a[at + i * row + k * step]
            for j in range(width):
                c[c_row + i, j] += weight * x[x_row + k, j]


# c[c_row + i, j] += sum_k a[i, k] x[x_row + k, j], for i < rows, k < depth, j < width, where ``matrix`` says where a
# lies in a flat array. x and c are C-contiguous; width is a multiple of LANES.
add_product = _add_product_vectors if REGISTER_BYTES else _add_product_plain

# The same for products of few rows and little depth, which cost mostly their beginning and end.
add_rows = _add_rows_vectors if REGISTER_BYTES else _add_product_plain
