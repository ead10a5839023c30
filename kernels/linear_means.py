"""Linear functions of columns: intercept + sum_j slope_j y_j, where the y_j are some of the rows of a block of reals.

Every number is one chain of multiply_adds over the parents in their order. The registers hold WIDE vectors of rows
while the parents pass, so that nothing but the result is stored; the last rows of a tile, and CPUs without wide fused
multiply-adds, take a plain loop in the same order.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types, uint64
from numba.extending import intrinsic

from .jit import loop
from .portable import multiply_add
from .vectors import INT64, REGISTER_BYTES, Vectors, repeat

__all__ = ["linear_mean"]

WIDE = 4  # vectors


def _address(context, builder, array_type, array, index):
    """Of element ``index`` of a contiguous array, as an integer."""
    start = builder.ptrtoint(context.make_array(array_type)(context, builder, array).data, INT64)
    return builder.add(start, builder.mul(index, INT64(array_type.dtype.bitwidth // 8)))


@intrinsic
def _wide_mean(typing_context, intercept, slopes, rows, reals, column, mean, i):
    """mean[i : i + lanes] = intercept + sum_j slopes[j] * reals[rows[j], column : column + lanes]."""

    def generate(context, builder, signature, arguments):
        intercept, slopes, rows, reals, column, mean, i = arguments
        _, slopes_type, rows_type, reals_type, _, mean_type, _ = signature.args
        element = context.get_value_type(mean_type.dtype)
        n_bytes = mean_type.dtype.bitwidth // 8
        registers = Vectors(builder, element, REGISTER_BYTES // n_bytes)
        shifts = [INT64(v * REGISTER_BYTES) for v in range(WIDE)]
        block = context.make_array(reals_type)(context, builder, reals)
        stride = builder.extract_value(block.strides, 0)
        base = builder.add(builder.ptrtoint(block.data, INT64), builder.mul(column, INT64(n_bytes)))
        first_row = _address(context, builder, rows_type, rows, INT64(0))
        first_slope = _address(context, builder, slopes_type, slopes, INT64(0))
        n_parents = builder.extract_value(context.make_array(rows_type)(context, builder, rows).shape, 0)

        def step(j, *means):
            at = builder.add(first_row, builder.mul(j, INT64(4)))
            row = builder.zext(builder.load(builder.inttoptr(at, ir.IntType(32).as_pointer())), INT64)
            at = builder.add(first_slope, builder.mul(j, INT64(n_bytes)))
            slope = registers.broadcast(builder.load(builder.inttoptr(at, element.as_pointer())))
            parent = builder.add(base, builder.mul(row, stride))
            return [
                registers.call("fma", slope, registers.load_at(_pointer(builder, parent, shift, element)), own)
                for own, shift in zip(means, shifts, strict=True)
            ]

        means = repeat(builder, n_parents, [registers.broadcast(intercept)] * WIDE, step)
        target = _address(context, builder, mean_type, mean, i)
        for own, shift in zip(means, shifts, strict=True):
            registers.store_at(own, _pointer(builder, target, shift, element))
        return context.get_dummy_value()

    return types.void(intercept, slopes, rows, reals, types.int64, mean, types.int64), generate


def _pointer(builder, address, shift, element):
    return builder.inttoptr(builder.add(address, shift), element.as_pointer())


@loop
def _plain_mean(intercept, slopes, rows, reals, a, mean, begin):
    for i in range(uint64(begin), uint64(mean.shape[0])):
        x = intercept
        for j in range(uint64(rows.shape[0])):
            x = multiply_add(slopes[j], reals[uint64(rows[j]), uint64(a) + i], x)
        mean[i] = x


@loop
def _linear_mean_vectors(intercept, slopes, rows, reals, a, mean):
    lanes = WIDE * (REGISTER_BYTES // mean.itemsize)
    i = 0
    while i + lanes <= mean.shape[0]:
        _wide_mean(intercept, slopes, rows, reals, a + i, mean, i)
        i += lanes
    _plain_mean(intercept, slopes, rows, reals, a, mean, i)


@loop
def _linear_mean_plain(intercept, slopes, rows, reals, a, mean):
    _plain_mean(intercept, slopes, rows, reals, a, mean, 0)


# mean[i] = intercept + sum_j slopes[j] * reals[rows[j], a + i], for all i; reals is C-contiguous, rows are uint32.
linear_mean = _linear_mean_vectors if REGISTER_BYTES else _linear_mean_plain
