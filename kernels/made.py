"""Masked networks (MADE, FVSBN, MAF layers): log_prob, and ancestral sampling at the cost of one pass.

The trick: a hidden unit of degree m is final once the first m variables are known. Units are sorted by degree, so
what is final is always a prefix of a layer: ``known[layer, m]`` units. Sampling walks the variables in blocks. One
panel product brings the units that become final inside a block up to date with everything known before it; inside,
each variable adds the little that its predecessors in the block contribute. Every unit so adds up its sources in
their order, the same order as in one pass over all variables, and the floating-point sums are the same bit for bit.

``state`` is one tile: a row per input, hidden and output unit, a lane per row of data. Layer 0 are the inputs
(context, then variables in the model's order), the last layer the parameters of the heads, variable by variable.
A unit is activation(bias + weights . source layer + unit of the residual layer).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint64

from .functions import exp, sigmoid, softplus, tanh
from .heads import AFFINE, MIXTURE, NORMAL, draw_lanes, score_lanes, temper_lanes
from .jit import kernel, loop
from .panels import LANES, ROWS, add_product
from .quantile import to_normal
from .uniforms import fill_uniforms

FIRST, UNITS, WEIGHTS, STRIDE, SOURCE, RESIDUAL, ACTIVATION = range(7)  # fields of ``layers``
LINEAR, RELU, ELU, TANH, SIGMOID, SOFTPLUS, SILU = range(7)
PADDING = ROWS + 3  # rows that a panel product may write beyond the end of a layer

TILE = 64  # rows of data in a tile
BLOCK = 16  # variables drawn between two panel products; a multiple of 4


class MaskedNet(NamedTuple):
    """Everything a masked network is. Units are sorted by degree within each layer."""

    weights: np.ndarray  # flat: per layer (units + PADDING, stride), a row per unit, 0 where masked
    biases: np.ndarray  # per row of the state
    layers: np.ndarray  # int64 (n_layers, 7): the fields above; SOURCE and RESIDUAL are layers, RESIDUAL -1: none
    known: np.ndarray  # int64 (n_layers, n_vars + 1): units that are final once so many variables are known
    reach: np.ndarray  # int64, per row of the state: how many sources the unit reads
    order: np.ndarray  # int64 (n_vars,): the variable (column of the data) at each position
    n_context: int
    n_states: int  # inputs per variable: the number of states if one-hot, else 1
    head: int
    head_size: int  # parameters per variable


class Request(NamedTuple):
    """What to sample."""

    key: int
    start: int  # global number of row 0
    prefix_length: int
    n_per_row: int
    temperature: float
    top_k: int  # 0: all
    top_p: float
    truncated: bool
    scored: bool
    source: int  # of randomness: PHILOX, UNIFORMS or NOISE


PHILOX, UNIFORMS, NOISE = range(3)


class Given(NamedTuple):
    """Inputs of sampling; all of the model's float type."""

    prefix: np.ndarray  # (n // n_per_row, prefix_length)
    noise: np.ndarray  # (n, n_vars * words): uniforms, or what the heads take
    context: np.ndarray  # (n, n_context)


class Results(NamedTuple):
    """What sampling writes; empty arrays for what was not asked for."""

    values: np.ndarray  # (n, n_vars) codes or reals, columns in the user's order
    log_prob: np.ndarray  # (n,)
    sampling_log_prob: np.ndarray  # (n,)


class Tile(NamedTuple):
    """Scratch for one tile."""

    state: np.ndarray  # (state rows, lanes)
    values: np.ndarray  # (n_vars, lanes): codes or reals by position
    noise: np.ndarray  # (BLOCK * words, lanes)
    fine: np.ndarray  # float64 (BLOCK * words, lanes): uniforms on their way to normal noise
    words: np.ndarray  # uint32 (8, lanes)
    scratch: np.ndarray  # (3 + head_size, lanes)
    tempered: np.ndarray  # (head_size, lanes)
    term: np.ndarray  # (lanes,)
    total: np.ndarray  # float64 (2, lanes): log_prob, sampling_log_prob


@loop
def lanes_for(n):
    """Lanes of a tile that holds n rows."""
    return min(TILE, (n + LANES - 1) // LANES * LANES)


@loop
def noise_words(head):
    """Random numbers per variable."""
    return 2 if head == MIXTURE else 1


@loop
def new_tile(net, lanes):
    """Scratch memory; zeros, so that idle lanes compute with harmless numbers."""
    n_rows, dtype = net.biases.size, net.biases.dtype
    words = BLOCK * noise_words(net.head)
    return Tile(
        np.zeros((n_rows, lanes), dtype),
        np.zeros((net.order.size, lanes), dtype),
        np.zeros((words, lanes), dtype),
        np.zeros((words, lanes), np.float64),
        np.zeros((8, lanes), np.uint32),
        np.zeros((3 + net.head_size, lanes), dtype),
        np.zeros((net.head_size, lanes), dtype),
        np.zeros(lanes, dtype),
        np.zeros((2, lanes), np.float64),
    )


# Layers -----------------------------------------------------------------------------------------------------------


@loop
def layer_weights(net, layer):
    """(units + PADDING, stride) weights of a layer."""
    rows, stride = net.layers[layer, UNITS] + PADDING, net.layers[layer, STRIDE]
    at = net.layers[layer, WEIGHTS]
    return net.weights[at : at + rows * stride].reshape((rows, stride))


@loop
def _fill(number, row):
    for i in range(row.size):
        row[i] = number


@loop
def _copy(source, row):
    for i in range(row.size):
        row[i] = source[i]


@loop
def _add(source, row):
    for i in range(row.size):
        row[i] += source[i]


@loop
def begin_units(net, layer, begin, end, state):
    """Set units to their biases."""
    first = net.layers[layer, FIRST]
    for row in range(first + begin, first + end):
        _fill(net.biases[row], state[row])


@loop
def add_sources(net, layer, begin, end, source_begin, source_end, state):
    """units begin .. end += weights . sources source_begin .. source_end; up to PADDING rows after ``end`` suffer."""
    if source_end <= source_begin or end <= begin:
        return
    own, source = net.layers[layer, FIRST], net.layers[net.layers[layer, SOURCE], FIRST]
    add_product(
        layer_weights(net, layer)[begin:end, source_begin:source_end],
        state[source + source_begin : source + source_end, :],
        state[own + begin : own + end, :],
    )


@loop
def activate(activation, row):
    one, zero = row.dtype.type(1), row.dtype.type(0)
    if activation == RELU:
        for i in range(row.size):
            row[i] = row[i] if row[i] > zero else zero
    elif activation == ELU:
        for i in range(row.size):
            row[i] = row[i] if row[i] > zero else exp(min(row[i], zero)) - one
    elif activation == TANH:
        for i in range(row.size):
            row[i] = tanh(row[i])
    elif activation == SIGMOID:
        for i in range(row.size):
            row[i] = sigmoid(row[i])
    elif activation == SOFTPLUS:
        for i in range(row.size):
            row[i] = softplus(row[i])
    elif activation == SILU:
        for i in range(row.size):
            row[i] = row[i] * sigmoid(row[i])


@loop
def finish_units(net, layer, begin, end, state):
    """Residual and activation of units whose sums are complete."""
    first, residual = net.layers[layer, FIRST], net.layers[layer, RESIDUAL]
    for unit in range(begin, end):
        row = state[first + unit]
        if residual >= 0:
            _add(state[net.layers[residual, FIRST] + unit], row)
        activate(net.layers[layer, ACTIVATION], row)


@loop
def to_fours(begin, end):
    """The end of a run of rows, moved up so that their number is a multiple of 4: panels have no slow remainder."""
    return begin + (end - begin + 3) // 4 * 4


@loop
def complete_layer(net, layer, begin, end, state):
    """Units begin .. end of a layer whose sources are all final, a group of rows at a time: each group skips what all
    of it masks."""
    first = net.layers[layer, FIRST]
    for group in range(begin, end, ROWS):
        last = min(group + ROWS, end)
        begin_units(net, layer, group, last, state)
        add_sources(net, layer, group, to_fours(group, last), 0, net.reach[first + last - 1], state)


# Inputs -----------------------------------------------------------------------------------------------------------


@loop
def load_context(net, context, row, n, state):
    """Inputs 0 .. n_context from rows ``row`` .. ``row + n`` of the context."""
    for c in range(net.n_context):
        for i in range(n):
            state[c, i] = context[row + i, c]


@loop
def load_values(net, x, row, n, values):
    """values[d, i] = variable order[d] of row ``row + i``, a few variables at a time so that they stay in cache."""
    for begin in range(0, values.shape[0], BLOCK):
        for i in range(n):
            for d in range(begin, min(begin + BLOCK, values.shape[0])):
                values[d, i] = x[row + i, net.order[d]]


@loop
def encode(net, d, value, state):
    """Inputs of the variable at position d: its value, or one row per state."""
    first = net.n_context + d * net.n_states
    if net.n_states == 1:
        _copy(value, state[first])
        return
    one, zero = value.dtype.type(1), value.dtype.type(0)
    for k in range(net.n_states):
        own, code = state[first + k], value.dtype.type(k)
        for i in range(value.size):
            own[i] = one if value[i] == code else zero


# Scoring ----------------------------------------------------------------------------------------------------------


@loop
def forward(net, tile):
    """All hidden layers, from the values in the tile."""
    for d in range(net.order.size):
        encode(net, d, tile.values[d], tile.state)
    for layer in range(1, net.layers.shape[0] - 1):
        units = net.layers[layer, UNITS]
        complete_layer(net, layer, 0, units, tile.state)
        finish_units(net, layer, 0, units, tile.state)


@loop
def _score_tile(net, tile, row, n, terms, log_prob):
    output = net.layers.shape[0] - 1
    per_chunk = max(1, ROWS // net.head_size)
    _fill(0.0, tile.total[0])
    for d in range(net.order.size):
        if d % per_chunk == 0:
            end = min(net.order.size, d + per_chunk)
            complete_layer(net, output, d * net.head_size, end * net.head_size, tile.state)
        z = net.layers[output, FIRST] + d * net.head_size
        score_lanes(net.head, tile.state[z : z + net.head_size], tile.values[d], tile.term, tile.scratch)
        for i in range(n):
            tile.total[0, i] += tile.term[i]
        if terms.shape[0] > 0:
            _store_terms(net, tile, d, row, n, terms)
    _copy(tile.total[0], log_prob[row : row + n])


@loop
def _store_terms(net, tile, d, row, n, terms):
    """Terms of log_prob by variable; for AFFINE heads the noise."""
    source = tile.values[d] if net.head == AFFINE else tile.term
    for i in range(n):
        terms[row + i, net.order[d]] = source[i]


@kernel
def log_prob_cpu(begin, end, net, x, context, terms, log_prob):
    """log_prob[i] = sum_d log p(x_d | x_<d) of rows begin .. end, and ``terms`` (n, n_vars) unless it has no rows."""
    if end <= begin:
        return
    tile = new_tile(net, lanes_for(end - begin))
    for row in range(begin, end, TILE):
        n = min(TILE, end - row)
        load_context(net, context, row, n, tile.state)
        load_values(net, x, row, n, tile.values)
        forward(net, tile)
        _score_tile(net, tile, row, n, terms, log_prob)


# Sampling ---------------------------------------------------------------------------------------------------------


@loop
def _fill_noise(net, request, given, tile, row, n, begin, end):
    """Noise of variables begin .. end: drawn, or copied from what was given."""
    words = noise_words(net.head)
    first, count = begin * words, (end - begin) * words
    normal = net.head == NORMAL or net.head == MIXTURE
    if request.source == PHILOX:
        global_row = uint64(request.start) + uint64(row)
        if normal:
            fill_uniforms(uint64(request.key), global_row, first, tile.words, tile.fine[:count])
        else:
            fill_uniforms(uint64(request.key), global_row, first, tile.words, tile.noise[:count])
    else:
        for i in range(n):
            for word in range(count):
                tile.fine[word, i] = given.noise[row + i, first + word]
        if not normal or request.source == NOISE:
            for word in range(count):
                _copy(tile.fine[word], tile.noise[word])
    if normal and request.source != NOISE:
        for word in range(count):
            if words == 2 and word % 2 == 0:
                _copy(tile.fine[word], tile.noise[word])
            else:
                to_normal(tile.fine[word], tile.noise[word])


@loop
def _draw_variable(net, request, tile, d, block, n):
    """The value at position d; its log-probabilities where they are asked for."""
    z_row = net.layers[net.layers.shape[0] - 1, FIRST] + d * net.head_size
    z = tile.state[z_row : z_row + net.head_size]
    drawn = d >= request.prefix_length
    if drawn:
        source = z
        if request.truncated:
            temper_lanes(net.head, z, request.temperature, request.top_k, request.top_p, tile.tempered)
            source = tile.tempered
        at = (d - block) * noise_words(net.head)
        draw_lanes(net.head, source, tile.noise[at : at + 2], tile.values[d], tile.scratch)
        if request.scored and request.truncated:
            _add_score(net, source, tile, d, n, 1)
    if request.scored:
        _add_score(net, z, tile, d, n, 0)


@loop
def _add_score(net, z, tile, d, n, which):
    score_lanes(net.head, z, tile.values[d], tile.term, tile.scratch)
    for i in range(n):
        tile.total[which, i] += tile.term[i]


@loop
def _advance(net, tile, block, d):
    """Complete the hidden units that become final with the variable at position d."""
    for layer in range(1, net.layers.shape[0] - 1):
        begin, end = net.known[layer, d], net.known[layer, d + 1]
        if end > begin:
            source = net.layers[layer, SOURCE]
            add_sources(net, layer, begin, end, net.known[source, block], net.known[source, d + 1], tile.state)
            finish_units(net, layer, begin, end, tile.state)


@loop
def _begin_block(net, tile, begin, end):
    """Everything that variables before ``begin`` contribute to units and heads of the block."""
    output = net.layers.shape[0] - 1
    for layer in range(1, output + 1):
        first, last = net.known[layer, begin], net.known[layer, end]
        if layer == output:
            first, last = begin * net.head_size, end * net.head_size
        begin_units(net, layer, first, last, tile.state)
        known = net.known[net.layers[layer, SOURCE], begin]
        add_sources(net, layer, first, to_fours(first, last), 0, known, tile.state)


@loop
def _begin_tile(net, request, given, tile, row, n):
    """Context, prefix, and the units that depend on no variable."""
    load_context(net, given.context, row, n, tile.state)
    for d in range(request.prefix_length):
        for i in range(n):
            tile.values[d, i] = given.prefix[(row + i) // request.n_per_row, d]
    for layer in range(1, net.layers.shape[0] - 1):
        constant = net.known[layer, 0]
        begin_units(net, layer, 0, constant, tile.state)
        add_sources(net, layer, 0, constant, 0, net.known[net.layers[layer, SOURCE], 0], tile.state)
        finish_units(net, layer, 0, constant, tile.state)
    _fill(0.0, tile.total[0])
    _fill(0.0, tile.total[1])


@loop
def _sample_tile(net, request, given, tile, row, n):
    n_vars, output = net.order.size, net.layers.shape[0] - 1
    source = net.layers[output, SOURCE]
    _begin_tile(net, request, given, tile, row, n)
    for block in range(0, n_vars, BLOCK):
        end = min(block + BLOCK, n_vars)
        _begin_block(net, tile, block, end)
        if end > request.prefix_length:
            _fill_noise(net, request, given, tile, row, n, block, end)
        for d in range(block, end):
            heads = d * net.head_size
            known = net.known[source, block], net.known[source, d]
            add_sources(net, output, heads, heads + net.head_size, known[0], known[1], tile.state)
            _draw_variable(net, request, tile, d, block, n)
            encode(net, d, tile.values[d], tile.state)
            _advance(net, tile, block, d)


@loop
def _store_tile(net, request, tile, row, n, results):
    for begin in range(0, net.order.size, BLOCK):
        for i in range(n):
            for d in range(begin, min(begin + BLOCK, net.order.size)):
                results.values[row + i, net.order[d]] = tile.values[d, i]
    if request.scored:
        _copy(tile.total[0], results.log_prob[row : row + n])
        if request.truncated:
            _copy(tile.total[1], results.sampling_log_prob[row : row + n])


@kernel
def sample_cpu(begin, end, net, request, given, results):
    """Draw rows begin .. end."""
    if end <= begin:
        return
    tile = new_tile(net, lanes_for(end - begin))
    for row in range(begin, end, TILE):
        n = min(TILE, end - row)
        _sample_tile(net, request, given, tile, row, n)
        _store_tile(net, request, tile, row, n, results)
