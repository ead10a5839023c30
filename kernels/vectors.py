"""Explicit vectors, where LLVM does not find them by itself: numbers side by side, loops over them, table look-ups.

``llvm.masked.gather`` becomes one instruction where the CPU has a fast one and plain loads everywhere else, so the
look-ups need no second version; what they compute is the scalar statement in their docstrings.
"""

from __future__ import annotations

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["INT32", "INT64", "REGISTER_BYTES", "Vectors", "add_cells", "copy_cells", "pointer_to", "repeat"]

INT32 = ir.IntType(32)
INT64 = ir.IntType(64)
CELLS = 8  # looked up at once


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


class Vectors:
    """Vectors of one type in the code of an intrinsic; LLVM splits them into what the CPU has."""

    def __init__(self, builder, element, lanes):
        self.builder = builder
        self.element = element
        self.lanes = lanes
        self.kind = ir.VectorType(element, lanes)

    @property
    def n_bytes(self):
        """Of one lane."""
        if isinstance(self.element, ir.IntType):
            return self.element.width // 8
        return 4 if isinstance(self.element, ir.FloatType) else 8

    def load_at(self, pointer):
        """What lies at a pointer, aligned as its elements are."""
        loaded = self.builder.load(self.builder.bitcast(pointer, self.kind.as_pointer()))
        loaded.align = self.n_bytes
        return loaded

    def store_at(self, value, pointer):
        """Put a vector where a pointer points."""
        self.builder.store(value, self.builder.bitcast(pointer, self.kind.as_pointer())).align = self.n_bytes

    def constant(self, number):
        """The same number in all lanes."""
        return ir.Constant(self.kind, [number] * self.lanes)

    def broadcast(self, scalar):
        """A scalar in all lanes."""
        undefined = ir.Constant(self.kind, ir.Undefined)
        single = self.builder.insert_element(undefined, scalar, ir.Constant(INT32, 0))
        first = ir.Constant(ir.VectorType(INT32, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(single, undefined, first)

    def call(self, name, *operands):
        """An operation that LLVM has for vectors of every length: ``fma``, or ``fmuladd``, fused where that is fast."""
        name = f"llvm.{name}.v{self.lanes}f{8 * self.n_bytes}"
        kind = ir.FunctionType(self.kind, [self.kind] * len(operands))
        function = self.builder.module.globals.get(name) or ir.Function(self.builder.module, kind, name)
        return self.builder.call(function, operands)


def repeat(builder, n, begins, step, stride=1, never_empty=False):
    """Run ``step(i, *values)`` for i = 0, stride, ... below n, on values carried on; returns the last ones."""
    zero = ir.Constant(INT64, 0)
    entry, body, done = builder.block, builder.append_basic_block("body"), builder.append_basic_block("done")
    if never_empty:
        builder.branch(body)
    else:
        builder.cbranch(builder.icmp_signed(">", n, zero), body, done)
    builder.position_at_end(body)
    carried = [builder.phi(begin.type) for begin in (zero, *begins)]
    values = step(*carried)
    ends = [builder.add(carried[0], ir.Constant(INT64, stride)), *values]
    for phi, begin, end in zip(carried, (zero, *begins), ends, strict=True):
        phi.add_incoming(begin, entry)
        phi.add_incoming(end, body)
    builder.cbranch(builder.icmp_signed("<", ends[0], n), body, done)
    builder.position_at_end(done)
    if never_empty:
        return ends[1:]
    results = [builder.phi(begin.type) for begin in begins]
    for phi, begin, end in zip(results, begins, ends[1:], strict=True):
        phi.add_incoming(begin, entry)
        phi.add_incoming(end, body)
    return results


# --- look-ups ---


def pointer_to(context, builder, array_type, array, offset):
    """To element ``offset`` of a contiguous array."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [offset])


def _cells(context, builder, array_type):
    return Vectors(builder, context.get_data_type(array_type.dtype), CELLS)


def _gather(context, builder, table_type, table, index):
    """table[index] for a vector of unsigned indices."""
    cells, addresses = _cells(context, builder, table_type), Vectors(builder, INT64, CELLS)
    start = builder.ptrtoint(context.make_array(table_type)(context, builder, table).data, INT64)
    offsets = builder.mul(builder.zext(index, addresses.kind), addresses.constant(cells.n_bytes))
    pointer_type = ir.VectorType(cells.element.as_pointer(), CELLS)
    pointers = builder.inttoptr(builder.add(addresses.broadcast(start), offsets), pointer_type)
    mask = ir.VectorType(ir.IntType(1), CELLS)
    name = f"llvm.masked.gather.v{CELLS}{'f' if isinstance(cells.element, ir.DoubleType) else 'i'}64.v{CELLS}p0"
    signature = ir.FunctionType(cells.kind, [pointer_type, INT32, mask, cells.kind])
    function = builder.module.globals.get(name) or ir.Function(builder.module, signature, name)
    every, nothing = ir.Constant(mask, [1] * CELLS), ir.Constant(cells.kind, ir.Undefined)
    return builder.call(function, [pointers, ir.Constant(INT32, cells.n_bytes), every, nothing])


def _within(context, builder, table_type, table, index):
    """min(index, last cell of the table), lane by lane in the index's own width."""
    size = builder.extract_value(context.make_array(table_type)(context, builder, table).shape, 0)
    last, largest = builder.sub(size, INT64(1)), INT64((1 << index.type.element.width) - 1)
    limit = builder.select(builder.icmp_unsigned("<", last, largest), last, largest)
    limits = Vectors(builder, index.type.element, CELLS).broadcast(builder.trunc(limit, index.type.element))
    return builder.select(builder.icmp_unsigned("<", index, limits), index, limits)


def _copy_cells(context, builder, signature, arguments):
    out_type, table_type, index_type, _ = signature.args
    out, table, index, i = arguments
    places = _cells(context, builder, index_type).load_at(pointer_to(context, builder, index_type, index, i))
    cells = _gather(context, builder, table_type, table, places)
    _cells(context, builder, out_type).store_at(cells, pointer_to(context, builder, out_type, out, i))
    return context.get_dummy_value()


def _add_cells(context, builder, signature, arguments):
    out_type, table_type, index_type, _ = signature.args
    out, table, index, i = arguments
    places = _cells(context, builder, index_type).load_at(pointer_to(context, builder, index_type, index, i))
    cells = _gather(context, builder, table_type, table, _within(context, builder, table_type, table, places))
    sums, pointer = _cells(context, builder, out_type), pointer_to(context, builder, out_type, out, i)
    sums.store_at(builder.fadd(sums.load_at(pointer), cells), pointer)
    return context.get_dummy_value()


@intrinsic
def copy_cells(typing_context, out, table, index, i):
    """out[i : i + 8] = table[index[i : i + 8]]; 64-bit cells, unsigned indices in range, contiguous arrays."""
    return types.void(out, table, index, types.int64), _copy_cells


@intrinsic
def add_cells(typing_context, out, table, index, i):
    """out[i : i + 8] += table[min(index[i : i + 8], last)]; float64 cells, unsigned indices, contiguous arrays."""
    return types.void(out, table, index, types.int64), _add_cells
