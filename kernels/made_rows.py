"""log_prob and ancestral sampling of few rows by a masked network: the lanes of vectors are units instead of rows.

With a handful of rows the tiles of ``made`` leave most lanes idle. Here WIDTH units side by side are a *strip*, whose
sums grow together: by one panel product for what is known before a block of variables, then source by source while
the block's variables are drawn. Every unit still adds to its bias its sources in their order, one fused multiply-add
each, so the bits are those of ``made.log_prob_cpu`` and ``made_sampling.sample_cpu``. (Of a one-hot input only the
state that was drawn is added: adding the others would be adding zeros.) What is final lies in a tile as in ``made``,
with a lane per row, and goes through the same loops.

So a unit has three places, and a ``_Part`` knows them all: its row in the state of the tile, once it is final; strip
and lane in ``sums`` (a row per strip and row of data), while it grows; and the rows of its sources in the weights of
the strips.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .categorical import state_of
from .heads import draw_lanes, noise_words
from .jit import inlined, kernel, loop, wide_vectors
from .made import (
    BLOCK,
    FIRST,
    LOG_PROB,
    ZERO,
    finish_units,
    first_value,
    layer_of,
    load_context,
    load_values,
    new_tile,
    score_position,
)
from .made_sampling import fill_noise, load_prefix, score_variable, store_tile, temper
from .products import Matrix, four_by_two, one_by_four
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


# Sums -------------------------------------------------------------------------------------------------------------


class _StripSize(NamedTuple):
    """Of a product with strips."""

    strips: int
    depth: int  # rows of weights of each
    n: int  # rows of data
    count: int  # sources that are added


@inlined
def _add_vectors(values, matrix, weights, x_row, sums, c_row, size):
    at, row, step = matrix
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
def _add_plain(values, matrix, weights, x_row, sums, c_row, size):
    at, row, step = matrix
    strips, depth, n, count = size
    for strip in range(strips):
        x, c = x_row + strip * depth, c_row + strip * n
        for i in range(n):
            for k in range(count):
                value = values[at + i * row + k * step]
                for j in range(WIDTH):
                    sums[c + i, j] += value * weights[x + k, j]


# For strips from the one whose weights begin in row x_row and whose sums begin in row c_row: the sums of rows i < n +=
# sum over k < count of values[at + i row + k step] weights[k], where ``matrix`` = (at, row, step).
_add = _add_vectors if REGISTER_BYTES else _add_plain


class _Part(NamedTuple):
    """The units of a layer that become final inside a block."""

    weights_row: int  # of its first strip; every strip has ``depth`` of them, one per source
    depth: int
    first_unit: int
    last_unit: int
    sums_row: int  # of its first strip; every strip has n of them
    n: int  # rows of data


@inlined
def _part_of(parts, number, layer, n):
    """The part of a layer that belongs to block ``number``."""
    return _Part(
        parts[number, layer, FIRST_ROW],
        parts[number, layer, DEPTH],
        parts[number, layer, FIRST_UNIT],
        parts[number, layer, LAST_UNIT],
        parts[number, layer, SUMS_ROW] * n,
        n,
    )


@inlined
def _strips_from(part, unit):
    """Of the strips from the one of ``unit`` on: first rows of weights and of sums, and how many they are."""
    strip = (unit - part.first_unit) // WIDTH
    many = (part.last_unit - part.first_unit + WIDTH - 1) // WIDTH - strip
    return part.weights_row + strip * part.depth, part.sums_row + strip * part.n, many


@inlined
def _add_sources(flat, source_row, sources, weights, part, unit, sums):
    """Units from ``unit`` on += weights . sources begin .. end of a layer whose state begins in row ``source_row``."""
    weights_row, sums_row, many = _strips_from(part, unit)
    matrix = Matrix((source_row + sources[0]) * part.n, np.int64(1), part.n)
    size = _StripSize(many, part.depth, part.n, sources[1] - sources[0])
    _add(flat, matrix, weights, weights_row + sources[0], sums, sums_row, size)


@loop
def _add_states(part, unit, variables, inputs, codes, one, weights, sums):
    """As ``_add_sources`` for the one-hot inputs of variables begin .. end: the row of the state that each has."""
    n_context, n_states = inputs
    weights_row, sums_row, many = _strips_from(part, unit)
    matrix, size = Matrix(ZERO, ZERO, ZERO), _StripSize(np.int64(1), part.depth, np.int64(1), np.int64(1))
    for d in range(variables[0], variables[1]):
        for i in range(part.n):
            x = weights_row + n_context + d * n_states + state_of(codes[d, i], n_states)
            for strip in range(many):
                _add(one, matrix, weights, x + strip * part.depth, sums, sums_row + strip * part.n + i, size)


@inlined
def _land(own, part, begin, end, sums, state):
    """Units begin .. end go from their sums to their rows of the tile, which begin at ``own``."""
    for unit in range(begin, end):
        strip, lane = (unit - part.first_unit) // WIDTH, (unit - part.first_unit) % WIDTH
        for i in range(part.n):
            state[own + unit, i] = sums[part.sums_row + strip * part.n + i, lane]


@inlined
def _set_biases(biases, own, part, sums):
    for unit in range(part.last_unit - part.first_unit):
        strip, lane = unit // WIDTH, unit % WIDTH
        for i in range(part.n):
            sums[part.sums_row + strip * part.n + i, lane] = biases[own + part.first_unit + unit]


class _Work(NamedTuple):
    """Scratch beside the tile."""

    flat: np.ndarray  # the tile's state in one row
    one: np.ndarray  # (1,): what a one-hot input is
    sums: np.ndarray  # (strips of all layers * n, WIDTH)


@inlined
def _new_work(net, strips, tile, n):
    flat = tile.state.reshape(tile.state.size)
    sums = np.zeros((net.layers.shape[0] * strips.n_strips * n, WIDTH), flat.dtype)
    return _Work(flat, np.ones(1, flat.dtype), sums)


# Scoring ----------------------------------------------------------------------------------------------------------


@loop
def _complete_part(net, strips, number, layer, tile, work):
    """The units of a layer that belong to block ``number``; its sources are final."""
    layers, known, parts, sums, state = net.layers, net.known, strips.parts, work.sums, tile.state
    part, own, inputs = (
        _part_of(parts, number, layer, tile.total.shape[1]),
        layer_of(layers, layer),
        (net.n_context, net.n_states),
    )
    _set_biases(net.biases, own.first, part, sums)
    if part.depth > 0:
        one_hot = own.source == 0 and net.n_states > 1
        ready = ZERO, known[own.source, 0] if one_hot else part.depth
        _add_sources(work.flat, layers[own.source, FIRST], ready, strips.weights, part, part.first_unit, sums)
        if one_hot:
            last = (part.depth - net.n_context) // net.n_states
            _add_states(part, part.first_unit, (ZERO, last), inputs, tile.values, work.one, strips.weights, sums)
    _land(own.first, part, part.first_unit, part.last_unit, sums, state)
    if layer < layers.shape[0] - 1:
        finish_units(layers, layer, part.first_unit, part.last_unit, state)


@kernel
def log_prob_few_rows_cpu(begin, end, net, strips, x, context, scores):
    """As ``log_prob_cpu``, the same bit for bit, for few rows."""
    n = end - begin
    if n <= 0:
        return
    tile, log_prob, terms = new_tile(net, n), scores.log_prob, scores.terms
    work = _new_work(net, strips, tile, n)
    load_context(net, context, begin, n, tile.state)
    load_values(net, x, begin, n, tile.values)
    for layer in range(1, net.layers.shape[0]):
        for number in range(strips.parts.shape[0]):
            _complete_part(net, strips, number, layer, tile, work)
    for d in range(net.order.size):
        score_position(net, tile, d, begin, n, terms)
    for i in range(n):
        log_prob[begin + i] = tile.total[LOG_PROB, i]


# Sampling ---------------------------------------------------------------------------------------------------------


@loop
def _begin_block(net, strips, number, tile, work):
    """Sums of the block's units: biases and everything from before it."""
    layers, known, parts, weights, biases = net.layers, net.known, strips.parts, strips.weights, net.biases
    state, values, sums, inputs = tile.state, tile.values, work.sums, (net.n_context, net.n_states)
    begin, output = number * strips.block, layers.shape[0] - 1
    for layer in range(1, output + 1):
        part, own = _part_of(parts, number, layer, values.shape[1]), layer_of(layers, layer)
        one_hot = own.source == 0 and net.n_states > 1
        _set_biases(biases, own.first, part, sums)
        if part.depth > 0:
            ready = ZERO, known[own.source, 0] if one_hot else known[own.source, begin]
            _add_sources(work.flat, layers[own.source, FIRST], ready, weights, part, part.first_unit, sums)
            if one_hot:
                _add_states(part, part.first_unit, (ZERO, begin), inputs, values, work.one, weights, sums)
        if number == 0 and layer < output:
            _land(own.first, part, ZERO, known[layer, 0], sums, state)
            finish_units(layers, layer, ZERO, known[layer, 0], state)


@loop
def _draw_variables(net, strips, request, tile, work, begin, end):
    """Variables begin .. end, inside one block, whose noise is in the tile."""
    wide_vectors()
    layers, known, parts, weights = net.layers, net.known, strips.parts, strips.weights
    state, values, noise, scratch, total = tile.state, tile.values, tile.noise, tile.scratch, tile.total
    flat, one, sums, number = work.flat, work.one, work.sums, begin // strips.block
    output, kind, words, n = layers.shape[0] - 1, net.kind, noise_words(net.head), tile.total.shape[1]
    size, first, inputs = net.head_size, first_value(net), (net.n_context, net.n_states)
    heads = layers[output, FIRST]
    for d in range(begin, end):
        z = heads + d * size
        at = z
        _land(heads, _part_of(parts, number, output, n), d * size, (d + 1) * size, sums, state)
        if d >= request.prefix_length:
            at = temper(kind, request, state, z, scratch)
            draw_lanes(kind, state, at, noise, (d - begin) * words, values, first + d, scratch)
        if request.scored:
            score_variable(kind, state, z, at, values, first + d, scratch, total)
        for layer in range(1, output + 1):
            part, own, unit = _part_of(parts, number, layer, n), layer_of(layers, layer), known[layer, d]
            if unit < part.last_unit and part.depth > 0:
                if own.source == 0 and inputs[1] > 1:
                    _add_states(part, unit, (d, d + 1), inputs, values, one, weights, sums)
                else:
                    recent = known[own.source, d], known[own.source, d + 1]
                    _add_sources(flat, layers[own.source, FIRST], recent, weights, part, unit, sums)
            if layer < output and known[layer, d + 1] > unit:
                _land(own.first, part, unit, known[layer, d + 1], sums, state)
                finish_units(layers, layer, unit, known[layer, d + 1], state)


@kernel
def sample_few_rows_cpu(begin, end, net, strips, request, given, draws):
    """As ``sample_cpu``, the same rows bit for bit, for few of them."""
    n = end - begin
    if n <= 0:
        return
    tile = new_tile(net, n)
    work = _new_work(net, strips, tile, n)
    load_context(net, given.context, begin, n, tile.state)
    load_prefix(net, request, given, begin, n, tile.values)
    for number in range(strips.parts.shape[0]):
        _begin_block(net, strips, number, tile, work)
        last = min((number + 1) * strips.block, net.order.size)
        for d in range(number * strips.block, last, BLOCK):
            some = min(d + BLOCK, last)
            if some > request.prefix_length:
                fill_noise(net.kind, net, request, given, tile, begin, d, some)
            _draw_variables(net, strips, request, tile, work, d, some)
    store_tile(net, request, tile, begin, n, draws)
