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
from numba.extending import overload

from .functions import INLINED, exp, sigmoid, silu, softplus, tanh, wide_vectors
from .heads import (
    AFFINE,
    JOINT,
    LARGEST,
    MIXTURE,
    TERM,
    UNDEFINED,
    BernoulliHead,
    MixtureHead,
    NormalHead,
    draw_lanes,
    score_lanes,
)
from .jit import inlined, kernel, loop
from .products import LANES, ROWS, add_product, add_rows
from .quantile import to_normal
from .truncation import temper_lanes
from .uniforms import fill_uniforms

FIRST, UNITS, WEIGHTS, STRIDE, SOURCE, RESIDUAL, ACTIVATION = range(7)  # fields of ``layers``
ZERO = np.int64(0)  # numba compiles a function once more for a literal argument
LOG_PROB, SAMPLING_LOG_PROB = np.int64(0), np.int64(1)  # rows of ``total``
LINEAR, RELU, ELU, TANH, SIGMOID, SOFTPLUS, SILU = range(7)
PADDING = ROWS + 3  # rows that a panel product may write beyond the end of a layer

TILE = 64  # rows of data in a tile of scoring and training
SAMPLING_TILE = 128  # of sampling, where every variable costs the same for few lanes as for many
BLOCK = 24  # variables drawn between two panel products: a multiple of 4, and of ROWS where those are 12 or 6


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
    kind: NamedTuple  # the head once more, as a type: see heads.py


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
    """Inputs of sampling."""

    prefix: np.ndarray  # (n // n_per_row, prefix_length), of the model's float type
    noise: np.ndarray  # float64 (n, n_vars * words): uniforms, or what the heads take
    context: np.ndarray  # (n, n_context), of the model's float type


class Results(NamedTuple):
    """What sampling writes; empty arrays for what was not asked for."""

    values: np.ndarray  # (n, n_vars) codes or reals, columns in the user's order
    log_prob: np.ndarray  # (n,)
    sampling_log_prob: np.ndarray  # (n,)
    undefined: np.ndarray  # bool (n,): rows in which a sum or a value left the range of the float type


class Tile(NamedTuple):
    """Scratch for one tile."""

    state: np.ndarray  # (state rows + head_size, lanes): the last ones for tempered parameters
    values: np.ndarray  # (rows, lanes): codes or reals; the inputs' own rows of the state unless they are one-hot
    noise: np.ndarray  # (BLOCK * words, lanes): of the model's type for Bernoulli heads, float64 for all others
    words: np.ndarray  # uint32 (8, lanes)
    scratch: np.ndarray  # (JOINT + head_size, lanes)
    total: np.ndarray  # float64 (2, lanes): log_prob, sampling_log_prob


@loop
def lanes_for(n, most):
    """Lanes of a tile that holds n rows, ``most`` at most."""
    return min(most, (n + LANES - 1) // LANES * LANES)


@inlined
def noise_words(head):
    """Random numbers per variable."""
    return 2 if head == MIXTURE else 1


def new_noise(kind, like, words, lanes):
    """Zeros of the type in which a head takes its noise; ``like`` is of the model's."""


@overload(new_noise, jit_options=INLINED)
def _choose_new_noise(kind, like, words, lanes):
    if kind.instance_class is BernoulliHead:
        return lambda kind, like, words, lanes: np.zeros((words, lanes), like.dtype)
    return lambda kind, like, words, lanes: np.zeros((words, lanes), np.float64)


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


# Layers -----------------------------------------------------------------------------------------------------------


@inlined
def fill(number, array, row):
    """array[row] = number."""
    for i in range(array.shape[1]):
        array[row, i] = number


@inlined
def places(layers, layer, units, sources, lanes):
    """What ``add_product`` asks for: where the weights are, row of the sources, row of the units, and sizes."""
    at, stride = layers[layer, WEIGHTS], layers[layer, STRIDE]
    own, source = layers[layer, FIRST], layers[layers[layer, SOURCE], FIRST]
    place = at + units[0] * stride + sources[0], stride, np.int64(1)
    depth = sources[1] - sources[0] if stride > 0 else np.int64(0)  # no weights: nothing but a residual
    size = units[1] - units[0], depth, np.int64(lanes)
    return place, source + sources[0], own + units[0], size


@loop
def begin_units(net, layer, begin, end, known, state):
    """Units begin .. end = biases + weights . the first ``known`` sources. Panels have no slow remainder if their rows
    are a multiple of 4: up to 3 units after ``end``, which have not begun yet, are spoilt."""
    biases, weights, layers = net.biases, net.weights, net.layers
    first = layers[layer, FIRST]
    for unit in range(begin, end):
        fill(biases[first + unit], state, first + unit)
    if known > 0 and end > begin:
        units = begin, begin + (end - begin + 3) // 4 * 4
        place, source, own, size = places(layers, layer, units, (np.int64(0), known), state.shape[1])
        add_product(weights, place, state, source, state, own, size)


@inlined
def activate(activation, state, row):
    """state[row] = activation(state[row])."""
    one, zero = state.dtype.type(1), state.dtype.type(0)
    if activation == RELU:
        for i in range(state.shape[1]):
            state[row, i] = zero if state[row, i] < zero else state[row, i]  # NaN stays NaN
    elif activation == ELU:
        for i in range(state.shape[1]):
            x = state[row, i]
            state[row, i] = x if x > zero else exp(zero if x > zero else x) - one
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


@inlined
def finish_units(layers, layer, begin, end, state):
    """Residual and activation of units whose sums are complete."""
    first, residual, activation = layers[layer, FIRST], layers[layer, RESIDUAL], layers[layer, ACTIVATION]
    for unit in range(begin, end):
        if residual >= 0:
            other = layers[residual, FIRST] + unit
            for i in range(state.shape[1]):
                state[first + unit, i] += state[other, i]
        activate(activation, state, first + unit)


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
def add_terms(scratch, total, which):
    """total[which] += scratch[TERM], in float64."""
    for i in range(total.shape[1]):
        total[which, i] += scratch[TERM, i]


@loop
def _score_tile(net, tile, row, n, terms):
    output, first, size = net.layers.shape[0] - 1, first_value(net), net.head_size
    state, values, scratch, total = tile.state, tile.values, tile.scratch, tile.total
    z = net.layers[output, FIRST]
    per_chunk = max(1, ROWS // size)
    fill(0.0, total, LOG_PROB)
    for d in range(net.order.size):
        if d % per_chunk == 0:
            complete_layer(net, output, d * size, min(net.order.size, d + per_chunk) * size, state)
        score_lanes(net.kind, state, z + d * size, values, first + d, scratch)
        add_terms(scratch, total, LOG_PROB)
        if terms.shape[0] > 0:
            source = LARGEST if net.head == AFFINE else TERM
            for i in range(n):
                terms[row + i, net.order[d]] = scratch[source, i]


@kernel
def log_prob_cpu(begin, end, net, x, context, terms, log_prob):
    """log_prob[i] = sum_d log p(x_d | x_<d) of rows begin .. end, and its terms (n, n_vars) unless that has no rows.

    For AFFINE heads the terms are the noise, and log_prob is the log-determinant.
    """
    if end <= begin:
        return
    tile = new_tile(net, lanes_for(end - begin, TILE))
    for row in range(begin, end, TILE):
        n = min(TILE, end - row)
        load_context(net, context, row, n, tile.state)
        load_values(net, x, row, n, tile.values)
        forward(net, tile)
        _score_tile(net, tile, row, n, terms)
        for i in range(n):
            log_prob[row + i] = tile.total[LOG_PROB, i]


# Sampling ---------------------------------------------------------------------------------------------------------


@loop
def _fill_uniforms(net, request, given, tile, row, begin, end):
    """Noise of variables begin .. end as it is: drawn, or copied from what was given."""
    if request.source == PHILOX:
        fill_uniforms(request.key, request.start + uint64(row), begin, tile.words, tile.noise[: end - begin])
    else:
        _copy_noise(given.noise, row, begin, end - begin, tile.noise)


@loop
def _fill_normals(net, request, given, tile, row, begin, end):
    """Standard normal noise; of a mixture's two words the first stays uniform."""
    words = noise_words(net.head)
    first, count = begin * words, (end - begin) * words
    if request.source == PHILOX:
        fill_uniforms(request.key, request.start + uint64(row), first, tile.words, tile.noise[:count])
    else:
        _copy_noise(given.noise, row, first, count, tile.noise)
    if request.source != NOISE:
        for word in range(words - 1, count, words):
            to_normal(tile.noise, word, tile.noise)


@loop
def _copy_noise(noise, row, first, count, out):
    for i in range(min(out.shape[1], noise.shape[0] - row)):
        for word in range(count):
            out[word, i] = noise[row + i, first + word]


def fill_noise(kind, net, request, given, tile, row, begin, end):
    """Noise of variables begin .. end, as the head takes it."""


@overload(fill_noise, jit_options=INLINED)
def _choose_noise(kind, net, request, given, tile, row, begin, end):
    fill = _fill_normals if kind.instance_class in (NormalHead, MixtureHead) else _fill_uniforms
    return lambda kind, net, request, given, tile, row, begin, end: fill(net, request, given, tile, row, begin, end)


@loop
def _begin_tile(net, request, given, tile, row, n):
    """Context, prefix, and the units that depend on no variable."""
    load_context(net, given.context, row, n, tile.state)
    first = first_value(net)
    for i in range(n):
        for d in range(request.prefix_length):
            tile.values[first + d, i] = given.prefix[(row + i) // request.n_per_row, d]
    for layer in range(1, net.layers.shape[0] - 1):
        constant = net.known[layer, 0]
        begin_units(net, layer, ZERO, constant, net.known[net.layers[layer, SOURCE], 0], tile.state)
        finish_units(net.layers, layer, ZERO, constant, tile.state)
    fill(0.0, tile.total, LOG_PROB)
    fill(0.0, tile.total, SAMPLING_LOG_PROB)
    fill(tile.scratch.dtype.type(0), tile.scratch, UNDEFINED)


@loop
def _begin_block(net, begin, end, state):
    """Everything that variables before ``begin`` contribute to units and heads of the block."""
    output = net.layers.shape[0] - 1
    for layer in range(1, output + 1):
        first, last = net.known[layer, begin], net.known[layer, end]
        if layer == output:
            first, last = begin * net.head_size, end * net.head_size
        begin_units(net, layer, first, last, net.known[net.layers[layer, SOURCE], begin], state)


@inlined
def _temper(kind, request, state, z, scratch):
    """Row where the parameters begin that draw from what rows z say, tempered and truncated if so asked."""
    if not request.truncated:
        return z
    own = state.shape[0] - kind.size
    temper_lanes(kind, state, z, (request.temperature, request.top_k, request.top_p), own, scratch)
    return own


@inlined
def _score_variable(kind, state, z, at, values, v, scratch, total):
    """Adds log-probabilities of value row v: the model's own by rows z, and by rows ``at`` if those drew it."""
    score_lanes(kind, state, z, values, v, scratch)
    add_terms(scratch, total, LOG_PROB)
    if at != z:
        score_lanes(kind, state, at, values, v, scratch)
        add_terms(scratch, total, SAMPLING_LOG_PROB)


@loop
def _sample_block(net, request, tile, begin, end):
    """Variables begin .. end, whose sums hold everything from before the block. Arrays are taken out of their tuples
    before the loop: inside it each would be counted as one more reference, atomically."""
    wide_vectors()
    weights, layers, known = net.weights, net.layers, net.known
    state, values, noise, scratch, total = tile.state, tile.values, tile.noise, tile.scratch, tile.total
    output, kind, words = layers.shape[0] - 1, net.kind, noise_words(net.head)
    source, size, value = layers[output, SOURCE], net.head_size, first_value(net)
    heads = layers[output, FIRST]
    for d in range(begin, end):
        if known[source, d] > known[source, begin]:
            recent = known[source, begin], known[source, d]
            place, x, c, sizes = places(layers, output, (d * size, (d + 1) * size), recent, state.shape[1])
            add_rows(weights, place, state, x, state, c, sizes)
        z = heads + d * size
        at = z
        if d >= request.prefix_length:
            at = _temper(kind, request, state, z, scratch)
            draw_lanes(kind, state, at, noise, (d - begin) * words, values, value + d, scratch)
        if request.scored:
            _score_variable(kind, state, z, at, values, value + d, scratch, total)
        if net.n_states > 1:
            encode(net, d, values, state)
        for layer in range(1, output):
            first, last = known[layer, d], known[layer, d + 1]
            if last > first:
                recent = known[layers[layer, SOURCE], begin], known[layers[layer, SOURCE], d + 1]
                place, x, c, sizes = places(layers, layer, (first, last), recent, state.shape[1])
                add_rows(weights, place, state, x, state, c, sizes)
                finish_units(layers, layer, first, last, state)


@loop
def _store_tile(net, request, tile, row, n, results):
    first, order, values, out = first_value(net), net.order, tile.values, results.values
    for d in range(order.size):
        column = uint64(order[d])
        for i in range(n):
            out[row + i, column] = values[first + d, i]
    for i in range(n):
        results.undefined[row + i] = tile.scratch[UNDEFINED, i] != 0
    if request.scored:
        for i in range(n):
            results.log_prob[row + i] = tile.total[LOG_PROB, i]
            if request.truncated:
                results.sampling_log_prob[row + i] = tile.total[SAMPLING_LOG_PROB, i]


@kernel
def sample_cpu(begin, end, net, request, given, results):
    """Draw rows begin .. end."""
    if end <= begin:
        return
    tile = new_tile(net, lanes_for(end - begin, SAMPLING_TILE))
    for row in range(begin, end, SAMPLING_TILE):
        n = min(SAMPLING_TILE, end - row)
        _begin_tile(net, request, given, tile, row, n)
        for block in range(0, net.order.size, BLOCK):
            last = min(block + BLOCK, net.order.size)
            _begin_block(net, block, last, tile.state)
            if last > request.prefix_length:
                fill_noise(net.kind, net, request, given, tile, row, block, last)
            _sample_block(net, request, tile, block, last)
        _store_tile(net, request, tile, row, n, results)
