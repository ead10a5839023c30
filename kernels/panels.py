"""Panel products C += A X with the batch (or the units) in the lanes of vector registers.

Every element of C is one chain of fused multiply-adds over k = 0, 1, 2, ... that begins at its old value: no path,
tile or block size changes the order, so a row gives the same bits in any batch. BLAS promises no such thing, and on
panels this small it is also slower. The registers hold ROWS x 2 vectors of C while k runs; nothing is packed.

Where numba compiles for a CPU without wide fused multiply-adds, plain loops in the same order stand in.
"""

from __future__ import annotations

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .jit import loop

INT32 = ir.IntType(32)
INT64 = ir.IntType(64)
LANES = 16  # panels are a multiple of this many lanes wide


def _register_bytes() -> int:
    """Bytes of the widest vector with fused multiply-adds on the CPU that numba compiles for; 0 without one."""
    if numba.config.CPU_NAME == "generic":
        return 0
    features = numba.config.CPU_FEATURES
    if features is None:
        features = llvm.get_host_cpu_features().flatten()
    if "+avx512f" in features:
        return 64
    return 32 if "+fma" in features or "+neon" in features else 0


REGISTER_BYTES = _register_bytes()
ROWS = 12 if REGISTER_BYTES == 64 else 6  # with two vectors to a row, the accumulators fill the registers


class _Registers:
    """Loads, stores and fused multiply-adds of whole vectors."""

    def __init__(self, builder, element_type, lanes):
        self.builder = builder
        self.bytes = element_type.bitwidth // 8
        self.element = ir.FloatType() if self.bytes == 4 else ir.DoubleType()
        self.vector = ir.VectorType(self.element, lanes)
        self.first = ir.Constant(ir.VectorType(INT32, lanes), [0] * lanes)
        name = f"llvm.fma.v{lanes}f{8 * self.bytes}"
        signature = ir.FunctionType(self.vector, [self.vector] * 3)
        self.fma = builder.module.globals.get(name) or ir.Function(builder.module, signature, name)

    def pointer(self, address, kind):
        return self.builder.inttoptr(address, kind.as_pointer())

    def load(self, address):
        loaded = self.builder.load(self.pointer(address, self.vector))
        loaded.align = self.bytes
        return loaded

    def store(self, value, address):
        self.builder.store(value, self.pointer(address, self.vector)).align = self.bytes

    def broadcast(self, address):
        number = self.builder.load(self.pointer(address, self.element))
        undefined = ir.Constant(self.vector, ir.Undefined)
        single = self.builder.insert_element(undefined, number, ir.Constant(INT32, 0))
        return self.builder.shuffle_vector(single, undefined, self.first)

    def multiply_add(self, a, x, c):
        return self.builder.call(self.fma, [a, x, c])


def _loop(builder, count, begins, step):
    """Run ``step`` count times on values carried from turn to turn; returns the last ones."""
    zero, one = ir.Constant(INT64, 0), ir.Constant(INT64, 1)
    entry, body, done = builder.block, builder.append_basic_block("panel"), builder.append_basic_block("done")
    builder.cbranch(builder.icmp_signed(">", count, zero), body, done)
    builder.position_at_end(body)
    carried = [builder.phi(begin.type) for begin in (zero, *begins)]
    ends = [builder.add(carried[0], one), *step(carried[1:])]
    for phi, begin, end in zip(carried, (zero, *begins), ends, strict=True):
        phi.add_incoming(begin, entry)
        phi.add_incoming(end, body)
    builder.cbranch(builder.icmp_signed("<", ends[0], count), body, done)
    builder.position_at_end(done)
    results = [builder.phi(begin.type) for begin in begins]
    for phi, begin, end in zip(results, begins, ends[1:], strict=True):
        phi.add_incoming(begin, entry)
        phi.add_incoming(end, body)
    return results


def _addresses(context, builder, array_type, array):
    """Address of the first element, and bytes from row to row (0 for a vector)."""
    view = context.make_array(array_type)(context, builder, array)
    start = builder.ptrtoint(view.data, INT64)
    return start, builder.extract_value(view.strides, 0)


def _block(rows, vectors):
    """Intrinsic: c[c_row + i, j :] += sum_k a[at + i a_row + k a_step] x[x_row + k, j :], for i < rows, k < depth and
    as many lanes as ``vectors`` registers hold."""

    def generate(context, builder, signature, arguments):
        a, at, a_row, a_step, x, x_row, c, c_row, j, depth = arguments
        element = signature.args[6].dtype
        size = element.bitwidth // 8
        registers = _Registers(builder, element, REGISTER_BYTES // size)
        add, times = builder.add, builder.mul
        in_bytes = lambda count: times(count, ir.Constant(INT64, size))  # noqa: E731
        a_start, _ = _addresses(context, builder, signature.args[0], a)
        x_start, x_stride = _addresses(context, builder, signature.args[4], x)
        c_start, c_stride = _addresses(context, builder, signature.args[6], c)
        shifts = [ir.Constant(INT64, v * REGISTER_BYTES) for v in range(vectors)]
        c_start = add(add(c_start, times(c_row, c_stride)), in_bytes(j))
        own_rows = [ir.Constant(INT64, r) for r in range(rows)]
        targets = [add(add(c_start, times(row, c_stride)), shift) for row in own_rows for shift in shifts]
        offsets = [times(row, in_bytes(a_row)) for row in own_rows]

        def step(carried):
            a_at, x_at, *sums = carried
            values = [registers.load(add(x_at, shift)) for shift in shifts]
            weights = [registers.broadcast(add(a_at, offset)) for offset in offsets]
            products = [(weight, value) for weight in weights for value in values]
            sums = [registers.multiply_add(*pair, total) for pair, total in zip(products, sums, strict=True)]
            return [add(a_at, in_bytes(a_step)), add(x_at, x_stride), *sums]

        x_start = add(add(x_start, times(x_row, x_stride)), in_bytes(j))
        begins = [add(a_start, in_bytes(at)), x_start, *(registers.load(target) for target in targets)]
        for total, target in zip(_loop(builder, depth, begins, step)[2:], targets, strict=True):
            registers.store(total, target)
        return context.get_dummy_value()

    @intrinsic
    def block(typing_context, a, at, a_row, a_step, x, x_row, c, c_row, j, depth):
        i = types.int64
        return types.void(a, i, i, i, x, i, c, i, i, i), generate

    return block


_many_by_two = _block(ROWS, 2)
_many_by_one = _block(ROWS, 1)
_four_by_two = _block(4, 2)
_four_by_one = _block(4, 1)
_one_by_four = _block(1, 4)
_one_by_two = _block(1, 2)
_one_by_one = _block(1, 1)


@loop
def _add_product_vectors(a, place, x, x_row, c, c_row, size):
    at, row, step = place
    m, depth, width = size
    lanes = REGISTER_BYTES // c.itemsize
    j = 0
    while j < width:  # a range with a step that might be 0 would cost reference counts
        i, whole = 0, j + lanes < width
        while i + ROWS <= m:
            if whole:
                _many_by_two(a, at + i * row, row, step, x, x_row, c, c_row + i, j, depth)
            else:
                _many_by_one(a, at + i * row, row, step, x, x_row, c, c_row + i, j, depth)
            i += ROWS
        while i + 4 <= m:
            if whole:
                _four_by_two(a, at + i * row, row, step, x, x_row, c, c_row + i, j, depth)
            else:
                _four_by_one(a, at + i * row, row, step, x, x_row, c, c_row + i, j, depth)
            i += 4
        while i < m:
            if whole:
                _one_by_two(a, at + i * row, row, step, x, x_row, c, c_row + i, j, depth)
            else:
                _one_by_one(a, at + i * row, row, step, x, x_row, c, c_row + i, j, depth)
            i += 1
        j += 2 * lanes


@loop
def _add_rows_vectors(a, place, x, x_row, c, c_row, size):
    at, row, step = place
    m, depth, width = size
    lanes = REGISTER_BYTES // c.itemsize
    for i in range(m):
        j = 0
        while j + 4 * lanes <= width:
            _one_by_four(a, at + i * row, row, step, x, x_row, c, c_row + i, j, depth)
            j += 4 * lanes
        while j < width:
            _one_by_one(a, at + i * row, row, step, x, x_row, c, c_row + i, j, depth)
            j += lanes


@loop
def _add_product_plain(a, place, x, x_row, c, c_row, size):
    at, row, step = place
    m, depth, width = size
    for i in range(m):
        for k in range(depth):
            weight = a[at + i * row + k * step]
            for j in range(width):
                c[c_row + i, j] += weight * x[x_row + k, j]


# c[c_row + i, j] += sum_k a[at + i row + k step] x[x_row + k, j], for i < m, k < depth, j < width, where
# ``place`` = (at, row, step) says where the matrix lies in the flat ``a`` and ``size`` = (m, depth, width). x and c are
# C-contiguous; width is a multiple of LANES.
add_product = _add_product_vectors if REGISTER_BYTES else _add_product_plain

# The same for products of few rows and little depth, which cost mostly their beginning and end.
add_rows = _add_rows_vectors if REGISTER_BYTES else _add_product_plain
