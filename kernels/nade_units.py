"""Loops over the hidden units of one row of a NADE, in explicit vectors so that every sum has one fixed order.

Arguments come in pairs: a C-contiguous array of a multiple of ``PAD`` columns, and the row of it that is meant. Slices
would say the same, but numba counts references to each, by atomic instructions that take longer than these loops.
LLVM splits the vectors into what the CPU has.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

PAD = 64  # hidden units are a multiple of this
BLOCK_BYTES = 256  # of one turn of a loop: enough independent chains to hide the latency of an addition
INT32 = ir.IntType(32)
INT64 = ir.IntType(64)
FIRST_GUESS = 0x7EF311C3  # minus the bits of a positive float32: its inverse, within 12 %
RANGE = {4: (1e-35, 1e35), 8: (1e-300, 1e300)}  # of exp(-a): inside, products are exact to rounding


class _Blocks:
    """Loads, stores and arithmetic of blocks of numbers of the arrays that an intrinsic was called with."""

    def __init__(self, context, builder, kinds, values):
        """``kinds`` and ``values`` of the arguments: pairs of an array and a row, then what is no array."""
        self.builder = builder
        self.views = [
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(kinds, values, strict=True)
            if isinstance(kind, types.Array)
        ]
        self.width = builder.extract_value(self.views[0].shape, 1)
        self.rows = [
            builder.gep(view.data, [builder.mul(row, self.width)])
            for view, row in zip(self.views, values[1::2], strict=False)
        ]
        self.element = context.get_value_type(kinds[0].dtype)
        self.bytes = 4 if isinstance(self.element, ir.FloatType) else 8
        self.lanes = BLOCK_BYTES // self.bytes
        self.vector = ir.VectorType(self.element, self.lanes)
        self.at = ir.Constant(INT64, 0)

    def constant(self, number):
        return ir.Constant(self.vector, [number] * self.lanes)

    def broadcast(self, number):
        undefined = ir.Constant(self.vector, ir.Undefined)
        single = self.builder.insert_element(undefined, number, ir.Constant(INT32, 0))
        return self.builder.shuffle_vector(
            single, undefined, ir.Constant(ir.VectorType(INT32, self.lanes), [0] * self.lanes)
        )

    def _pointer(self, array):
        return self.builder.bitcast(self.builder.gep(self.rows[array], [self.at]), self.vector.as_pointer())

    def load(self, array):
        loaded = self.builder.load(self._pointer(array))
        loaded.align = self.bytes
        return loaded

    def store(self, value, array):
        self.builder.store(value, self._pointer(array)).align = self.bytes

    def multiply_add(self, a, b, c):
        name = f"llvm.fmuladd.v{self.lanes}f{8 * self.bytes}"
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        function = self.builder.module.globals.get(name) or ir.Function(self.builder.module, kind, name)
        return self.builder.call(function, [a, b, c])

    def choose(self, comparison, a, b):
        """a where ``a comparison b`` holds, else b."""
        return self.builder.select(self.builder.fcmp_ordered(comparison, a, b), a, b)

    def inverse_of_one_more(self, x):
        """1 / (1 + x) for x >= 0, within 2 ulp: dividing vectors is slow, so in float32 three steps of Newton's method
        r <- r + r (1 - y r) take a first guess, made by negating the exponent, from 12 % to 1e-7."""
        builder, one = self.builder, self.constant(1.0)
        y = builder.fadd(x, one)
        if self.bytes == 8:
            return builder.fdiv(one, y)
        whole = ir.VectorType(INT32, self.lanes)
        bits = builder.sub(ir.Constant(whole, [FIRST_GUESS] * self.lanes), builder.bitcast(y, whole))
        r = builder.bitcast(bits, self.vector)
        for _ in range(3):
            error = self.multiply_add(builder.fneg(y), r, one)
            r = self.multiply_add(r, error, r)
        return r

    def run(self, begins, step):
        """Run ``step`` over all blocks, on values carried from one to the next; returns the last ones."""
        builder = self.builder
        entry, body, done = builder.block, builder.append_basic_block("block"), builder.append_basic_block("done")
        builder.branch(body)
        builder.position_at_end(body)
        self.at, *carried = phis = [builder.phi(begin.type) for begin in (self.at, *begins)]
        ends = [builder.add(self.at, ir.Constant(INT64, self.lanes)), *step(*carried)]
        for phi, begin, end in zip(phis, (ir.Constant(INT64, 0), *begins), ends, strict=True):
            phi.add_incoming(begin, entry)
            phi.add_incoming(end, body)
        builder.cbranch(builder.icmp_signed("<", ends[0], self.width), body, done)
        builder.position_at_end(done)
        return ends[1:]

    def sum(self, vector):
        """The sum of the lanes: halves are added to each other until one lane is left."""
        lanes = self.lanes
        while lanes > 1:
            lanes //= 2
            undefined = ir.Constant(vector.type, ir.Undefined)
            halves = (
                ir.Constant(ir.VectorType(INT32, lanes), list(range(begin, begin + lanes))) for begin in (0, lanes)
            )
            vector = self.builder.fadd(*(self.builder.shuffle_vector(vector, undefined, half) for half in halves))
        return self.builder.extract_element(vector, ir.Constant(INT32, 0))


@intrinsic
def dot(typing_context, a, i, b, j):
    """a[i] . b[j]"""

    def generate(context, builder, signature, arguments):
        blocks = _Blocks(context, builder, signature.args, arguments)
        (total,) = blocks.run(
            [blocks.constant(0.0)], lambda total: [blocks.multiply_add(blocks.load(0), blocks.load(1), total)]
        )
        return blocks.sum(total)

    return a.dtype(a, types.int64, b, types.int64), generate


@intrinsic
def multiply_state(typing_context, state, i, factor, j, hidden, k):
    """state[i] *= factor[j], hidden[k] = 1 / (1 + state[i]); returns whether all of the state stayed within RANGE."""

    def generate(context, builder, signature, arguments):
        blocks = _Blocks(context, builder, signature.args, arguments)

        def step(smallest, largest):
            value = builder.fmul(blocks.load(0), blocks.load(1))
            blocks.store(value, 0)
            blocks.store(blocks.inverse_of_one_more(value), 2)
            return blocks.choose("<", value, smallest), blocks.choose(">", value, largest)

        smallest, largest = blocks.run([blocks.constant(1.0), blocks.constant(1.0)], step)
        low, high = (blocks.constant(bound) for bound in RANGE[blocks.bytes])
        inside = builder.and_(builder.fcmp_ordered(">", smallest, low), builder.fcmp_ordered("<", largest, high))
        mask = ir.IntType(blocks.lanes)
        return builder.icmp_unsigned("==", builder.bitcast(inside, mask), ir.Constant(mask, -1))

    row = types.int64
    return types.boolean(state, row, factor, row, hidden, row), generate


@intrinsic
def activate_exp(typing_context, state, i, hidden, j):
    """hidden[j] = 1 / (1 + state[i])"""

    def generate(context, builder, signature, arguments):
        blocks = _Blocks(context, builder, signature.args, arguments)

        def step():
            blocks.store(blocks.inverse_of_one_more(blocks.load(0)), 1)
            return ()

        blocks.run([], step)
        return context.get_dummy_value()

    return types.void(state, types.int64, hidden, types.int64), generate


@intrinsic
def add_outer(typing_context, a, for_a, i, b, j, for_b, k, weight):
    """for_a[i] += weight b[j], for_b[k] += weight a[i]: the gradients of weight (a[i] . b[j])"""

    def generate(context, builder, signature, arguments):
        a, for_a, i, b, j, for_b, k, weight = zip(signature.args, arguments, strict=True)
        blocks = _Blocks(context, builder, *zip(a, i, b, j, for_a, i, for_b, k, strict=True))
        weight = blocks.broadcast(weight[1])

        def step():
            new_a = blocks.multiply_add(weight, blocks.load(1), blocks.load(2))
            new_b = blocks.multiply_add(weight, blocks.load(0), blocks.load(3))
            blocks.store(new_a, 2)
            blocks.store(new_b, 3)
            return ()

        blocks.run([], step)
        return context.get_dummy_value()

    row = types.int64
    return types.void(a, for_a, row, b, row, for_b, row, weight), generate


@intrinsic
def add_row(typing_context, total, i, values, j):
    """total[i] += values[j]"""

    def generate(context, builder, signature, arguments):
        blocks = _Blocks(context, builder, signature.args, arguments)

        def step():
            blocks.store(builder.fadd(blocks.load(0), blocks.load(1)), 0)
            return ()

        blocks.run([], step)
        return context.get_dummy_value()

    return types.void(total, types.int64, values, types.int64), generate
