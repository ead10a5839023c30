"""Weighted moments of real columns, by the configuration of discrete parents: what least squares needs to know of data.

A *stratum* is a set of discrete parents with the real columns that families with these parents have, and the pairs of
columns whose products they need. Each configuration of a stratum has a record, float64 also for data of float32:

    rows     number of rows of positive weight           sum_j      sum_i w_i (x_ij - shift_j)
    weight   sum_i w_i                                   cross_jk   sum_i w_i (x_ij - shift_j) (x_ik - shift_k)
    shift_j  what it is when the loop begins; NaN: the column's value in the record's first row

Sums about a value of the data itself lose nothing to a large offset, such as 1e6 +- 1e-3: means and second moments
about the mean follow without cancellation (Chan, Golub and LeVeque 1983). Rows are sorted by configuration, tile by
tile, so that all sums are dot products of contiguous columns; these add in the same order on one machine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types, uint32, uint64
from numba.extending import intrinsic

from .jit import inlined, kernel, loop
from .tiles import PADDING, wide_joint_index
from .vectors import INT32, Vectors, repeat

__all__ = ["HEADER", "MomentsPlan", "moments_cpu"]

HEADER = 2  # numbers of a record before its shifts: rows and weight
LANES = 16  # of a dot product: four chains of fused multiply-adds on a CPU with AVX2, so that none waits for itself
SORTED_ROWS = 2048  # at least; and several times as many as there are configurations
COLUMN_CELLS = 1 << 15
LONGEST_RUN = 2048


class MomentsPlan(NamedTuple):
    """Strata, one after the other. Arrays named ``*_start`` have one entry more than there are strata."""

    axis_start: np.ndarray  # uint32: run of discrete parents of each stratum
    axis_row: np.ndarray  # uint32: row of the block of codes
    axis_stride: np.ndarray  # uint32: in configurations
    n_configurations: np.ndarray  # uint32
    column_start: np.ndarray  # uint32: run of real columns
    column_row: np.ndarray  # uint32: row of the block of reals
    pair_start: np.ndarray  # uint32: run of pairs
    pair_first: np.ndarray  # uint32: places among the columns of the stratum; those with one first column in a row
    pair_second: np.ndarray  # uint32
    record_start: np.ndarray  # uint64: run of records in the sums


class _Stratum(NamedTuple):
    """The columns of a stratum and their pairs."""

    column_row: np.ndarray
    pair_first: np.ndarray
    pair_second: np.ndarray


class _Scratch(NamedTuple):
    """The sorted rows of a tile, and the columns of one run of them about their shifts."""

    index: np.ndarray  # uint32: configuration of every row
    order: np.ndarray  # uint32: the rows by configuration
    ends: np.ndarray  # uint32 (4, configurations): where each configuration's rows end
    values: np.ndarray  # float64 (columns, run)
    weights: np.ndarray  # float64: of the run
    weighted: np.ndarray  # float64: one column of ``values`` times its weights


def sum_of_lanes(builder, vector, lanes):
    while lanes > 1:
        lanes //= 2
        halves = [ir.Constant(ir.VectorType(INT32, lanes), list(range(k, k + lanes))) for k in (0, lanes)]
        low, high = (builder.shuffle_vector(vector, vector, half) for half in halves)
        vector = builder.fadd(low, high)
    return builder.extract_element(vector, INT32(0))


def _dot(context, builder, signature, arguments):
    first, second, n = arguments
    doubles = Vectors(builder, ir.DoubleType(), LANES)
    starts = [
        context.make_array(kind)(context, builder, array).data
        for kind, array in zip(signature.args, (first, second), strict=False)
    ]

    def step(i, total):
        x, y = (doubles.load_at(builder.gep(start, [i])) for start in starts)
        return [doubles.call("fmuladd", x, y, total)]

    (total,) = repeat(builder, n, [doubles.constant(0.0)], step, stride=LANES)
    return sum_of_lanes(builder, total, LANES)


@intrinsic
def dot(typing_context, first, second, n):
    """sum over i < n of first[i] * second[i]; contiguous float64, n a multiple of LANES."""
    return types.float64(first, second, types.int64), _dot


@loop
def _find_configurations(plan, s, codes, weights, a, n, index):
    """index[i] = configuration of row a + i, clamped; their number for a row of weight 0, which belongs to none."""
    own = slice(plan.axis_start[s], plan.axis_start[s + 1])
    wide_joint_index(plan.axis_row[own], plan.axis_stride[own], codes, a, n, index)
    none = uint32(plan.n_configurations[s])
    for i in range(n):
        index[i] = min(index[i], none - uint32(1))
    if weights is not None:
        for i in range(n):
            index[i] = index[i] if weights[a + i] > 0.0 else none


@loop
def _sort_rows(index, n, n_configurations, ends, order):
    """order = the rows of a tile by configuration; those of configuration c end at ends[3, c].

    Rows i, i + 4, ... share a counter of their configuration: the next does not wait until the last one is stored.
    """
    one, full = uint32(1), n & ~3
    ends[:, : n_configurations + 1] = 0
    for i in range(0, full, 4):
        for k in range(4):
            ends[k, index[i + k]] += one
    for i in range(full, n):
        ends[0, index[i]] += one
    total = uint32(0)
    for c in range(n_configurations + 1):
        for k in range(4):
            own = ends[k, c]
            ends[k, c] = total
            total += own
    for i in range(0, full, 4):
        for k in range(4):
            _place(index[i + k], i + k, ends[k], order)
    for i in range(full, n):
        _place(index[i], i, ends[0], order)


@inlined
def _place(configuration, i, ends, order):
    place = ends[configuration]
    order[place] = i
    ends[configuration] = place + uint32(1)


@loop
def _gather(column, order, shift, values):
    for k in range(order.shape[0]):
        values[k] = np.float64(column[uint64(order[k])]) - shift


@loop
def _shifted(column, shift, values):
    for k in range(column.shape[0]):
        values[k] = np.float64(column[k]) - shift


@loop
def _weigh(weights, values, n, weighted):
    for k in range(n):
        weighted[k] = weights[k] * values[k]


@loop
def _add_products(own, weights, n, scratch, record):
    """Add a run, its columns already about their shifts, to the sums of a record."""
    n_columns = own.column_row.shape[0]
    values = scratch.values
    at = HEADER + n_columns
    for j in range(n_columns):
        record[at + j] += dot(scratch.weights, values[j], n)
    at += n_columns
    last = -1
    for p in range(own.pair_first.shape[0]):
        first, second = np.int64(own.pair_first[p]), np.int64(own.pair_second[p])
        if weights is None:
            record[at + p] += dot(values[first], values[second], n)
        else:
            if first != last:
                _weigh(scratch.weights, values[first], n, scratch.weighted)
                last = first
            record[at + p] += dot(scratch.weighted, values[second], n)


@loop
def _begin_record(own, reals, row, record):
    """The first row of a record gives the shifts that it does not have yet."""
    if record[0] == 0.0:
        for j in range(own.column_row.shape[0]):
            if np.isnan(record[HEADER + j]):
                record[HEADER + j] = reals[own.column_row[j], row]


@loop
def _load_weights(weights, a, order, n, scratch, record):
    """scratch.weights = those of the run, 1 where there are none; 0 up to the next multiple of LANES, which it returns.

    The record's number of rows and sum of weights grow by them.
    """
    total = np.float64(n)
    if weights is None:
        scratch.weights[:n] = 1.0
    else:
        total = 0.0
        for k in range(n):
            own = weights[a + np.int64(order[k])]
            scratch.weights[k] = own
            total += own
    record[0] += np.float64(n)
    record[1] += total
    padded = (n + LANES - 1) // LANES * LANES
    scratch.weights[n:padded] = 0.0
    return padded


@loop
def _add_rows(own, a, order, reals, weights, scratch, record):
    """Add rows a + order[k] to a record, a run at a time."""
    length = scratch.weights.shape[0]
    _begin_record(own, reals, a + np.int64(order[0]), record)
    for begin in range(0, order.shape[0], length):
        run = order[begin : min(begin + length, order.shape[0])]
        n = run.shape[0]
        padded = _load_weights(weights, a, run, n, scratch, record)
        for j in range(own.column_row.shape[0]):
            _gather(reals[own.column_row[j], a:], run, record[HEADER + j], scratch.values[j])
            scratch.values[j, n:padded] = 0.0
        _add_products(own, weights, padded, scratch, record)


@loop
def _add_all_rows(own, a, n_rows, reals, scratch, record):
    """Add rows a to a + n_rows, without weights, to a record: nothing to sort."""
    length = scratch.weights.shape[0]
    _begin_record(own, reals, a, record)
    for begin in range(a, a + n_rows, length):
        n = min(length, a + n_rows - begin)
        padded = _load_weights(None, begin, scratch.order, n, scratch, record)
        for j in range(own.column_row.shape[0]):
            _shifted(reals[own.column_row[j], begin : begin + n], record[HEADER + j], scratch.values[j])
            scratch.values[j, n:padded] = 0.0
        _add_products(own, None, padded, scratch, record)


@loop
def _sorted_rows(plan, s, n):
    """Rows of a stratum that are sorted at once."""
    return min(n, max(SORTED_ROWS, 4 * np.int64(plan.n_configurations[s])))


@loop
def _new_scratch(plan, n):
    most, widest, longest = 1, 1, 0
    for s in range(plan.n_configurations.shape[0]):
        most = max(most, np.int64(plan.n_configurations[s]))
        widest = max(widest, np.int64(plan.column_start[s + 1]) - np.int64(plan.column_start[s]))
        longest = max(longest, _sorted_rows(plan, s, n))
    run = max(4 * LANES, min(LONGEST_RUN, COLUMN_CELLS // widest // LANES * LANES))
    return _Scratch(
        np.empty(longest, np.uint32),
        np.empty(longest, np.uint32),
        np.empty((4, most + 1), np.uint32),
        np.empty((widest, run + PADDING), np.float64),
        np.empty(run, np.float64),
        np.empty(run, np.float64),
    )


@loop
def _add_tile(plan, s, rows, codes, reals, weights, scratch, sums):
    """Add a tile of rows = (first, number) to the records of stratum s."""
    a, n = rows
    columns = slice(plan.column_start[s], plan.column_start[s + 1])
    pairs = slice(plan.pair_start[s], plan.pair_start[s + 1])
    own = _Stratum(plan.column_row[columns], plan.pair_first[pairs], plan.pair_second[pairs])
    size = HEADER + 2 * own.column_row.shape[0] + own.pair_first.shape[0]
    at, n_configurations = np.int64(plan.record_start[s]), np.int64(plan.n_configurations[s])
    if weights is None and n_configurations == 1:
        _add_all_rows(own, a, n, reals, scratch, sums[at : at + size])
        return
    _find_configurations(plan, s, codes, weights, a, n, scratch.index)
    _sort_rows(scratch.index, n, n_configurations, scratch.ends, scratch.order)
    begin = np.int64(0)
    for c in range(n_configurations):
        end = np.int64(scratch.ends[3, c])
        if end > begin:
            record = sums[at + c * size : at + (c + 1) * size]
            _add_rows(own, a, scratch.order[begin:end], reals, weights, scratch, record)
        begin = end


@kernel
def moments_cpu(row_begin, row_end, plan, codes, reals, weights, sums):
    """Add rows [row_begin, row_end) of codes (n_codes, n) and reals (n_reals, n) to all records, which are ``sums``.

    ``weights`` are (n,) or None; records begin as zeros, but for their shifts.
    """
    scratch = _new_scratch(plan, row_end - row_begin)
    tile = np.int64(1)
    for s in range(plan.n_configurations.shape[0]):
        tile = max(tile, _sorted_rows(plan, s, row_end - row_begin))
    for a in range(row_begin, row_end, tile):
        end = min(a + tile, row_end)
        for s in range(plan.n_configurations.shape[0]):
            step = _sorted_rows(plan, s, row_end - row_begin)
            for b in range(a, end, step):
                rows = (b, min(step, end - b))
                _add_tile(plan, s, rows, codes, reals, weights, scratch, sums)
