"""Sums of masked networks on the device: a block of threads has a tile of rows of data, weights stream past it.

``state`` (rows of ``MaskedNet.biases`` and more, columns) is global memory; a block has the columns of its tile.
Threads are WARP lanes times groups: a lane has ROWS rows of data, WARP apart so that a warp reads neighbours, a group
has PER_THREAD units of a panel. So a source is read once for PER_THREAD products, a weight once, by one broadcast, for
ROWS: 0.5 loads for a multiply-add, which lets half of a multiprocessor's 128 multiply-adds a cycle run (it issues 32
loads). Sums are tuples: they stay in registers. Every sum is bias + weights . sources in the order of the sources, as
on the CPU; what the masks leave out is never read, so one pass costs half of a dense product.
"""

from __future__ import annotations

from typing import Any

from numba import cuda

from .activations import apply_activation
from .made import ACTIVATION, FIRST, RESIDUAL, SOURCE, STRIDE, UNITS, WEIGHTS

__all__ = [
    "GROUP",
    "ROWS",
    "TILE",
    "WARP",
    "add_panel",
    "add_sources",
    "finish_unit",
    "tile_of",
    "tile_rows",
    "unit_sum",
]

WARP, ROWS, PER_THREAD = 32, 4, 4
TILE = WARP * ROWS  # rows of data of a block
GROUP = 32  # units of a panel: what 8 warps have at a time

device: Any = cuda.jit(device=True)


def tile_of(threads):
    """Rows of data of a block of so many threads."""
    return ROWS * min(WARP, threads // 2)


@device
def _lanes():
    """Threads side by side along rows; half of the few threads of a simulated block."""
    return min(WARP, cuda.blockDim.x // 2)


@device
def tile_rows():
    """Rows of data of a block."""
    return ROWS * _lanes()


@device
def _source(state, row, i, lanes):
    """One row of the state at the four columns of a lane."""
    return state[row, i], state[row, i + lanes], state[row, i + 2 * lanes], state[row, i + 3 * lanes]


@device
def _add(s, w, x):
    """s + w x"""
    return s[0] + w * x[0], s[1] + w * x[1], s[2] + w * x[2], s[3] + w * x[3]


@device
def _put(state, row, i, lanes, s):
    """state[row] at the four columns of a lane = s."""
    state[row, i], state[row, i + lanes], state[row, i + 2 * lanes], state[row, i + 3 * lanes] = s


@device
def _four_units(net, number, unit, end, known, state, i):
    """Sums of units ``unit`` .. ``unit`` + 3 of a layer over its first ``known`` sources, at a lane's columns. Rows of
    weights beyond the layer are there (``made.PADDING``) and their sums are dropped."""
    lanes, row = _lanes(), net.layers[number, FIRST] + unit
    stride, source = net.layers[number, STRIDE], net.layers[net.layers[number, SOURCE], FIRST]
    at = net.layers[number, WEIGHTS] + unit * stride
    a, b, c, d = net.biases[row], net.biases[row + 1], net.biases[row + 2], net.biases[row + 3]
    s0, s1, s2, s3 = (a, a, a, a), (b, b, b, b), (c, c, c, c), (d, d, d, d)
    for k in range(known if stride > 0 else 0):
        x = _source(state, source + k, i, lanes)
        s0 = _add(s0, net.weights[at + k], x)
        s1 = _add(s1, net.weights[at + stride + k], x)
        s2 = _add(s2, net.weights[at + 2 * stride + k], x)
        s3 = _add(s3, net.weights[at + 3 * stride + k], x)
    _put(state, row, i, lanes, s0)
    if unit + 1 < end:
        _put(state, row + 1, i, lanes, s1)
    if unit + 2 < end:
        _put(state, row + 2, i, lanes, s2)
    if unit + 3 < end:
        _put(state, row + 3, i, lanes, s3)


@device
def add_panel(net, number, begin, end, known, state, first):
    """Units begin .. end of a layer = biases + weights . the first ``known`` sources, at the columns of a tile from
    ``first`` on. Threads do not wait for each other."""
    lanes = _lanes()
    group, groups = cuda.threadIdx.x // lanes, cuda.blockDim.x // lanes
    for unit in range(begin + PER_THREAD * group, end, PER_THREAD * groups):
        _four_units(net, number, unit, end, known, state, first + cuda.threadIdx.x % lanes)


@device
def _four_sources(net, number, k, end, unit, slopes, i):
    """Slopes of sources k .. k + 3 += weights^T slopes of the units from ``unit`` on, at a lane's columns."""
    lanes, row, stride = _lanes(), net.layers[number, FIRST], net.layers[number, STRIDE]
    source = net.layers[net.layers[number, SOURCE], FIRST] + k
    zero = slopes.dtype.type(0)
    none = zero, zero, zero, zero
    s0, s1, s2, s3 = none, none, none, none
    for u in range(unit, net.layers[number, UNITS]):
        x, at = _source(slopes, row + u, i, lanes), net.layers[number, WEIGHTS] + u * stride + k
        s0 = _add(s0, net.weights[at], x)
        s1 = _add(s1, net.weights[at + 1], x)
        s2 = _add(s2, net.weights[at + 2], x)
        s3 = _add(s3, net.weights[at + 3], x)
    one = type(zero)(1)
    _put(slopes, source, i, lanes, _add(s0, one, _source(slopes, source, i, lanes)))
    if k + 1 < end:
        _put(slopes, source + 1, i, lanes, _add(s1, one, _source(slopes, source + 1, i, lanes)))
    if k + 2 < end:
        _put(slopes, source + 2, i, lanes, _add(s2, one, _source(slopes, source + 2, i, lanes)))
    if k + 3 < end:
        _put(slopes, source + 3, i, lanes, _add(s3, one, _source(slopes, source + 3, i, lanes)))


@device
def add_sources(net, number, begin, end, unit, slopes, first):
    """Slopes of sources begin .. end of a layer += weights^T slopes of its units from ``unit`` on, at the columns of a
    tile from ``first`` on. Threads do not wait for each other."""
    lanes = _lanes()
    group, groups = cuda.threadIdx.x // lanes, cuda.blockDim.x // lanes
    for k in range(begin + PER_THREAD * group, end, PER_THREAD * groups):
        _four_sources(net, number, k, end, unit, slopes, first + cuda.threadIdx.x % lanes)


@device
def unit_sum(net, number, unit, begin, end, total, state, i):
    """total + weights . sources begin .. end of a unit, at one column."""
    at = net.layers[number, WEIGHTS] + unit * net.layers[number, STRIDE]
    source = net.layers[net.layers[number, SOURCE], FIRST]
    for k in range(begin, end if net.layers[number, STRIDE] > 0 else begin):
        total += net.weights[at + k] * state[source + k, i]
    return total


@device
def finish_unit(net, number, unit, total, state, i):
    """Residual and activation of a unit whose sum is complete, at one column."""
    residual = net.layers[number, RESIDUAL]
    if residual >= 0:
        total += state[net.layers[residual, FIRST] + unit, i]
    state[net.layers[number, FIRST] + unit, i] = apply_activation(net.layers[number, ACTIVATION], total)
