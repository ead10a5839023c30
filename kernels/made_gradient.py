"""Gradients of masked networks, and Adam steps along them.

A minibatch is cut into tiles of MADE_TILE rows, whatever the number of threads. ``backward_cpu`` takes tiles: forward,
then back through the layers, slope[unit] = d loss / d (sum of the unit), both as panel products that skip what is
masked.
``update_cpu`` and ``gradients_cpu`` take groups of units instead: the gradient of a group's weights is
slopes (units, rows) times sources (rows, sources), summed over the rows in their order. So every number is the same
for any number of threads. Sources are kept transposed for that product.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .activations import activation_slope
from .adam import adam_constants, adam_update, without_decay
from .head_scratch import JOINT, TERM
from .heads import BERNOULLI, CATEGORICAL, score_lanes, slope_lanes
from .jit import inlined, kernel, loop
from .made import (
    FIRST,
    MADE_TILE,
    SOURCE,
    UNITS,
    ZERO,
    activate,
    add_residual,
    add_terms,
    complete_layer,
    encode,
    fill,
    first_value,
    layer_of,
    load_context,
    load_values,
)
from .products import ROWS, Matrix, Size, add_product


class Workspace(NamedTuple):
    """Scratch for a minibatch; tile t begins at t * MADE_TILE * rows, its ``lanes`` are MADE_TILE but for the last."""

    state: np.ndarray  # flat: per tile (state rows, lanes)
    slopes: np.ndarray  # flat: likewise, d loss / d state, then d loss / d sum
    derivatives: np.ndarray  # flat: likewise, d unit / d sum
    sources: np.ndarray  # flat: per layer (n_tiles * MADE_TILE, width), the units of a layer transposed
    source_at: np.ndarray  # int64 (n_layers,): where each layer's block begins in ``sources``
    width: np.ndarray  # int64 (n_layers,): its columns, a multiple of LANES
    groups: np.ndarray  # int64 (n_groups, 2): layer and first unit of each group of ROWS units


class Batch(NamedTuple):
    """Rows, and the factors of their log_prob in the loss."""

    x: np.ndarray  # (n, n_vars)
    context: np.ndarray  # (n, n_context), of the model's type
    row_weights: np.ndarray  # (n,) of the model's type


class Moments(NamedTuple):
    """Adam's first and second moments of weights and biases."""

    first_weights: np.ndarray
    second_weights: np.ndarray
    first_biases: np.ndarray
    second_biases: np.ndarray


# Addresses --------------------------------------------------------------------------------------------------------


@inlined
def _padded(n):
    """Rows of a minibatch of n, the last tile rounded up to whole vectors."""
    return (n + 15) // 16 * 16


@inlined
def _row_of_tile(net, tile, n, row):
    """Where a row of the state of a tile begins in a flat array of a minibatch of n, and the lanes that it has."""
    lanes = min(MADE_TILE, _padded(n) - tile * MADE_TILE)
    return tile * MADE_TILE * net.biases.size + row * lanes, lanes


@inlined
def _tile_of(flat, net, tile, n):
    """(state rows, lanes) block of a tile of a minibatch of n rows."""
    rows = net.biases.size
    at, lanes = _row_of_tile(net, tile, n, ZERO)
    return flat[at : at + rows * lanes].reshape((rows, lanes))


@loop
def _sources_of(work, layer, n):
    """(padded rows, width) transposed units of a layer, for a minibatch of n."""
    at, width, rows = work.source_at[layer], work.width[layer], _padded(n)
    return work.sources[at : at + rows * width].reshape((rows, width))


class _Group(NamedTuple):
    """Units of a layer that are updated together."""

    layer: int
    unit: int  # the first
    count: int
    row: int  # of the first, in the state
    weights: int  # where the first one's begin
    stride: int


@inlined
def _group_of(net, work, number):
    """The group in row ``number`` of ``work.groups``."""
    layer, unit = work.groups[number, 0], work.groups[number, 1]
    own = layer_of(net.layers, layer)
    count = min(ROWS, own.units - unit)
    return _Group(layer, unit, count, own.first + unit, own.weights + unit * own.stride, own.stride)


# Backwards --------------------------------------------------------------------------------------------------------


@inlined
def _set_slopes(activation, state, row, derivatives):
    """derivatives[row] = slope of the activation at the sum state[row]."""
    for i in range(state.shape[1]):
        derivatives[row, i] = activation_slope(activation, state[row, i])


@loop
def _forward(net, values, state, derivatives):
    """All layers; derivatives of hidden units on the way."""
    if net.n_states > 1:
        for d in range(net.order.size):
            encode(net, d, values, state)
    output = net.layers.shape[0] - 1
    for number in range(1, output + 1):
        own = layer_of(net.layers, number)
        complete_layer(net, number, ZERO, own.units, state)
        if number == output:
            return
        for unit in range(own.units):
            add_residual(net.layers, own, unit, state)
            _set_slopes(own.activation, state, own.first + unit, derivatives)
            activate(own.activation, state, own.first + unit)


@loop
def _slope_of_heads(net, values, state, slopes, weight, total):
    """Add log_prob to ``total``; set the slopes of the head parameters and, for real values, of the inputs."""
    size, first = net.head_size, first_value(net)
    z = net.layers[net.layers.shape[0] - 1, FIRST]
    scratch = np.zeros((JOINT + size, state.shape[1]), state.dtype)
    discrete = net.head == BERNOULLI or net.head == CATEGORICAL
    for d in range(net.order.size):
        at = z + d * size
        score_lanes(net.kind, state, at, values, first + d, scratch)
        add_terms(scratch, total, 0)
        for row in range(at, at + size):
            for i in range(state.shape[1]):
                slopes[row, i] = state[row, i]
        slope_lanes(net.kind, slopes, at, values, first + d, weight, scratch)
        if not discrete:
            for i in range(state.shape[1]):
                slopes[net.n_context + d, i] = scratch[TERM, i]


@loop
def _backward_layer(net, number, slopes):
    """slopes of the layer's sources += weights^T slopes of the layer, skipping units that read none of a group."""
    own = layer_of(net.layers, number)
    source, n_sources = net.layers[own.source, FIRST], net.layers[own.source, UNITS]
    unit = 0
    for k in range(0, n_sources, ROWS):
        while unit < own.units and net.reach[own.first + unit] <= k:
            unit += 1
        matrix = Matrix(own.weights + unit * own.stride + k, np.int64(1), own.stride)
        size = Size(min(ROWS, n_sources - k), own.units - unit, slopes.shape[1])
        if size.depth > 0:
            add_product(net.weights, matrix, slopes, own.first + unit, slopes, source + k, size)


@inlined
def _through_activation(own, slopes, derivatives):
    """From the slopes by a layer's units to those by their sums."""
    for row in range(own.first, own.first + own.units):
        for i in range(slopes.shape[1]):
            slopes[row, i] *= derivatives[row, i]


@inlined
def _through_residual(layers, own, slopes):
    """What goes to the layer that was added to this one."""
    for unit in range(own.units):
        row, other = own.first + unit, layers[own.residual, FIRST] + unit
        for i in range(slopes.shape[1]):
            slopes[other, i] += slopes[row, i]


@loop
def _backward(net, slopes, derivatives, by_inputs):
    """From the slopes of the heads to those of all layers; of the inputs only where they are wanted."""
    output = net.layers.shape[0] - 1
    for number in range(output, 0, -1):
        own = layer_of(net.layers, number)
        if number < output:
            _through_activation(own, slopes, derivatives)
        if own.residual >= 0:
            _through_residual(net.layers, own, slopes)
        if own.stride > 0 and (own.source > 0 or by_inputs):
            _backward_layer(net, number, slopes)


@loop
def _transpose(state, first, n_units, out, row, n):
    """out[row + i, unit] = state[first + unit, i], in blocks of 16 units that stay in cache; idle lanes give 0."""
    zero = state.dtype.type(0)
    for begin in range(0, n_units, 16):
        for i in range(state.shape[1]):
            for unit in range(begin, min(begin + 16, n_units)):
                out[row + i, unit] = state[first + unit, i] if i < n else zero


@loop
def _keep_sources(net, work, state, n, row, rows):
    """Units that layers read go transposed to where the gradients of weights are made."""
    for number in range(net.layers.shape[0] - 1):
        if work.width[number] > 0:
            own = layer_of(net.layers, number)
            _transpose(state, own.first, own.units, _sources_of(work, number, n), row, rows)


@kernel
def backward_cpu(begin, end, net, batch, work, by_inputs, log_prob):
    """Tiles begin .. end: forward, log_prob (n,) and all slopes of sum_i row_weights[i] log_prob[i]."""
    n = batch.x.shape[0]
    for tile in range(begin, end):
        row, rows = tile * MADE_TILE, min(MADE_TILE, n - tile * MADE_TILE)
        state, slopes = _tile_of(work.state, net, tile, n), _tile_of(work.slopes, net, tile, n)
        derivatives = _tile_of(work.derivatives, net, tile, n)
        lanes = state.shape[1]
        values = state if net.n_states == 1 else np.zeros((net.order.size, lanes), state.dtype)
        weight, total = np.zeros(lanes, state.dtype), np.zeros((1, lanes))
        for i in range(rows):
            weight[i] = batch.row_weights[row + i]
        load_context(net, batch.context, row, rows, state)
        load_values(net, batch.x, row, rows, values)
        _forward(net, values, state, derivatives)
        for r in range(slopes.shape[0]):
            fill(slopes.dtype.type(0), slopes, r)
        _slope_of_heads(net, values, state, slopes, weight, total)
        _backward(net, slopes, derivatives, by_inputs)
        _keep_sources(net, work, state, n, row, rows)
        for i in range(rows):
            log_prob[row + i] = total[0, i]


# Gradients of groups of units -------------------------------------------------------------------------------------


@loop
def _group_gradient(net, work, n, group, gradient):
    """gradient[r] = by the weights of the r-th unit of a group; returns nothing beyond what the units reach."""
    for r in range(group.count):
        fill(gradient.dtype.type(0), gradient, r)
    width = (net.reach[group.row + group.count - 1] + 15) // 16 * 16
    if width == 0:
        return
    sources = _sources_of(work, net.layers[group.layer, SOURCE], n)
    for tile in range((n + MADE_TILE - 1) // MADE_TILE):
        at, lanes = _row_of_tile(net, tile, n, group.row)
        matrix, size = Matrix(at, lanes, np.int64(1)), Size(group.count, lanes, width)
        add_product(work.slopes, matrix, sources, tile * MADE_TILE, gradient, 0, size)


@loop
def _bias_gradient(net, work, n, row):
    """Sum of a unit's slopes over the rows: 16 partial sums per tile, in a fixed order."""
    total = work.slopes.dtype.type(0)
    partial = np.zeros(16, work.slopes.dtype)
    for tile in range((n + MADE_TILE - 1) // MADE_TILE):
        at, lanes = _row_of_tile(net, tile, n, row)
        for begin in range(at, at + lanes, 16):
            for i in range(16):
                partial[i] += work.slopes[begin + i]
    for i in range(16):
        total += partial[i]
    return total


@loop
def _adam_run(parameters, first, second, at, n, gradient, row, constants):
    """Adam on n entries from ``at`` on, with the gradients in a row."""
    for i in range(n):
        new = adam_update(parameters[at + i], gradient[row, i], first[at + i], second[at + i], constants)
        parameters[at + i], first[at + i], second[at + i] = new


@kernel
def update_cpu(begin, end, net, work, n, moments, settings):
    """One Adam step on the units of groups begin .. end; ``settings`` are AdamSettings. Biases do not decay."""
    constants, plain = adam_constants(net.weights, settings), adam_constants(net.weights, without_decay(settings))
    gradient = np.empty((ROWS, work.width.max()), net.weights.dtype)
    bias = np.empty((1, 1), net.weights.dtype)
    m, v = moments.first_weights, moments.second_weights
    for number in range(begin, end):
        group = _group_of(net, work, number)
        _group_gradient(net, work, n, group, gradient)
        for r in range(group.count):
            row, at = group.row + r, group.weights + r * group.stride
            _adam_run(net.weights, m, v, at, net.reach[row], gradient, r, constants)
            bias[0, 0] = _bias_gradient(net, work, n, row)
            _adam_run(net.biases, moments.first_biases, moments.second_biases, row, 1, bias, 0, plain)


@kernel
def gradients_cpu(begin, end, net, work, n, by_weights, by_biases):
    """Add the gradients of groups begin .. end to flat arrays like the network's."""
    gradient = np.empty((ROWS, work.width.max()), net.weights.dtype)
    for number in range(begin, end):
        group = _group_of(net, work, number)
        _group_gradient(net, work, n, group, gradient)
        for r in range(group.count):
            row, at = group.row + r, group.weights + r * group.stride
            for i in range(net.reach[row]):
                by_weights[at + i] += gradient[r, i]
            by_biases[row] += _bias_gradient(net, work, n, row)
