"""Ancestral sampling of few rows from a masked network: the lanes of vectors are units instead of rows.

With a handful of rows the tiles of ``made`` leave most lanes idle. Here WIDTH units side by side are a *strip*, whose
sums grow together: by one panel product for what is known before a block of variables, then source by source while
the block's variables are drawn. Every unit still adds to its bias its sources in their order, one fused multiply-add
each, so the bits are those of ``made.sample_cpu``. (Of a one-hot input only the state that was drawn is added: adding
the others would be adding zeros.) What is final lies in a tile as in ``made``, with a lane per row, and goes through
the same loops.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..runtime.memory import check_memory
from .functions import wide_vectors
from .heads import draw_lanes, state_of
from .jit import inlined, kernel, loop
from .made import (
    BLOCK,
    FIRST,
    SOURCE,
    STRIDE,
    UNITS,
    WEIGHTS,
    ZERO,
    MaskedNet,
    _score_variable,
    _store_tile,
    _temper,
    fill_noise,
    finish_units,
    first_value,
    load_context,
    new_tile,
    noise_words,
)
from .products import four_by_two, one_by_four
from .vectors import REGISTER_BYTES

WIDTH = 64  # units of a strip: enough sums in flight for a single row
FIRST_ROW, DEPTH, FIRST_UNIT, LAST_UNIT, SUMS_ROW = range(5)  # fields of ``parts``


class Strips(NamedTuple):
    """The weights of a network once more, by blocks of variables. The units of a layer that become final inside a
    block are cut into strips; a strip has a row for each source that is final by the end of the block."""

    weights: np.ndarray  # (rows, WIDTH): of one source to the units of a strip; 0 where masked or where no unit is
    parts: np.ndarray  # int64 (n_blocks, n_layers, 5): the fields above
    block: int  # variables of a block, a multiple of 4
    n_strips: int  # of the widest layer of any block


def new_strips(net: MaskedNet) -> Strips:
    """The same weights for ``sample_rows_cpu``."""
    size, n_layers = int(net.head_size), len(net.layers)
    block = max(16, WIDTH // size // 4 * 4)
    begins = np.append(np.arange(0, net.order.size, block), net.order.size)
    units = net.known[:, begins].T.copy()
    units[0] = 0  # what depends on no variable belongs to the first block
    units[:, -1] = begins * size
    n_strips = -(-np.diff(units, axis=0) // WIDTH)
    depth = net.known[net.layers[:, SOURCE]][:, begins[1:]].T * (net.layers[:, STRIDE] > 0)
    rows = np.cumsum(n_strips * depth).reshape(depth.shape)
    sums = np.broadcast_to(np.arange(n_layers) * n_strips.max(), depth.shape)
    parts = np.stack([rows - n_strips * depth, depth, units[:-1], units[1:], sums], axis=2)
    check_memory(int(rows[-1, -1]) * WIDTH * net.weights.itemsize, "sampling few rows")
    weights = np.zeros((int(rows[-1, -1]), WIDTH), net.weights.dtype)
    for part in parts:
        for layer in range(1, n_layers):
            _fill_strips(net, layer, part[layer], weights)
    return Strips(weights, parts, block, int(n_strips.max()))


def _fill_strips(net: MaskedNet, layer: int, part: np.ndarray, weights: np.ndarray) -> None:
    at, stride, units = (int(net.layers[layer, field]) for field in (WEIGHTS, STRIDE, UNITS))
    matrix = net.weights[at : at + units * stride].reshape(units, stride)
    row, depth, begin, end, _ = part.tolist()
    for unit in range(begin, end if depth else begin, WIDTH):
        last = min(unit + WIDTH, end)
        weights[row : row + depth, : last - unit] = matrix[unit:last, :depth].T
        row += depth


# Sums -------------------------------------------------------------------------------------------------------------


@inlined
def _add_vectors(values, place, weights, x_row, sums, c_row, size):
    at, row, step = place
    strips, depth, n, count = size
    lanes, fours = REGISTER_BYTES // sums.itemsize, n // 4 * 4
    for strip in range(strips):
        x, c = x_row + strip * depth, c_row + strip * n
        for i in range(0, fours, 4):
            for pair in range(WIDTH // (2 * lanes)):
                four_by_two(values, (at + i * row, row, step), weights, x, sums, c + i, pair * 2 * lanes, count)
        for i in range(fours, n):
            for four in range(WIDTH // (4 * lanes)):
                one_by_four(values, (at + i * row, row, step), weights, x, sums, c + i, four * 4 * lanes, count)


@inlined
def _add_plain(values, place, weights, x_row, sums, c_row, size):
    at, row, step = place
    strips, depth, n, count = size
    for strip in range(strips):
        x, c = x_row + strip * depth, c_row + strip * n
        for i in range(n):
            for k in range(count):
                value = values[at + i * row + k * step]
                for j in range(WIDTH):
                    sums[c + i, j] += value * weights[x + k, j]


# For strips from the one whose weights begin in row x_row and whose sums begin in row c_row: the sums of rows i < n +=
# sum over k < count of values[at + i row + k step] weights[k], where ``place`` = (at, row, step) and ``size`` =
# (strips, rows of weights of one, n, count).
_add = _add_vectors if REGISTER_BYTES else _add_plain


@inlined
def _field(parts, number, layer, n):
    """Of a layer in a block: row of weights, depth, units, row of sums; and rows of data."""
    first_row, depth = parts[number, layer, FIRST_ROW], parts[number, layer, DEPTH]
    sums_row = parts[number, layer, SUMS_ROW] * n
    return first_row, depth, parts[number, layer, FIRST_UNIT], parts[number, layer, LAST_UNIT], sums_row, n


@inlined
def _where(field, target, source):
    """Rows of weights and sums, and sizes, of the strips from the one of unit ``target`` on."""
    first_row, depth, first_unit, last_unit, sums_row, n = field
    strip = (target - first_unit) // WIDTH
    strips = (last_unit - first_unit + WIDTH - 1) // WIDTH - strip
    return first_row + strip * depth + source, sums_row + strip * n, strips, depth


@loop
def _add_states(field, target, variables, inputs, codes, one, weights, sums):
    """One-hot inputs of variables begin .. end: the row of the state that each has."""
    n_context, n_states = inputs
    n = codes.shape[1]
    x_row, c_row, strips, depth = _where(field, target, n_context)
    place = np.int64(0), np.int64(0), np.int64(0)
    for d in range(variables[0], variables[1]):
        for i in range(n):
            x = x_row + d * n_states + state_of(codes[d, i], n_states)
            for strip in range(strips):
                size = np.int64(1), depth, np.int64(1), np.int64(1)
                _add(one, place, weights, x + strip * depth, sums, c_row + strip * n + i, size)


@inlined
def _land(own, field, begin, end, sums, state):
    """Units begin .. end go from their sums to their rows of the tile, which begin at ``own``."""
    _, _, first_unit, _, sums_row, n = field
    for unit in range(begin, end):
        strip, lane = (unit - first_unit) // WIDTH, (unit - first_unit) % WIDTH
        for i in range(n):
            state[own + unit, i] = sums[sums_row + strip * n + i, lane]


@inlined
def _set_biases(biases, own, field, sums):
    _, _, first_unit, last_unit, sums_row, n = field
    for unit in range(last_unit - first_unit):
        strip, lane = unit // WIDTH, unit % WIDTH
        for i in range(n):
            sums[sums_row + strip * n + i, lane] = biases[own + first_unit + unit]


# Sampling ---------------------------------------------------------------------------------------------------------


@loop
def _begin_block(net, strips, number, values, state, flat, one, sums):
    """Sums of the block's units: biases and everything from before it."""
    layers, known, parts, weights, biases = net.layers, net.known, strips.parts, strips.weights, net.biases
    begin, n, output = number * strips.block, values.shape[1], layers.shape[0] - 1
    for layer in range(1, output + 1):
        field, own, source = _field(parts, number, layer, n), layers[layer, FIRST], layers[layer, SOURCE]
        one_hot = source == 0 and net.n_states > 1
        _set_biases(biases, own, field, sums)
        if parts[number, layer, DEPTH] > 0:
            ready = known[source, 0] if one_hot else known[source, begin]
            place = layers[source, FIRST] * n, np.int64(1), n
            x, c, many, depth = _where(field, field[2], ZERO)
            _add(flat, place, weights, x, sums, c, (many, depth, n, ready))
            if one_hot:
                _add_states(field, field[2], (ZERO, begin), (net.n_context, net.n_states), values, one, weights, sums)
        if number == 0 and layer < output:
            _land(own, field, ZERO, known[layer, 0], sums, state)
            finish_units(layers, layer, ZERO, known[layer, 0], state)


@loop
def _draw_variables(net, strips, number, request, tile, begin, end, flat, one, sums):
    """Variables begin .. end of a block, whose noise is in the tile."""
    wide_vectors()
    layers, known, parts, weights = net.layers, net.known, strips.parts, strips.weights
    state, values, noise, scratch, total = tile.state, tile.values, tile.noise, tile.scratch, tile.total
    output, kind, words, n = layers.shape[0] - 1, net.kind, noise_words(net.head), tile.total.shape[1]
    size, value, inputs = net.head_size, first_value(net), (net.n_context, net.n_states)
    heads = layers[output, FIRST]
    for d in range(begin, end):
        z = heads + d * size
        at = z
        _land(heads, _field(parts, number, output, n), d * size, (d + 1) * size, sums, state)
        if d >= request.prefix_length:
            at = _temper(kind, request, state, z, scratch)
            draw_lanes(kind, state, at, noise, (d - begin) * words, values, value + d, scratch)
        if request.scored:
            _score_variable(kind, state, z, at, values, value + d, scratch, total)
        for layer in range(1, output + 1):
            field, source = _field(parts, number, layer, n), layers[layer, SOURCE]
            first, last = known[layer, d], known[layer, d + 1]
            if first < parts[number, layer, LAST_UNIT] and parts[number, layer, DEPTH] > 0:
                if source == 0 and inputs[1] > 1:
                    _add_states(field, first, (d, d + 1), inputs, values, one, weights, sums)
                else:
                    ready, count = known[source, d], known[source, d + 1] - known[source, d]
                    x, c, many, depth = _where(field, first, ready)
                    place = (layers[source, FIRST] + ready) * n, np.int64(1), n
                    _add(flat, place, weights, x, sums, c, (many, depth, n, count))
            if layer < output and last > first:
                _land(layers[layer, FIRST], field, first, last, sums, state)
                finish_units(layers, layer, first, last, state)


@loop
def _begin_rows(net, request, given, tile, row):
    """Context and prefix."""
    n, first = tile.total.shape[1], first_value(net)
    load_context(net, given.context, row, n, tile.state)
    for i in range(n):
        for d in range(request.prefix_length):
            tile.values[first + d, i] = given.prefix[(row + i) // request.n_per_row, d]


@kernel
def sample_rows_cpu(begin, end, net, strips, request, given, results):
    """As ``sample_cpu``, the same rows bit for bit, for few of them."""
    n = end - begin
    if n <= 0:
        return
    tile = new_tile(net, n)
    flat = tile.state.reshape(tile.state.size)
    one = np.ones(1, flat.dtype)
    sums = np.zeros((net.layers.shape[0] * strips.n_strips * n, WIDTH), flat.dtype)
    _begin_rows(net, request, given, tile, begin)
    for number in range(strips.parts.shape[0]):
        _begin_block(net, strips, number, tile.values, tile.state, flat, one, sums)
        last = min((number + 1) * strips.block, net.order.size)
        for d in range(number * strips.block, last, BLOCK):
            some = min(d + BLOCK, last)
            if some > request.prefix_length:
                fill_noise(net.kind, net, request, given, tile, begin, d, some)
            _draw_variables(net, strips, number, request, tile, d, some, flat, one, sums)
    _store_tile(net, request, tile, begin, n, results)
