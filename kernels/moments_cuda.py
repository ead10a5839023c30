"""Moments of real columns on a device: the records of moments.py, by blocks of threads, in an order that never varies.

A block takes tile after tile of rows into shared memory: columns as float64, weights, and the configuration of every
row in each stratum. Then its threads share out the *numbers* of a record (rows, weight, sums, products): each walks
the rows of the tile for its own, in their order, for whatever configuration they are of. So there are no atomic
additions, and the records of blocks, added up in the order of blocks, are the same in every run.

Shifts must be there when the sums begin: what was NaN is the column's first value.

Expected for 100 columns and 400 products of one stratum, float32, in ns a row: H100 0.4, A100 0.6 (reads of shared
memory, two wavefronts for each factor of 32 numbers; to read the rows takes 0.13 and 0.2), T4 16 (float64, five
operations a number). With more strata rows change their records: two reads and a write of the second-level cache
whenever the configuration does.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import cuda, float64, uint64

__all__ = ["FIELDS", "NONE", "PackedMoments", "first_bad_weight_cuda", "first_values_cuda", "fold_cuda", "moments_cuda"]

NONE = 0xFFFFFFFF  # in the place of a column: the factor 1
FIELDS = 8
LARGEST_WEIGHT = 1e280  # of a row, so that no sum of them overflows
device: Any = cuda.jit(device=True)


class PackedMoments(NamedTuple):
    """What the block loop reads; uint32, but for ``size``.

    ``numbers``, FIELDS words each: where the stratum's records begin and the size of one, the number's place in it,
    the stratum, then of its two factors the column in a tile and the shift in a record. ``strata`` begin with the
    number of strata and the place of each; there: discrete parents, last configuration, then row and stride of each.
    """

    numbers: np.ndarray
    strata: np.ndarray
    columns: np.ndarray  # rows of the block of reals that a tile holds
    size: np.int64  # rows of a tile


class _Number(NamedTuple):
    records: int
    size: int
    place: int
    stratum: int
    first: int
    first_shift: int
    second: int
    second_shift: int


@device
def _width(plan):
    """Numbers of a row in a tile: columns, weight, configurations; odd, so that rows begin in different banks."""
    return (uint64(plan.columns.shape[0]) + uint64(1) + uint64(plan.strata[0])) | uint64(1)


@device
def _number(words, q):
    at = q * uint64(FIELDS)
    return _Number(
        uint64(words[at]),
        uint64(words[at + uint64(1)]),
        uint64(words[at + uint64(2)]),
        uint64(words[at + uint64(3)]),
        uint64(words[at + uint64(4)]),
        uint64(words[at + uint64(5)]),
        uint64(words[at + uint64(6)]),
        uint64(words[at + uint64(7)]),
    )


@device
def _configuration(strata, s, codes, i):
    """The configuration of row i in stratum s, clamped."""
    at, state, j = uint64(strata[uint64(1) + s]), uint64(0), uint64(0)
    while j < uint64(strata[at]):
        own = at + uint64(2) + uint64(2) * j
        state += uint64(strata[own + uint64(1)]) * uint64(codes[uint64(strata[own]), i])
        j += uint64(1)
    return min(state, uint64(strata[at + uint64(1)]))


@device
def _load(plan, codes, reals, weights, first, tile):
    """The rows from ``first`` on: neighbours in a column by neighbours in a warp; rows beyond the last weigh 0."""
    n, size, width = uint64(reals.shape[1]), uint64(plan.size), _width(plan)
    n_columns = uint64(plan.columns.shape[0])
    cell, step = uint64(cuda.threadIdx.x), uint64(cuda.blockDim.x)
    while cell < size * (n_columns + uint64(1) + uint64(plan.strata[0])):
        kind, r = cell // size, cell % size
        i, value = min(first + r, n - uint64(1)), 0.0
        if kind < n_columns:
            value = float64(reals[uint64(plan.columns[kind]), i])
        elif kind > n_columns:
            value = float64(_configuration(plan.strata, kind - n_columns - uint64(1), codes, i))
        elif first + r < n:
            value = float64(weights[i]) if weights.shape[0] > 0 else 1.0
        tile[r * width + kind] = value
        cell += step


@device
def _factor(tile, row, column, shift):
    return 1.0 if column == uint64(NONE) else tile[row + column] - shift


@device
def _shift(sums, at, place):
    return 0.0 if place == uint64(NONE) else sums[at + place]


@device
def _add_number(plan, own, tile, sums, partial):
    """Add a tile to one number of the records of all configurations."""
    width, row = _width(plan), uint64(0)
    weight_at, known, at = uint64(plan.columns.shape[0]), uint64(NONE), own.records
    total, first_shift, second_shift = 0.0, 0.0, 0.0
    while row < width * uint64(plan.size):
        weight = tile[row + weight_at]
        if weight > 0.0:
            state = uint64(tile[row + weight_at + uint64(1) + own.stratum])
            if state != known:
                if known != uint64(NONE):
                    partial[at + own.place] += total
                known, total, at = state, 0.0, own.records + own.size * state
                first_shift, second_shift = _shift(sums, at, own.first_shift), _shift(sums, at, own.second_shift)
            weight = 1.0 if own.place == uint64(0) else weight
            product = weight * _factor(tile, row, own.first, first_shift)
            total += product * _factor(tile, row, own.second, second_shift)
        row += width
    if known != uint64(NONE):
        partial[at + own.place] += total


@cuda.jit
def moments_cuda(plan, codes, reals, weights, sums, partial):
    """partial[b] += the records of the rows that block b takes, about the shifts in ``sums``, of all rows of codes
    (n_codes, n) and reals (n_reals, n), with weights (n,), or (0,) where all weigh 1."""
    tile = cuda.shared.array(0, float64)
    size, count, n = uint64(plan.size), uint64(plan.numbers.shape[0]) // uint64(FIELDS), uint64(reals.shape[1])
    blocks = min(uint64(cuda.gridDim.x), uint64(partial.shape[0]))
    block = min(uint64(cuda.blockIdx.x), blocks - uint64(1))
    first, own = n if uint64(cuda.blockIdx.x) >= blocks else block * size, partial[block]
    while first < n:
        _load(plan, codes, reals, weights, first, tile)
        cuda.syncthreads()
        q = uint64(cuda.threadIdx.x)
        while q < count:
            _add_number(plan, _number(plan.numbers, q), tile, sums, own)
            q += uint64(cuda.blockDim.x)
        cuda.syncthreads()
        first += blocks * size


@cuda.jit
def first_values_cuda(rows, reals, sums):
    """sums[k] = reals[rows[k], 0] for all shifts k that are NaN; other numbers of a record have no row: NONE."""
    for k in range(cuda.grid(1), sums.shape[0], cuda.gridsize(1)):
        if rows[k] != NONE and sums[k] != sums[k]:
            sums[k] = reals[rows[k], 0]


@cuda.jit
def first_bad_weight_cuda(weights, first):
    """first[0] = the least row whose weight is not between 0 and LARGEST_WEIGHT, if it is less than that."""
    for i in range(cuda.grid(1), weights.shape[0], cuda.gridsize(1)):
        if not (weights[i] >= 0.0 and weights[i] <= LARGEST_WEIGHT):
            cuda.atomic.min(first, 0, i)


@cuda.jit
def fold_cuda(partial, sums):
    """sums[k] += sum over blocks b, in their order, of partial[b, k] (blocks, n_sums)."""
    for k in range(cuda.grid(1), sums.shape[0], cuda.gridsize(1)):
        total = 0.0
        for b in range(partial.shape[0]):
            total += partial[b, k]
        sums[k] += total
