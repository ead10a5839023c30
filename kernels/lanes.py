"""Vector instructions that LLVM does not find by itself: eight table look-ups at once.

``llvm.masked.gather`` becomes one instruction where the CPU has a fast one and plain loads everywhere else, so these
need no second version; what they compute is the scalar statement in their docstrings.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 8
INT32 = ir.IntType(32)
INT64 = ir.IntType(64)


def _vector(element):
    return ir.VectorType(element, LANES)


def _address(context, builder, array_type, array, offset):
    """Address of element ``offset`` of a contiguous array."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [offset])


def _load_lanes(context, builder, array_type, array, offset):
    element = context.get_data_type(array_type.dtype)
    pointer = builder.bitcast(_address(context, builder, array_type, array, offset), _vector(element).as_pointer())
    lanes = builder.load(pointer)
    lanes.align = array_type.dtype.bitwidth // 8
    return lanes


def _store_lanes(context, builder, array_type, array, offset, lanes):
    pointer = builder.bitcast(_address(context, builder, array_type, array, offset), lanes.type.as_pointer())
    builder.store(lanes, pointer).align = array_type.dtype.bitwidth // 8


def _gather(context, builder, table_type, table, index):
    """table[index] for a vector of unsigned indices."""
    element = context.get_data_type(table_type.dtype)
    size = table_type.dtype.bitwidth // 8
    start = builder.ptrtoint(context.make_array(table_type)(context, builder, table).data, INT64)
    vector = _vector(INT64)
    starts = _splat(builder, start)
    offsets = builder.mul(builder.zext(index, vector), ir.Constant(vector, [size] * LANES))
    pointers = builder.inttoptr(builder.add(starts, offsets), _vector(element.as_pointer()))
    lanes, mask = _vector(element), _vector(ir.IntType(1))
    name = f"llvm.masked.gather.v{LANES}{'f' if isinstance(element, ir.DoubleType) else 'i'}64.v{LANES}p0"
    signature = ir.FunctionType(lanes, [pointers.type, INT32, mask, lanes])
    function = builder.module.globals.get(name) or ir.Function(builder.module, signature, name)
    every = ir.Constant(mask, [1] * LANES)
    return builder.call(function, [pointers, ir.Constant(INT32, size), every, ir.Constant(lanes, ir.Undefined)])


def _splat(builder, scalar):
    """A vector of one scalar."""
    vector = _vector(scalar.type)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(INT32, 0))
    return builder.shuffle_vector(first, first, ir.Constant(_vector(INT32), [0] * LANES))


def _within(context, builder, table_type, table, index):
    """min(index, last cell of the table), lane by lane in the index's own width."""
    size = builder.extract_value(context.make_array(table_type)(context, builder, table).shape, 0)
    last, largest = builder.sub(size, INT64(1)), INT64((1 << index.type.element.width) - 1)
    limit = builder.select(builder.icmp_unsigned("<", last, largest), last, largest)
    limits = _splat(builder, builder.trunc(limit, index.type.element))
    return builder.select(builder.icmp_unsigned("<", index, limits), index, limits)


def _copy_cells(context, builder, signature, arguments):
    out_type, table_type, index_type, _ = signature.args
    out, table, index, i = arguments
    places = _load_lanes(context, builder, index_type, index, i)
    _store_lanes(context, builder, out_type, out, i, _gather(context, builder, table_type, table, places))
    return context.get_dummy_value()


def _add_cells(context, builder, signature, arguments):
    out_type, table_type, index_type, _ = signature.args
    out, table, index, i = arguments
    places = _load_lanes(context, builder, index_type, index, i)
    cells = _gather(context, builder, table_type, table, _within(context, builder, table_type, table, places))
    sums = builder.fadd(_load_lanes(context, builder, out_type, out, i), cells)
    _store_lanes(context, builder, out_type, out, i, sums)
    return context.get_dummy_value()


@intrinsic
def copy_cells(typing_context, out, table, index, i):
    """out[i : i + 8] = table[index[i : i + 8]]; 64-bit cells, unsigned indices in range, contiguous arrays."""
    return types.void(out, table, index, types.int64), _copy_cells


@intrinsic
def add_cells(typing_context, out, table, index, i):
    """out[i : i + 8] += table[min(index[i : i + 8], last)]; float64 cells, unsigned indices, contiguous arrays."""
    return types.void(out, table, index, types.int64), _add_cells
