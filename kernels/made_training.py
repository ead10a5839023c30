"""Gradients of masked networks, and Adam steps along them.

A minibatch is cut into tiles of TILE rows, whatever the number of threads. ``backward_cpu`` takes tiles: forward, then
back through the layers, slope[unit] = d loss / d (sum of the unit), both as panel products that skip what is masked.
``update_cpu`` and ``gradients_cpu`` take groups of units instead: the gradient of a group's weights is
slopes (units, rows) times sources (rows, sources), summed over the rows in their order. So every number is the same
for any number of threads. Sources are kept transposed for that product.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .adam import adam_scalars, adam_update
from .functions import exp, sigmoid, tanh
from .heads import BERNOULLI, CATEGORICAL, JOINT, TERM, score_lanes, slope_lanes
from .jit import inlined, kernel, loop
from .made import (
    ACTIVATION,
    ELU,
    FIRST,
    RELU,
    RESIDUAL,
    SIGMOID,
    SILU,
    SOFTPLUS,
    SOURCE,
    STRIDE,
    TANH,
    TILE,
    UNITS,
    WEIGHTS,
    activate,
    add_terms,
    complete_layer,
    encode,
    fill,
    first_value,
    load_values,
)
from .products import ROWS, add_product


class Workspace(NamedTuple):
    """Scratch for a minibatch; tile t has ``lanes`` = TILE columns but for the last, and begins at t * TILE * rows."""

    state: np.ndarray  # flat: per tile (state rows, lanes)
    slopes: np.ndarray  # flat: likewise, d loss / d state, then d loss / d sum
    derivatives: np.ndarray  # flat: likewise, d unit / d sum
    sources: np.ndarray  # flat: per layer (n_tiles * TILE, width), the units of a layer transposed
    source_at: np.ndarray  # int64 (n_layers,): where each layer's block begins in ``sources``
    width: np.ndarray  # int64 (n_layers,): its columns, a multiple of LANES
    groups: np.ndarray  # int64 (n_groups, 2): layer and first unit of each group of ROWS units


class Batch(NamedTuple):
    """Rows, and the factors of their log_prob in the loss."""

    x: np.ndarray  # (n, n_vars)
    row_weights: np.ndarray  # (n,) of the model's type


@inlined
def _tile_of(flat, net, tile, n):
    """(state rows, lanes) block of a tile of a minibatch of n rows."""
    rows = net.biases.size
    lanes = min(TILE, (n - tile * TILE + 15) // 16 * 16)
    at = tile * TILE * rows
    return flat[at : at + rows * lanes].reshape((rows, lanes))


@loop
def _set_derivative(activation, state, row, derivatives):
    """derivatives[row] = slope of the activation at the sum state[row]."""
    one, zero = state.dtype.type(1), state.dtype.type(0)
    for i in range(state.shape[1]):
        x = state[row, i]
        slope = one
        if activation == RELU:
            slope = one if x > zero else zero
        elif activation == ELU:
            slope = one if x > zero else exp(x)
        elif activation == TANH:
            t = tanh(x)
            slope = one - t * t
        elif activation == SIGMOID:
            s = sigmoid(x)
            slope = s * (one - s)
        elif activation == SOFTPLUS:
            slope = sigmoid(x)
        elif activation == SILU:
            s = sigmoid(x)
            slope = s + x * s * (one - s)
        derivatives[row, i] = slope


@loop
def _forward(net, values, state, derivatives):
    """All layers; derivatives of hidden units on the way."""
    if net.n_states > 1:
        for d in range(net.order.size):
            encode(net, d, values, state)
    output = net.layers.shape[0] - 1
    for layer in range(1, output + 1):
        complete_layer(net, layer, 0, net.layers[layer, UNITS], state)
        if layer == output:
            return
        first, residual = net.layers[layer, FIRST], net.layers[layer, RESIDUAL]
        for row in range(first, first + net.layers[layer, UNITS]):
            if residual >= 0:
                other = net.layers[residual, FIRST] + row - first
                for i in range(state.shape[1]):
                    state[row, i] += state[other, i]
            _set_derivative(net.layers[layer, ACTIVATION], state, row, derivatives)
            activate(net.layers[layer, ACTIVATION], state, row)


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
def _backward_layer(net, layer, slopes):
    """slopes of the layer's sources += weights^T slopes of the layer, skipping units that read none of a group."""
    source = net.layers[layer, SOURCE]
    first, units, stride = net.layers[layer, FIRST], net.layers[layer, UNITS], net.layers[layer, STRIDE]
    own, n_sources = net.layers[source, FIRST], net.layers[source, UNITS]
    unit = 0
    for k in range(0, n_sources, ROWS):
        while unit < units and net.reach[first + unit] <= k:
            unit += 1
        place = net.layers[layer, WEIGHTS] + unit * stride + k, np.int64(1), stride
        size = min(ROWS, n_sources - k), units - unit, slopes.shape[1]
        if size[1] > 0:
            add_product(net.weights, place, slopes, first + unit, slopes, own + k, size)


@loop
def _backward(net, slopes, derivatives, by_inputs):
    """From the slopes of the heads to those of all layers; of the inputs only where they are wanted."""
    for layer in range(net.layers.shape[0] - 1, 0, -1):
        first, residual = net.layers[layer, FIRST], net.layers[layer, RESIDUAL]
        units = net.layers[layer, UNITS]
        if layer < net.layers.shape[0] - 1:
            for row in range(first, first + units):
                for i in range(slopes.shape[1]):
                    slopes[row, i] *= derivatives[row, i]
        if residual >= 0:
            for unit in range(units):
                other = net.layers[residual, FIRST] + unit
                for i in range(slopes.shape[1]):
                    slopes[other, i] += slopes[first + unit, i]
        if net.layers[layer, STRIDE] > 0 and (net.layers[layer, SOURCE] > 0 or by_inputs):
            _backward_layer(net, layer, slopes)


@loop
def _transpose(state, first, n_units, out, row, n):
    """out[row + i, unit] = state[first + unit, i], in blocks of 16 units that stay in cache; idle lanes give 0."""
    zero = state.dtype.type(0)
    for begin in range(0, n_units, 16):
        for i in range(state.shape[1]):
            for unit in range(begin, min(begin + 16, n_units)):
                out[row + i, unit] = state[first + unit, i] if i < n else zero


@loop
def _layer_sources(work, layer, n_rows):
    """(n_rows, width) transposed units of a layer."""
    at, width = work.source_at[layer], work.width[layer]
    return work.sources[at : at + n_rows * width].reshape((n_rows, width))


@loop
def _rows_with_lanes(n):
    """Rows of a minibatch of n, the last tile rounded up to whole vectors."""
    return (n + 15) // 16 * 16


@kernel
def backward_cpu(begin, end, net, batch, work, by_inputs, log_prob):
    """Tiles begin .. end: forward, log_prob (n,) and all slopes of sum_i row_weights[i] log_prob[i]."""
    n = batch.x.shape[0]
    for tile in range(begin, end):
        row, rows = tile * TILE, min(TILE, n - tile * TILE)
        state, slopes = _tile_of(work.state, net, tile, n), _tile_of(work.slopes, net, tile, n)
        derivatives = _tile_of(work.derivatives, net, tile, n)
        lanes = state.shape[1]
        values = state if net.n_states == 1 else np.zeros((net.order.size, lanes), state.dtype)
        weight, total = np.zeros(lanes, state.dtype), np.zeros((1, lanes))
        for i in range(rows):
            weight[i] = batch.row_weights[row + i]
        load_values(net, batch.x, row, rows, values)
        _forward(net, values, state, derivatives)
        for r in range(slopes.shape[0]):
            fill(state.dtype.type(0), slopes, r)
        _slope_of_heads(net, values, state, slopes, weight, total)
        _backward(net, slopes, derivatives, by_inputs)
        for layer in range(net.layers.shape[0] - 1):
            if work.width[layer] > 0:
                out = _layer_sources(work, layer, _rows_with_lanes(n))
                _transpose(state, net.layers[layer, FIRST], net.layers[layer, UNITS], out, row, rows)
        for i in range(rows):
            log_prob[row + i] = total[0, i]


@loop
def _group_gradient(net, work, n, layer, unit, count, gradient):
    """gradient[r] = by the weights of unit + r of a layer, r < count; returns nothing beyond what the units reach."""
    first = net.layers[layer, FIRST] + unit
    for r in range(count):
        fill(gradient.dtype.type(0), gradient, r)
    reach = net.reach[first + count - 1]
    width = (reach + 15) // 16 * 16
    if width == 0:
        return
    sources = _layer_sources(work, net.layers[layer, SOURCE], _rows_with_lanes(n))
    for tile in range((n + TILE - 1) // TILE):
        lanes = min(TILE, _rows_with_lanes(n) - tile * TILE)
        place = tile * TILE * net.biases.size + first * lanes, lanes, np.int64(1)
        add_product(work.slopes, place, sources, tile * TILE, gradient, 0, (count, lanes, width))


@loop
def _bias_gradient(net, work, n, row):
    """Sum of a unit's slopes over the rows: 16 partial sums per tile, in a fixed order."""
    total = work.slopes.dtype.type(0)
    partial = np.zeros(16, work.slopes.dtype)
    for tile in range((n + TILE - 1) // TILE):
        lanes = min(TILE, _rows_with_lanes(n) - tile * TILE)
        at = tile * TILE * net.biases.size + row * lanes
        for begin in range(at, at + lanes, 16):
            for i in range(16):
                partial[i] += work.slopes[begin + i]
    for i in range(16):
        total += partial[i]
    return total


@loop
def _adam_run(parameters, first, second, at, n, gradient, row, scalars):
    """Adam on n entries from ``at`` on, with the gradients in a row."""
    for i in range(n):
        new = adam_update(parameters[at + i], gradient[row, i], first[at + i], second[at + i], scalars)
        parameters[at + i], first[at + i], second[at + i] = new


class Moments(NamedTuple):
    """Adam's first and second moments of weights and biases."""

    first_weights: np.ndarray
    second_weights: np.ndarray
    first_biases: np.ndarray
    second_biases: np.ndarray


@kernel
def update_cpu(begin, end, net, work, n, moments, settings):
    """One Adam step on the units of groups begin .. end; biases do not decay."""
    rate, beta1, beta2, epsilon, decay, correction1, correction2 = settings
    scalars = adam_scalars(net.weights, rate, beta1, beta2, epsilon, decay, correction1, correction2)
    plain = adam_scalars(net.weights, rate, beta1, beta2, epsilon, 0.0, correction1, correction2)
    gradient = np.empty((ROWS, work.width.max()), net.weights.dtype)
    bias = np.empty((1, 1), net.weights.dtype)
    for group in range(begin, end):
        layer, unit = work.groups[group, 0], work.groups[group, 1]
        count = min(ROWS, net.layers[layer, UNITS] - unit)
        _group_gradient(net, work, n, layer, unit, count, gradient)
        for r in range(count):
            row = net.layers[layer, FIRST] + unit + r
            at = net.layers[layer, WEIGHTS] + (unit + r) * net.layers[layer, STRIDE]
            reach = net.reach[row]
            _adam_run(net.weights, moments.first_weights, moments.second_weights, at, reach, gradient, r, scalars)
            bias[0, 0] = _bias_gradient(net, work, n, row)
            _adam_run(net.biases, moments.first_biases, moments.second_biases, row, 1, bias, 0, plain)


@kernel
def gradients_cpu(begin, end, net, work, n, by_weights, by_biases):
    """Add the gradients of groups begin .. end to flat arrays like the network's."""
    gradient = np.empty((ROWS, work.width.max()), net.weights.dtype)
    for group in range(begin, end):
        layer, unit = work.groups[group, 0], work.groups[group, 1]
        count = min(ROWS, net.layers[layer, UNITS] - unit)
        _group_gradient(net, work, n, layer, unit, count, gradient)
        for r in range(count):
            row = net.layers[layer, FIRST] + unit + r
            at = net.layers[layer, WEIGHTS] + (unit + r) * net.layers[layer, STRIDE]
            for i in range(net.reach[row]):
                by_weights[at + i] += gradient[r, i]
            by_biases[row] += _bias_gradient(net, work, n, row)
