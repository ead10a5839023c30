"""The operations of dense programs, with the lanes of a row of the workspace in vector registers.

    w[row] = sum_c weight[c] prod_f w[factor_row[c, f]]      or the largest of them

Registers hold all lanes of a row while its cells go by: a cell costs a load of each factor and a multiply-add. Most
rows have few cells, and as many as their neighbours: up to four are written out, without a loop whose end is hard to
foresee. LLVM splits the vectors where registers are shorter. Slices of arrays would cost more here than what is done
with them, so that all operations take whole arrays and places in them.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .jit import loop, scalar
from .vectors import INT64, REGISTER_BYTES, Vectors, pointer_to, repeat

__all__ = ["COUNT_LANES", "LANES", "cell_value", "count_cells", "fill_indicators", "fill_marginals", "rows_filler"]

LANES = REGISTER_BYTES or 32  # rows side by side: eight registers of float64
REGISTERS = 8
COUNT_LANES = LANES // REGISTERS
UNROLLED = 4  # most cells of rows that are filled without a loop over them
DOUBLE = ir.DoubleType()


@scalar
def cell_value(w, weight, cell, factor_row, factor, n_factors, i):
    """The value of one cell in lane i."""
    value = w[factor_row[factor], i]
    for f in range(1, n_factors):
        value *= w[factor_row[factor + f], i]
    return weight[cell] * value


class _Lanes:
    """Rows of a workspace as vectors, in the code of an intrinsic."""

    def __init__(self, context, builder, w_type, w):
        self.builder, self.vectors = builder, Vectors(builder, DOUBLE, COUNT_LANES)
        self.start = pointer_to(context, builder, w_type, w, INT64(0))
        self.zeros = [self.vectors.constant(0.0)] * REGISTERS

    def parts(self, pointer):
        """Pointers to the vectors of a row."""
        return [self.builder.gep(pointer, [INT64(j * COUNT_LANES)]) for j in range(REGISTERS)]

    def row(self, row):
        """Pointers to the vectors of a row of the workspace."""
        return self.parts(self.builder.gep(self.start, [self.builder.mul(row, INT64(LANES))]))

    def load(self, pointers):
        """Vectors from there."""
        return [self.vectors.load_at(pointer) for pointer in pointers]

    def store(self, values, pointers):
        """Vectors to there."""
        for value, pointer in zip(values, pointers, strict=True):
            self.vectors.store_at(value, pointer)


class _Cells(_Lanes):
    """Also weights and factors."""

    def __init__(self, context, builder, signature, arguments):
        w, weight, cell, factor_row, factor, *_ = arguments
        w_type, weight_type, _, row_type, *_ = signature.args
        super().__init__(context, builder, w_type, w)
        self.weights = pointer_to(context, builder, weight_type, weight, cell)
        self.factors = pointer_to(context, builder, row_type, factor_row, factor)

    def weight(self, c):
        """That of a cell, in all lanes."""
        return self.vectors.broadcast(self.builder.load(self.builder.gep(self.weights, [c])))

    def product(self, c, n_factors):
        """Of the factors of a cell."""
        builder, first = self.builder, self.builder.mul(c, INT64(n_factors))
        places = [builder.gep(self.factors, [builder.add(first, INT64(f))]) for f in range(n_factors)]
        product, *others = [self.load(self.row(builder.zext(builder.load(place), INT64))) for place in places]
        for values in others:
            product = [builder.fmul(a, b) for a, b in zip(product, values, strict=True)]
        return product

    def with_cell(self, combine, c, n_factors, totals):
        """Totals and one more cell."""
        product, weight = self.product(c, n_factors), self.weight(c)
        return [combine(self.vectors, weight, *pair) for pair in zip(product, totals, strict=True)]


def _choose(builder, number, cases):
    """Run the code of one of several cases: {number: writes it}."""
    done, nothing = builder.append_basic_block("chosen"), builder.append_basic_block("nothing")
    choice = builder.switch(number, nothing)
    for case, write in cases.items():
        block = builder.append_basic_block("case")
        choice.add_case(INT64(case), block)
        builder.position_at_end(block)
        write()
        builder.branch(done)
    builder.position_at_end(nothing)
    builder.branch(done)
    builder.position_at_end(done)


# --- rows ---


def _add_to_total(vectors, weight, product, total):
    return vectors.call("fmuladd", weight, product, total)


def _keep_largest(vectors, weight, product, total):
    value = vectors.builder.fmul(weight, product)
    return vectors.builder.select(vectors.builder.fcmp_ordered(">", value, total), value, total)


def _rows(combine):
    """Intrinsic: so many rows from ``first`` on, of n cells each; one row where n is not unrolled."""

    def generate(context, builder, signature, arguments):
        cells = _Cells(context, builder, signature, arguments)
        *_, first, n_rows, n, n_factors = arguments

        def fill_rows(n_cells, factors):
            def fill(t):
                totals, begin = cells.zeros, builder.mul(t, INT64(n_cells))
                for j in range(n_cells):
                    totals = cells.with_cell(combine, builder.add(begin, INT64(j)), factors, totals)
                cells.store(totals, cells.row(builder.add(first, t)))
                return []

            repeat(builder, n_rows, [], fill)

        def fill_row(factors):
            totals = repeat(builder, n, cells.zeros, lambda c, *own: cells.with_cell(combine, c, factors, own))
            cells.store(totals, cells.row(first))

        cases = {}
        for factors in (1, 2, 3):
            cases[factors * (UNROLLED + 1)] = lambda factors=factors: fill_row(factors)
            for n_cells in range(1, UNROLLED + 1):
                number = factors * (UNROLLED + 1) + n_cells
                cases[number] = lambda n_cells=n_cells, factors=factors: fill_rows(n_cells, factors)
        unrolled = builder.select(builder.icmp_unsigned("<=", n, INT64(UNROLLED)), n, INT64(0))
        _choose(builder, builder.add(builder.mul(n_factors, INT64(UNROLLED + 1)), unrolled), cases)
        return context.get_dummy_value()

    @intrinsic
    def rows(typing_context, w, weight, cell, factor_row, factor, first, n_rows, n, n_factors):
        i = types.int64
        return types.void(w, weight, i, factor_row, i, i, i, i, i), generate

    return rows


_sums, _largest = _rows(_add_to_total), _rows(_keep_largest)


def rows_filler(*, largest):
    """Loop: w[first + t] = sum_c weight[c] prod_f w[factor_row[f]] for n_rows rows t, n cells c of each and n_factors
    factors of each cell, those from ``cell`` and ``factor`` on; or the largest instead of the sum."""
    rows = _largest if largest else _sums

    @loop
    def fill_rows(w, weight, cell, factor_row, factor, first, n_rows, n, n_factors):
        t, together = 0, n_rows if 0 < n <= UNROLLED else 1
        while t < n_rows:
            at = t * n
            rows(w, weight, cell + at, factor_row, factor + at * n_factors, first + t, together, n, n_factors)
            t += together

    return fill_rows


# --- counts ---


def _count_cells(context, builder, signature, arguments):
    cells = _Cells(context, builder, signature, arguments)
    *_, counts, first, n, n_factors = arguments
    totals = pointer_to(context, builder, signature.args[5], counts, builder.mul(first, INT64(COUNT_LANES)))

    def count(c, factors):
        pointer = builder.gep(totals, [builder.mul(c, INT64(COUNT_LANES))])
        values = cells.product(c, factors)
        while len(values) > 1:
            values = [builder.fadd(a, b) for a, b in zip(values[::2], values[1::2], strict=True)]
        total = _add_to_total(cells.vectors, cells.weight(c), values[0], cells.vectors.load_at(pointer))
        cells.vectors.store_at(total, pointer)
        return []

    def count_all(factors):
        repeat(builder, n, [], lambda c: count(c, factors))

    _choose(builder, n_factors, {factors: lambda factors=factors: count_all(factors) for factors in (2, 3, 4)})
    return context.get_dummy_value()


@intrinsic
def count_cells(typing_context, w, weight, cell, factor_row, factor, counts, first, n, n_factors):
    """counts[first + c] += the values of n cells of two to four factors, summed over groups of lanes."""
    i = types.int64
    return types.void(w, weight, i, factor_row, i, counts, i, i, i), _count_cells


# --- what is known ---


class _Codes:
    """The codes of a variable in all lanes, in the code of an intrinsic."""

    def __init__(self, context, builder, codes_type, codes, at):
        self.builder = builder
        pointer = pointer_to(context, builder, codes_type, codes, at)
        narrow = Vectors(builder, context.get_data_type(codes_type.dtype), COUNT_LANES)
        self.wide = Vectors(builder, INT64, COUNT_LANES)
        places = [builder.gep(pointer, [INT64(j * COUNT_LANES)]) for j in range(REGISTERS)]
        self.values = [builder.zext(narrow.load_at(place), self.wide.kind) for place in places]
        self.missing = self.wide.constant(int(np.iinfo(str(codes_type.dtype)).max))

    def unknown(self):
        """Where nothing is known."""
        return [self.builder.icmp_unsigned("==", own, self.missing) for own in self.values]

    def equal(self, k):
        """Where a state is observed."""
        state = self.wide.broadcast(k)
        return [self.builder.icmp_unsigned("==", own, state) for own in self.values]


def _fill_indicators(context, builder, signature, arguments):
    w, first, n, codes, at = arguments
    lanes = _Lanes(context, builder, signature.args[0], w)
    known = _Codes(context, builder, signature.args[3], codes, at)
    one, zero = lanes.vectors.constant(1.0), lanes.vectors.constant(0.0)

    def fill(k):
        possible = [builder.or_(*pair) for pair in zip(known.equal(k), known.unknown(), strict=True)]
        lanes.store([builder.select(own, one, zero) for own in possible], lanes.row(builder.add(first, k)))
        return []

    repeat(builder, n, [], fill)
    return context.get_dummy_value()


@intrinsic
def fill_indicators(typing_context, w, first, n, codes, at):
    """w[first + k, i] = 1 where codes[at + i] is k or missing, else 0, for n states k and all lanes i."""
    i = types.int64
    return types.void(w, i, i, codes, i), _fill_indicators


def _fill_marginals(context, builder, signature, arguments):
    w, slopes, first, n, codes, at, out, target, stride = arguments
    lanes = _Lanes(context, builder, signature.args[0], w)
    known = _Codes(context, builder, signature.args[4], codes, at)
    target = pointer_to(context, builder, signature.args[6], out, target)

    def fill(k):
        values = lanes.load(lanes.row(builder.add(first, k)))
        own = [builder.fmul(*pair) for pair in zip(lanes.load(lanes.row(builder.add(slopes, k))), values, strict=True)]
        own = [builder.select(*three) for three in zip(known.unknown(), own, values, strict=True)]
        lanes.store(own, lanes.parts(builder.gep(target, [builder.mul(k, stride)])))
        return []

    repeat(builder, n, [], fill)
    return context.get_dummy_value()


@intrinsic
def fill_marginals(typing_context, w, slopes, first, n, codes, at, out, target, stride):
    """out[target + k stride + i] = w[slopes + k, i] w[first + k, i], or w[first + k, i] itself where codes[at + i] is
    no missing one."""
    i = types.int64
    return types.void(w, i, i, i, codes, i, out, i, i), _fill_marginals
