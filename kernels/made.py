"""Masked networks (MADE, FVSBN, MAF layers): log_prob, and ancestral sampling at the cost of one pass.

The trick: a hidden unit of degree m is final once the first m variables are known. Units are sorted by degree, so
what is final is always a prefix of a layer: ``known[layer, m]`` units. Sampling walks the variables in blocks. One
panel product brings the units that become final inside a block up to date with everything known before it; inside,
each variable adds the little that its predecessors in the block contribute. Every unit so adds up its sources in
their order, the same order as in one pass over all variables, and the floating-point sums are the same bit for bit.

``state`` is one tile: a row per input, hidden and output unit, a lane per row of data. Layer 0 are the inputs
(context, then variables in the model's order), the last layer the parameters of the heads, variable by variable.
A unit is activation(bias + weights . source layer + unit of the residual layer).

Here are the network, a tile, its layers, and scoring; sampling is in made_sampling.py, both of few rows are in
made_rows.py, the gradient is in made_gradient.py. Loops take arrays out of their tuples before they begin: inside, each
would be counted as one more reference, atomically.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint64

from .activations import (
    ELU,
    GELU,
    GELU_TANH,
    LEAKY_RELU,
    MISH,
    RELU,
    SELU,
    SIGMOID,
    SILU,
    SOFTPLUS,
    TANH,
    elu,
    gelu,
    gelu_tanh,
    leaky_relu,
    mish,
    relu,
    selu,
    sigmoid,
    silu,
    softplus,
    tanh,
)
from .head_scratch import JOINT, NOISE, TERM
from .heads import AFFINE, SOFTPLUS_AFFINE, new_noise, noise_words, score_lanes
from .jit import inlined, kernel, loop
from .products import LANES, ROWS, Matrix, Size, add_product

FIRST, UNITS, WEIGHTS, STRIDE, SOURCE, RESIDUAL, ACTIVATION = range(7)  # fields of ``layers``
ZERO = np.int64(0)  # numba compiles a function once more for a literal argument
LOG_PROB, SAMPLING_LOG_PROB = np.int64(0), np.int64(1)  # rows of ``total``
PADDING = ROWS + 3  # rows that a panel product may write beyond the end of a layer

MADE_TILE = 64  # rows of data in a tile of scoring and training
BLOCK = 24  # variables drawn between two panel products: a multiple of 4, and of ROWS where those are 12 or 6


class MaskedNet(NamedTuple):
    """Everything a masked network is. Units are sorted by degree within each layer."""

    weights: np.ndarray  # flat: per layer (units + PADDING, stride), a row per unit, 0 where masked
    biases: np.ndarray  # per row of the state
    layers: np.ndarray  # int64 (n_layers, 7): a MaskedLayer each
    known: np.ndarray  # int64 (n_layers, n_vars + 1): units that are final once so many variables are known
    reach: np.ndarray  # int64, per row of the state: how many sources the unit reads
    order: np.ndarray  # int64 (n_vars,): the variable (column of the data) at each position
    n_context: int
    n_states: int  # inputs per variable: the number of states if one-hot, else 1
    head: int
    head_size: int  # parameters per variable
    kind: NamedTuple  # the head once more, as a type: see heads.py


class MaskedLayer(NamedTuple):
    """Where a layer lies, and what it does; row 0 of ``layers`` are the inputs."""

    first: int  # row of its first unit in the state
    units: int
    weights: int  # where its weights begin
    stride: int  # numbers from a unit's weights to the next's; 0: no weights, nothing but a residual
    source: int  # the layer that it reads
    residual: int  # the layer that is added to it; -1: none
    activation: int


class Tile(NamedTuple):
    """Scratch for one tile."""

    state: np.ndarray  # (state rows + head_size, lanes): the last ones for tempered parameters
    values: np.ndarray  # (rows, lanes): codes or reals; the inputs' own rows of the state unless they are one-hot
    noise: np.ndarray  # (BLOCK * words, lanes): float64, but of the model's type for Bernoulli and Normal heads
    words: np.ndarray  # uint32 (8, lanes)
    scratch: np.ndarray  # (JOINT + head_size, lanes)
    total: np.ndarray  # float64 (2, lanes): log_prob, sampling_log_prob


@loop
def lanes_for(n, most):
    """Lanes of a tile that holds n rows, ``most`` at most."""
    return min(most, (n + LANES - 1) // LANES * LANES)


@loop
def new_tile(net, lanes):
    """Scratch memory; zeros, so that idle lanes compute with harmless numbers."""
    dtype = net.biases.dtype
    state = np.zeros((net.biases.size + net.head_size, lanes), dtype)
    values = state if net.n_states == 1 else np.zeros((net.order.size, lanes), dtype)
    words = BLOCK * noise_words(net.head)
    return Tile(
        state,
        values,
        new_noise(net.kind, net.biases, words, lanes),
        np.zeros((8, lanes), np.uint32),
        np.zeros((JOINT + net.head_size, lanes), dtype),
        np.zeros((2, lanes), np.float64),
    )


@inlined
def first_value(net):
    """Row of the tile's values that belongs to position 0."""
    return net.n_context if net.n_states == 1 else 0


@inlined
def add_terms(scratch, total, which):
    """total[which] += scratch[TERM], in float64."""
    for i in range(total.shape[1]):
        total[which, i] += scratch[TERM, i]


# Layers -----------------------------------------------------------------------------------------------------------


@inlined
def fill(number, array, row):
    """array[row] = number."""
    for i in range(array.shape[1]):
        array[row, i] = number


@inlined
def layer_of(layers, number):
    """The MaskedLayer in row ``number``."""
    return MaskedLayer(
        layers[number, FIRST],
        layers[number, UNITS],
        layers[number, WEIGHTS],
        layers[number, STRIDE],
        layers[number, SOURCE],
        layers[number, RESIDUAL],
        layers[number, ACTIVATION],
    )


@inlined
def product_of(own, source_row, units, sources, lanes):
    """What ``add_product`` asks for to add sources begin .. end (the first in row ``source_row`` + begin of the state)
    to units begin .. end of a layer: where the weights are, rows of the sources and of the units, and sizes."""
    matrix = Matrix(own.weights + units[0] * own.stride + sources[0], own.stride, np.int64(1))
    depth = sources[1] - sources[0] if own.stride > 0 else np.int64(0)  # no weights: nothing but a residual
    size = Size(units[1] - units[0], depth, np.int64(lanes))
    return matrix, source_row + sources[0], own.first + units[0], size


@loop
def begin_units(net, number, begin, end, known, state):
    """Units begin .. end of a layer = biases + weights . the first ``known`` sources. Panels have no slow remainder if
    their rows are a multiple of 4: up to 3 units after ``end``, which have not begun yet, are spoilt."""
    biases, weights, own = net.biases, net.weights, layer_of(net.layers, number)
    for row in range(own.first + begin, own.first + end):
        fill(biases[row], state, row)
    if known > 0 and end > begin:
        units = begin, begin + (end - begin + 3) // 4 * 4
        matrix, source, row, size = product_of(
            own, net.layers[own.source, FIRST], units, (np.int64(0), known), state.shape[1]
        )
        add_product(weights, matrix, state, source, state, row, size)


@loop
def _activate_late(activation, state, row):
    """The rest of ``activate``, compiled once and not wherever it is inlined."""
    if activation == GELU:
        for i in range(state.shape[1]):
            state[row, i] = gelu(state[row, i])
    elif activation == GELU_TANH:
        for i in range(state.shape[1]):
            state[row, i] = gelu_tanh(state[row, i])
    elif activation == LEAKY_RELU:
        for i in range(state.shape[1]):
            state[row, i] = leaky_relu(state[row, i])
    elif activation == SELU:
        for i in range(state.shape[1]):
            state[row, i] = selu(state[row, i])
    elif activation == MISH:
        for i in range(state.shape[1]):
            state[row, i] = mish(state[row, i])


@inlined
def activate(activation, state, row):
    """state[row] = activation(state[row]); a loop for each, so that no loop chooses."""
    if activation == RELU:
        for i in range(state.shape[1]):
            state[row, i] = relu(state[row, i])
    elif activation == ELU:
        for i in range(state.shape[1]):
            state[row, i] = elu(state[row, i])
    elif activation == TANH:
        for i in range(state.shape[1]):
            state[row, i] = tanh(state[row, i])
    elif activation == SIGMOID:
        for i in range(state.shape[1]):
            state[row, i] = sigmoid(state[row, i])
    elif activation == SOFTPLUS:
        for i in range(state.shape[1]):
            state[row, i] = softplus(state[row, i])
    elif activation == SILU:
        for i in range(state.shape[1]):
            state[row, i] = silu(state[row, i])
    elif activation > SILU:
        _activate_late(activation, state, row)


@inlined
def add_residual(layers, own, unit, state):
    """The unit's sum += that unit of the residual layer, if there is one."""
    if own.residual >= 0:
        row, other = own.first + unit, layers[own.residual, FIRST] + unit
        for i in range(state.shape[1]):
            state[row, i] += state[other, i]


@inlined
def finish_units(layers, number, begin, end, state):
    """Residual and activation of units whose sums are complete."""
    own = layer_of(layers, number)
    for unit in range(begin, end):
        add_residual(layers, own, unit, state)
        activate(own.activation, state, own.first + unit)


@loop
def complete_layer(net, layer, begin, end, state):
    """Sums of units begin .. end of a layer whose sources are all final. A group of rows at a time: each group skips
    what all of it masks."""
    first = net.layers[layer, FIRST]
    for group in range(begin, end, ROWS):
        last = min(group + ROWS, end)
        begin_units(net, layer, group, last, net.reach[first + last - 1], state)


# Inputs -----------------------------------------------------------------------------------------------------------


@loop
def load_context(net, context, row, n, state):
    """Inputs 0 .. n_context from rows ``row`` .. ``row + n`` of the context."""
    for c in range(net.n_context):
        for i in range(n):
            state[c, i] = context[row + i, c]


@loop
def load_values(net, x, row, n, values):
    """Row d of the values = variable order[d] of the data."""
    first, order = first_value(net), net.order
    for d in range(order.size):
        column = uint64(order[d])
        for i in range(n):
            values[first + d, i] = x[row + i, column]


@loop
def encode(net, d, values, state):
    """One input per state of the variable at position d: 1 for the one that it has."""
    one, zero = state.dtype.type(1), state.dtype.type(0)
    first = net.n_context + d * net.n_states
    for k in range(net.n_states):
        code = state.dtype.type(k)
        for i in range(state.shape[1]):
            state[first + k, i] = one if values[d, i] == code else zero


# Scoring ----------------------------------------------------------------------------------------------------------


@loop
def forward(net, tile):
    """All hidden layers, from the values in the tile."""
    if net.n_states > 1:
        for d in range(net.order.size):
            encode(net, d, tile.values, tile.state)
    for layer in range(1, net.layers.shape[0] - 1):
        units = net.layers[layer, UNITS]
        complete_layer(net, layer, ZERO, units, tile.state)
        finish_units(net.layers, layer, ZERO, units, tile.state)


@inlined
def score_position(net, tile, d, row, n, terms):
    """Adds log p of the variable at position d, whose parameters are final, to tile.total[LOG_PROB]; the terms of the
    n rows from ``row`` on where there is room for them."""
    z = net.layers[net.layers.shape[0] - 1, FIRST] + d * net.head_size
    score_lanes(net.kind, tile.state, z, tile.values, first_value(net) + d, tile.scratch)
    add_terms(tile.scratch, tile.total, LOG_PROB)
    if terms.shape[0] > 0:
        reported = NOISE if net.head == AFFINE or net.head == SOFTPLUS_AFFINE else TERM
        for i in range(n):
            terms[row + i, net.order[d]] = tile.scratch[reported, i]


@loop
def _score_tile(net, tile, row, n, terms):
    """Adds up tile.total[LOG_PROB] for the n rows from ``row`` on; their terms where there is room for them."""
    output, size = net.layers.shape[0] - 1, net.head_size
    per_chunk = max(1, ROWS // size)
    fill(0.0, tile.total, LOG_PROB)
    for d in range(net.order.size):
        if d % per_chunk == 0:
            complete_layer(net, output, d * size, min(net.order.size, d + per_chunk) * size, tile.state)
        score_position(net, tile, d, row, n, terms)


@kernel
def log_prob_cpu(begin, end, net, x, context, scores):
    """log_prob[i] = sum_d log p(x_d | x_<d) of rows begin .. end of x (n, n_vars), and its terms if asked for.

    For affine heads the terms are the noise, and log_prob is the log-determinant.
    """
    if end <= begin:
        return
    tile, log_prob = new_tile(net, lanes_for(end - begin, MADE_TILE)), scores.log_prob
    for row in range(begin, end, MADE_TILE):
        n = min(MADE_TILE, end - row)
        load_context(net, context, row, n, tile.state)
        load_values(net, x, row, n, tile.values)
        forward(net, tile)
        _score_tile(net, tile, row, n, scores.terms)
        for i in range(n):
            log_prob[row + i] = tile.total[LOG_PROB, i]
