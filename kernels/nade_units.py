"""Loops over the hidden units of one row of a NADE, in explicit vectors so that every sum has one fixed order.

Arguments come in pairs: a C-contiguous array of a multiple of ``PAD`` columns, and the row of it that is meant. Slices
would say the same, but numba counts references to each, by atomic instructions that take longer than these loops.
LLVM splits the vectors into what the CPU has.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .vectors import INT32, INT64, Vectors, repeat

PAD = 64  # hidden units are a multiple of this
BLOCK_BYTES = 256  # of one turn of a loop: enough independent chains to hide the latency of an addition
FIRST_GUESS = 0x7EF311C3  # minus the bits of a positive float32: its inverse, within 12 %
RANGE = {4: (1e-35, 1e35), 8: (1e-300, 1e300)}  # of exp(-a): inside, products are exact to rounding


class _Blocks(Vectors):
    """Blocks of numbers of the rows of arrays that an intrinsic was called with."""

    def __init__(self, context, builder, kinds, values):
        """``kinds`` and ``values`` of the arguments: pairs of an array and a row, then what is no array."""
        views = [
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(kinds, values, strict=True)
            if isinstance(kind, types.Array)
        ]
        self.width = builder.extract_value(views[0].shape, 1)
        self.rows = [
            builder.gep(view.data, [builder.mul(row, self.width)])
            for view, row in zip(views, values[1::2], strict=False)
        ]
        self.at = ir.Constant(INT64, 0)
        element = context.get_value_type(kinds[0].dtype)
        super().__init__(builder, element, BLOCK_BYTES // (kinds[0].dtype.bitwidth // 8))

    def _pointer(self, array):
        return self.builder.gep(self.rows[array], [self.at])

    def load(self, array):
        """The block of an array at which the loop is."""
        return self.load_at(self._pointer(array))

    def store(self, value, array):
        """Put the block of an array."""
        self.store_at(value, self._pointer(array))

    def multiply_add(self, a, b, c):
        """a b + c"""
        return self.call("fmuladd", a, b, c)

    def choose(self, comparison, a, b):
        """a where ``a comparison b`` holds, else b."""
        return self.builder.select(self.builder.fcmp_ordered(comparison, a, b), a, b)

    def inverse_of_one_more(self, x):
        """1 / (1 + x) for x >= 0, within 2 ulp: dividing vectors is slow, so in float32 three steps of Newton's method
        r <- r + r (1 - y r) take a first guess, made by negating the exponent, from 12 % to 1e-7."""
        builder, one = self.builder, self.constant(1.0)
        y = builder.fadd(x, one)
        if self.n_bytes == 8:
            return builder.fdiv(one, y)
        whole = ir.VectorType(INT32, self.lanes)
        bits = builder.sub(ir.Constant(whole, [FIRST_GUESS] * self.lanes), builder.bitcast(y, whole))
        r = builder.bitcast(bits, self.kind)
        for _ in range(3):
            error = self.multiply_add(builder.fneg(y), r, one)
            r = self.multiply_add(r, error, r)
        return r

    def run(self, begins, step):
        """Run ``step`` over all blocks, on values carried from one to the next; returns the last ones."""

        def at_block(at, *values):
            self.at = at
            return step(*values)

        return repeat(self.builder, self.width, begins, at_block, stride=self.lanes, never_empty=True)

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
        low, high = (blocks.constant(bound) for bound in RANGE[blocks.n_bytes])
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
