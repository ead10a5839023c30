"""Ancestral sampling from masked networks, block by block of variables; see made.py for the trick.

    begin block   units and heads of the block = biases + weights . everything known before the block, as panels
    variable d    its head += what became known inside the block; draw; its hidden units likewise, then activate them

Rows are tiles of SAMPLING_TILE lanes, and depend on neither tiles nor blocks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint64
from numba.extending import overload

from .head_scratch import UNDEFINED
from .heads import MixtureHead, NormalHead, draw_lanes, noise_words, score_lanes, temper_lanes
from .jit import INLINED, inlined, kernel, loop, wide_vectors
from .made import (
    BLOCK,
    FIRST,
    LOG_PROB,
    SAMPLING_LOG_PROB,
    SOURCE,
    ZERO,
    add_terms,
    begin_units,
    encode,
    fill,
    finish_units,
    first_value,
    lanes_for,
    layer_of,
    load_context,
    new_tile,
    product_of,
)
from .normal import fill_normals, normal_quantile, to_normal
from .products import add_rows
from .truncation import Rule
from .uniforms import fill_uniforms

SAMPLING_TILE = 128  # rows of data in a tile: every variable costs the same for few lanes as for many
PHILOX, UNIFORMS, NOISE = range(3)  # sources of randomness


class Request(NamedTuple):
    """What to sample."""

    key: int
    start: int  # global number of row 0
    first_word: int  # of a row's random words, that of position 0: a multiple of 4
    prefix_length: int
    n_per_row: int
    temperature: float
    top_k: int  # 0: all
    top_p: float
    truncated: bool
    scored: bool
    source: int  # of randomness: PHILOX, UNIFORMS or NOISE


class Given(NamedTuple):
    """Inputs of sampling."""

    prefix: np.ndarray  # (n // n_per_row, prefix_length), of the model's float type
    noise: np.ndarray  # float64 (n, n_vars * words): uniforms, or what the heads take
    context: np.ndarray  # (n, n_context), of the model's float type


# Noise ------------------------------------------------------------------------------------------------------------


@loop
def _fill_uniforms(net, request, given, tile, row, begin, end):
    """Noise of variables begin .. end as it is: drawn, or copied from what was given."""
    if request.source == PHILOX:
        first = request.first_word + begin
        fill_uniforms(request.key, request.start + uint64(row), first, tile.words, tile.noise[: end - begin])
    else:
        _copy_noise(given.noise, row, begin, end - begin, tile.noise)


@loop
def _fill_normals(net, request, given, tile, row, begin, end):
    """Standard normal noise, drawn or of uniforms that were given."""
    out = tile.noise[: end - begin]
    if request.source == PHILOX:
        fill_normals(request.key, request.start + uint64(row), request.first_word + begin, tile.words, out)
    else:
        for i in range(min(out.shape[1], given.noise.shape[0] - row)):
            for d in range(end - begin):
                out[d, i] = normal_quantile(given.noise[row + i, begin + d])


@loop
def _fill_pairs(net, request, given, tile, row, begin, end):
    """A uniform and a standard normal for every variable, both of float64 uniforms."""
    first, count = 2 * begin, 2 * (end - begin)
    if request.source == PHILOX:
        own = request.first_word + first
        fill_uniforms(request.key, request.start + uint64(row), own, tile.words, tile.noise[:count])
    else:
        _copy_noise(given.noise, row, first, count, tile.noise)
    for word in range(1, count, 2):
        to_normal(tile.noise, word, tile.noise)


@loop
def _copy_noise(noise, row, first, count, out):
    for i in range(min(out.shape[1], noise.shape[0] - row)):
        for word in range(count):
            out[word, i] = noise[row + i, first + word]


NOISE_OF = {NormalHead: _fill_normals, MixtureHead: _fill_pairs}  # all other heads draw by uniforms


def fill_noise(kind, net, request, given, tile, row, begin, end):
    """Noise of variables begin .. end, as the head takes it."""


@overload(fill_noise, jit_options=INLINED)
def _choose_noise(kind, net, request, given, tile, row, begin, end):
    fill = NOISE_OF.get(kind.instance_class, _fill_uniforms)
    return lambda kind, net, request, given, tile, row, begin, end: fill(net, request, given, tile, row, begin, end)


# Blocks -----------------------------------------------------------------------------------------------------------


@loop
def load_prefix(net, request, given, row, n, values):
    """The first ``prefix_length`` variables of n rows."""
    first = first_value(net)
    for i in range(n):
        for d in range(request.prefix_length):
            values[first + d, i] = given.prefix[(row + i) // request.n_per_row, d]


@loop
def _begin_tile(net, request, given, tile, row, n):
    """Context, prefix, and the units that depend on no variable."""
    load_context(net, given.context, row, n, tile.state)
    load_prefix(net, request, given, row, n, tile.values)
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
def temper(kind, request, state, z, scratch):
    """Row where the parameters begin that draw from what rows z say, tempered and truncated if so asked."""
    if not request.truncated:
        return z
    own = state.shape[0] - kind.size
    temper_lanes(kind, state, z, Rule(request.temperature, request.top_k, request.top_p), own, scratch)
    return own


@inlined
def score_variable(kind, state, z, at, values, v, scratch, total):
    """Adds log-probabilities of value row v: the model's own by rows z, and by rows ``at`` if those drew it."""
    score_lanes(kind, state, z, values, v, scratch)
    add_terms(scratch, total, LOG_PROB)
    if at != z:
        score_lanes(kind, state, at, values, v, scratch)
        add_terms(scratch, total, SAMPLING_LOG_PROB)


# Variables --------------------------------------------------------------------------------------------------------


@inlined
def _add_recent(weights, own, source_row, units, sources, state):
    """Units begin .. end of a layer += weights . those sources begin .. end that became known inside the block."""
    matrix, x, c, size = product_of(own, source_row, units, sources, state.shape[1])
    add_rows(weights, matrix, state, x, state, c, size)


@inlined
def _finish_head(weights, layers, known, begin, d, size, state):
    """The parameters of the variable at position d, of a block from ``begin`` on, are final."""
    own = layer_of(layers, layers.shape[0] - 1)
    recent = known[own.source, begin], known[own.source, d]
    if recent[1] > recent[0]:
        _add_recent(weights, own, layers[own.source, FIRST], (d * size, (d + 1) * size), recent, state)


@inlined
def _finish_hidden(weights, layers, known, begin, d, state):
    """Hidden units that are final once the variable at position d is known."""
    for number in range(1, layers.shape[0] - 1):
        first, last = known[number, d], known[number, d + 1]
        if last > first:
            own = layer_of(layers, number)
            recent = known[own.source, begin], known[own.source, d + 1]
            _add_recent(weights, own, layers[own.source, FIRST], (first, last), recent, state)
            finish_units(layers, number, first, last, state)


@loop
def _sample_block(net, request, tile, begin, end):
    """Variables begin .. end, whose sums hold everything from before the block."""
    wide_vectors()
    weights, layers, known = net.weights, net.layers, net.known
    state, values, noise, scratch, total = tile.state, tile.values, tile.noise, tile.scratch, tile.total
    output, kind, words = layers.shape[0] - 1, net.kind, noise_words(net.head)
    size, first = net.head_size, first_value(net)
    heads = layers[output, FIRST]
    for d in range(begin, end):
        _finish_head(weights, layers, known, begin, d, size, state)
        z = heads + d * size
        at = z
        if d >= request.prefix_length:
            at = temper(kind, request, state, z, scratch)
            draw_lanes(kind, state, at, noise, (d - begin) * words, values, first + d, scratch)
        if request.scored:
            score_variable(kind, state, z, at, values, first + d, scratch, total)
        if net.n_states > 1:
            encode(net, d, values, state)
        _finish_hidden(weights, layers, known, begin, d, state)


@loop
def store_tile(net, request, tile, row, n, draws):
    """Values, log-probabilities and what is undefined of the n rows from ``row`` on."""
    first, order, values, out = first_value(net), net.order, tile.values, draws.values
    for d in range(order.size):
        column = uint64(order[d])
        for i in range(n):
            out[row + i, column] = values[first + d, i]
    for i in range(n):
        draws.undefined[row + i] = tile.scratch[UNDEFINED, i] != 0
    if request.scored:
        for i in range(n):
            draws.log_prob[row + i] = tile.total[LOG_PROB, i]
            if request.truncated:
                draws.sampling_log_prob[row + i] = tile.total[SAMPLING_LOG_PROB, i]


@kernel
def sample_cpu(begin, end, net, request, given, draws):
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
        store_tile(net, request, tile, row, n, draws)
