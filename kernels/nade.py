"""NADE on binary rows (Larochelle and Murray 2011): log_prob and ancestral sampling.

    p(x_d = 1 | x_<d) = sigmoid(z_d),   z_d = b_d + V_d . h_d,   h_d = activation(c + sum_{i < d} W_i x_i)

Only a variable that is 1 moves the hidden units, and the sigmoid needs no exponential: with E = exp(-a) kept instead
of the pre-activation a, a step is E <- E exp(-W_d), h = 1 / (1 + E). A row whose E leaves the comfortable range of
the float type (|a| above 80 in float32) is done again with a itself; the row alone decides that. Every dot product
adds in one fixed order, so the same row gives the same bits in any batch.

Hidden units are padded to a multiple of ``PAD`` with zero weights. Weights are in the user's order of variables;
``order[d]`` is the variable at position d. Rows go by tiles of NADE_TILE; S is the padded number of hidden units.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint64

from .activations import SIGMOID, relu, sigmoid
from .bernoulli import bit_log_prob, draw_bit, draw_likely_bit, likely_bit_log_prob
from .elementary import exp
from .jit import kernel, loop
from .nade_units import activate_exp, add_row, dot, multiply_state
from .uniforms import fill_uniforms

NADE_TILE = 16  # rows that share a variable's weights while those are in the first-level cache

# A mode beside SIGMOID and RELU. There the state of a unit is its pre-activation a, and a variable that is 1 adds W to
# it; here it is exp(-a), and is multiplied by exp(-W).
SIGMOID_BY_EXP = -1
NEVER_SURE = 2.0  # above every probability


class NADEPlan(NamedTuple):
    """Parameters as the loops read them; S hidden units after padding."""

    mode: int  # SIGMOID_BY_EXP, SIGMOID or RELU
    order: np.ndarray  # int64 (n_vars,)
    W: np.ndarray  # (n_vars, S)
    V: np.ndarray  # (n_vars, S)
    b: np.ndarray  # (n_vars,)
    c: np.ndarray  # (S,)
    factor: np.ndarray  # (n_vars, S): exp(-W); the same array as W where the mode is not SIGMOID_BY_EXP
    first: np.ndarray  # (S,): exp(-c), or c


class NADERule(NamedTuple):
    """What bits are drawn by, of the type of the weights."""

    temperature: float
    sure: float  # a state of at least this probability is taken without chance; NEVER_SURE: all are drawn


class NADEDraw(NamedTuple):
    """What one call of ``sample`` asks for; the floats are of the type of the weights."""

    key: int  # uint64
    start: int  # uint64: global number of row 0
    temperature: float
    sure: float  # a state of at least this probability is taken without chance; NEVER_SURE: all are drawn
    prefix: np.ndarray  # uint8 (rows, k): the first k positions
    n_per_row: int
    uniforms: np.ndarray  # (n, n_vars), used instead of Philox; or no rows
    want_log_prob: bool


class _Tile(NamedTuple):
    """Scratch of one tile of rows; positions are in the model's order."""

    state: np.ndarray  # (NADE_TILE, S)
    hidden: np.ndarray  # (NADE_TILE, S)
    x: np.ndarray  # uint8 (n_vars, NADE_TILE)
    z: np.ndarray  # (n_vars, NADE_TILE): logits
    numbers: np.ndarray  # (n_vars, NADE_TILE): uniforms, then terms of log p
    words: np.ndarray  # uint32 (8, NADE_TILE)
    rows: np.ndarray  # int64 (NADE_TILE,): the rows still to do
    comfortable: np.ndarray  # bool (NADE_TILE,)


# --- loops ---


@loop
def activate(mode, state, i, hidden, j):
    """hidden[j] = activation of the pre-activation that state[i] stands for."""
    if mode == SIGMOID_BY_EXP:
        activate_exp(state, i, hidden, j)
        return
    source, target = state[i], hidden[j]
    if mode == SIGMOID:
        for unit in range(source.shape[0]):
            target[unit] = sigmoid(source[unit])
    else:
        for unit in range(source.shape[0]):
            target[unit] = relu(source[unit])


@loop
def advance(mode, change, variable, state, i, hidden, j):
    """state[i] and hidden[j] after a variable that is 1; returns whether the state stayed in the comfortable range."""
    if mode == SIGMOID_BY_EXP:
        return multiply_state(state, i, change, variable, hidden, j)
    add_row(state, i, change, variable)
    activate(mode, state, i, hidden, j)
    return True


@loop
def _allocate(plan):
    n_vars, units = plan.W.shape
    dtype = plan.W.dtype
    return _Tile(
        np.empty((NADE_TILE, units), dtype),
        np.empty((NADE_TILE, units), dtype),
        np.empty((n_vars, NADE_TILE), np.uint8),
        np.zeros((n_vars, NADE_TILE), dtype),
        np.empty((n_vars, NADE_TILE), dtype),
        np.empty((8, NADE_TILE), np.uint32),
        np.empty(NADE_TILE, np.int64),
        np.empty(NADE_TILE, np.bool_),
    )


@loop
def _draw_bits(z, uniforms, d, rule, x):
    """x[d] of the whole tile; rows that are done draw the same again."""
    if rule.sure > 1:
        for i in range(NADE_TILE):
            x[d, i] = draw_bit(z[d, i] / rule.temperature, uniforms[d, i])
    else:
        for i in range(NADE_TILE):
            x[d, i] = draw_likely_bit(z[d, i] / rule.temperature, uniforms[d, i], rule.sure)


@loop
def _walk(plan, mode, n, n_given, first_logit, rule, tile):
    """Take tile.rows through all positions: logits from ``first_logit`` on, bits drawn from ``n_given`` on."""
    state, hidden, x, z, rows, uniforms = tile.state, tile.hidden, tile.x, tile.z, tile.rows, tile.numbers
    order, V, b = plan.order, plan.V, plan.b
    change, first = (plan.factor, plan.first) if mode == plan.mode else (plan.W, plan.c)
    for k in range(n):
        state[rows[k]] = first
        activate(mode, state, rows[k], hidden, rows[k])
    for d in range(order.shape[0]):
        variable = order[d]
        if d >= first_logit:
            for k in range(n):
                z[d, rows[k]] = b[variable] + dot(V, variable, hidden, rows[k])
        if d >= n_given:
            _draw_bits(z, uniforms, d, rule, x)
        for k in range(n):
            i = rows[k]
            if x[d, i] and not advance(mode, change, variable, state, i, hidden, i):
                tile.comfortable[i] = False


@loop
def _walk_all(plan, n, n_given, first_logit, rule, tile):
    """All n rows of a tile; those that left the comfortable range once more, with plain sums."""
    mode = plan.mode
    for i in range(n):
        tile.rows[i] = i
    while n:
        tile.comfortable[:] = True
        _walk(plan, mode, n, n_given, first_logit, rule, tile)
        left = 0
        for k in range(n):
            if not tile.comfortable[tile.rows[k]]:
                tile.rows[left] = tile.rows[k]
                left += 1
        mode, n = SIGMOID, left


@loop
def _sum_positions(terms, begin, totals):
    """totals = the sums of the terms from position ``begin`` on, in order."""
    totals[:] = 0.0
    for d in range(begin, terms.shape[0]):
        for i in range(NADE_TILE):
            totals[i] += terms[d, i]


@loop
def _sum_log_prob(tile, totals):
    """totals = log p of the tile's rows, whose terms stay in tile.numbers."""
    x, z, terms = tile.x.reshape(-1), tile.z.reshape(-1), tile.numbers.reshape(-1)
    for j in range(x.shape[0]):
        terms[j] = bit_log_prob(x[j], z[j])
    _sum_positions(tile.numbers, 0, totals)


@loop
def _sum_drawn_log_prob(tile, n_given, rule, totals):
    """As ``_sum_log_prob``, of the drawn positions under what they were drawn from."""
    x, z, terms = tile.x.reshape(-1), tile.z.reshape(-1), tile.numbers.reshape(-1)
    for j in range(x.shape[0]):
        terms[j] = likely_bit_log_prob(x[j], z[j] / rule.temperature, rule.sure)
    _sum_positions(tile.numbers, n_given, totals)


@loop
def _mark_undefined(tile, row, n, first_logit, temperature, undefined):
    """Whether a tempered logit is NaN, which would draw 0."""
    undefined[row : row + n] = False
    for d in range(first_logit, tile.z.shape[0]):
        for i in range(n):
            t = tile.z[d, i] / temperature
            undefined[row + i] |= t != t


@loop
def _fill_tile_uniforms(draw, row, n, tile):
    """The uniforms of rows ``row`` to ``row + n``."""
    if draw.uniforms.shape[0]:
        for i in range(n):
            tile.numbers[:, i] = draw.uniforms[row + i]
    else:
        fill_uniforms(draw.key, draw.start + uint64(row), 0, tile.words, tile.numbers)


@kernel
def nade_log_prob_cpu(begin, end, plan, x, scores):
    """log_prob of rows [begin, end) of x (n, n_vars), uint8, and its terms if asked for."""
    tile, totals = _allocate(plan), np.empty(NADE_TILE)
    one = plan.W.dtype.type(1)
    n_vars, log_prob, terms = plan.order.shape[0], scores.log_prob, scores.terms
    for row in range(begin, end, NADE_TILE):
        n = min(NADE_TILE, end - row)
        for i in range(n):
            for d in range(n_vars):
                tile.x[d, i] = x[row + i, plan.order[d]]
        _walk_all(plan, n, n_vars, 0, NADERule(one, one), tile)  # all is given, nothing is drawn
        _sum_log_prob(tile, totals)
        for i in range(n):
            log_prob[row + i] = totals[i]
            if terms.shape[0]:
                for d in range(n_vars):
                    terms[row + i, plan.order[d]] = tile.numbers[d, i]


@kernel
def nade_sample_cpu(begin, end, plan, draw, draws):
    """Draw rows [begin, end) of draws.values (n, n_vars), uint8; log-probabilities where ``draw`` wants them."""
    tile, totals = _allocate(plan), np.empty(NADE_TILE)
    n_vars, n_given, values = plan.order.shape[0], draw.prefix.shape[1], draws.values
    first_logit = 0 if draw.want_log_prob else n_given
    rule = NADERule(draw.temperature, draw.sure)
    for row in range(begin, end, NADE_TILE):
        n = min(NADE_TILE, end - row)
        _fill_tile_uniforms(draw, row, n, tile)
        for i in range(n):
            for d in range(n_given):
                tile.x[d, i] = draw.prefix[(row + i) // draw.n_per_row, d]
        _walk_all(plan, n, n_given, first_logit, rule, tile)
        _mark_undefined(tile, row, n, n_given, draw.temperature, draws.undefined)
        for i in range(n):
            for d in range(n_vars):
                values[row + i, plan.order[d]] = tile.x[d, i]
        if draw.want_log_prob:
            _sum_log_prob(tile, totals)
            draws.log_prob[row : row + n] = totals[:n]
            _sum_drawn_log_prob(tile, n_given, rule, totals)
            draws.sampling_log_prob[row : row + n] = totals[:n]


@kernel
def nade_factor_cpu(begin, end, weight, factor):
    """factor = exp(-weight) for entries [begin, end) of flat arrays."""
    source, target = weight[begin:end], factor[begin:end]
    for i in range(source.shape[0]):
        target[i] = exp(-source[i])
