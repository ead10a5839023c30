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


class _Matrix:
    """Address arithmetic on a two-dimensional array of any strides."""

    def __init__(self, context, builder, array_type, array):
        self.builder = builder
        view = context.make_array(array_type)(context, builder, array)
        self.start = builder.ptrtoint(view.data, INT64)
        self.row_stride, self.column_stride = (builder.extract_value(view.strides, axis) for axis in range(2))
        self.n_columns = builder.extract_value(view.shape, 1)

    def address(self, row, column):
        """Address of an element, for indices that are LLVM values or ints."""
        add, times = self.builder.add, self.builder.mul
        row, column = (ir.Constant(INT64, i) if isinstance(i, int) else i for i in (row, column))
        return add(self.start, add(times(row, self.row_stride), times(column, self.column_stride)))


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


def _block(rows, vectors):
    """Intrinsic: c[i : i + rows, j : j + vectors * lanes] += a[i : i + rows] @ x[:, j : j + vectors * lanes]."""

    def generate(context, builder, signature, arguments):
        a, x, c = (_Matrix(context, builder, *pair) for pair in zip(signature.args[:3], arguments[:3], strict=True))
        i, j = arguments[3:]
        element = signature.args[2].dtype
        registers = _Registers(builder, element, REGISTER_BYTES * 8 // element.bitwidth)
        add = builder.add
        shifts = [ir.Constant(INT64, v * REGISTER_BYTES) for v in range(vectors)]
        own_rows = [add(i, ir.Constant(INT64, r)) for r in range(rows)]
        targets = [add(c.address(row, j), shift) for row in own_rows for shift in shifts]
        offsets = [builder.sub(a.address(row, 0), a.start) for row in own_rows]

        def step(carried):
            a_at, x_at, *sums = carried
            values = [registers.load(add(x_at, shift)) for shift in shifts]
            weights = [registers.broadcast(add(a_at, offset)) for offset in offsets]
            products = [(weight, value) for weight in weights for value in values]
            sums = [registers.multiply_add(*pair, total) for pair, total in zip(products, sums, strict=True)]
            return [add(a_at, a.column_stride), add(x_at, x.row_stride), *sums]

        begins = [a.start, x.address(0, j), *(registers.load(target) for target in targets)]
        for total, target in zip(_loop(builder, a.n_columns, begins, step)[2:], targets, strict=True):
            registers.store(total, target)
        return context.get_dummy_value()

    @intrinsic
    def block(typing_context, a, x, c, i, j):
        return types.void(a, x, c, types.int64, types.int64), generate

    return block


_many_by_two = _block(ROWS, 2)
_many_by_one = _block(ROWS, 1)
_four_by_two = _block(4, 2)
_four_by_one = _block(4, 1)
_one_by_two = _block(1, 2)
_one_by_one = _block(1, 1)


@loop
def _add_two_vectors(a, x, c, j):
    i, m = 0, c.shape[0]
    while i + ROWS <= m:
        _many_by_two(a, x, c, i, j)
        i += ROWS
    while i + 4 <= m:
        _four_by_two(a, x, c, i, j)
        i += 4
    while i < m:
        _one_by_two(a, x, c, i, j)
        i += 1


@loop
def _add_one_vector(a, x, c, j):
    i, m = 0, c.shape[0]
    while i + ROWS <= m:
        _many_by_one(a, x, c, i, j)
        i += ROWS
    while i + 4 <= m:
        _four_by_one(a, x, c, i, j)
        i += 4
    while i < m:
        _one_by_one(a, x, c, i, j)
        i += 1


@loop
def _add_product_vectors(a, x, c):
    lanes = REGISTER_BYTES // c.itemsize
    j, width = 0, c.shape[1]
    while j + 2 * lanes <= width:
        _add_two_vectors(a, x, c, j)
        j += 2 * lanes
    if j < width:
        _add_one_vector(a, x, c, j)


@loop
def _add_product_plain(a, x, c):
    for i in range(c.shape[0]):
        row = c[i]
        for k in range(a.shape[1]):
            weight, values = a[i, k], x[k]
            for j in range(row.size):
                row[j] += weight * values[j]


add_product = _add_product_vectors if REGISTER_BYTES else _add_product_plain
