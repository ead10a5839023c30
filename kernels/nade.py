"""NADE on binary rows (Larochelle and Murray 2011): log_prob and ancestral sampling.

    p(x_d = 1 | x_<d) = sigmoid(z_d),   z_d = b_d + V_d . h_d,   h_d = activation(c + sum_{i < d} W_i x_i)

Only a variable that is 1 moves the hidden units, and the sigmoid needs no exponential: with E = exp(-a) kept instead
of the pre-activation a, a step is E <- E exp(-W_d), h = 1 / (1 + E). A row whose E leaves the comfortable range of
the float type (|a| above 80 in float32) is done again with a itself; the row alone decides that. Every dot product
adds in one fixed order, so the same row gives the same bits in any batch.

Hidden units are padded to a multiple of ``PAD`` with zero weights. Weights are in the user's order of variables;
``order[d]`` is the variable at position d.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint64

from .functions import exp, sigmoid, softplus
from .jit import kernel, loop, scalar
from .nade_units import activate_exp, dot, multiply_state
from .uniforms import fill_uniforms

TILE = 8  # rows that share a variable's weights while those are in the first-level cache

SIGMOID_BY_EXP = 0  # the state of a unit is exp(-a), a variable that is 1 multiplies it by exp(-W)
SIGMOID = 1  # the state is a, a variable that is 1 adds W
RELU = 2
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

    state: np.ndarray  # (TILE, S)
    hidden: np.ndarray  # (TILE, S)
    x: np.ndarray  # uint8 (n_vars, TILE)
    z: np.ndarray  # (n_vars, TILE): logits
    uniforms: np.ndarray  # (n_vars, TILE)
    words: np.ndarray  # uint32 (8, TILE)
    rows: np.ndarray  # int64 (TILE,): the rows still to do
    comfortable: np.ndarray  # bool (TILE,)


# --- formulas ---


@scalar
def draw_bit(z, u, rule):
    """By rule = (temperature, sure): whether u < sigmoid(z / temperature); or the more probable state, where it is as probable as ``sure``."""
    temperature, sure = rule
    one, t = type(z)(1), z / temperature
    if one >= sure * (one + exp(-abs(t))):
        return t > type(z)(0)
    return u * (one + exp(-t)) < one


@scalar
def bit_log_prob(x, z):
    """log p of a bit of logit z."""
    return (z if x else type(z)(0)) - softplus(z)


@scalar
def drawn_log_prob(x, z, rule):
    """log p of a bit that ``draw_bit`` drew."""
    temperature, sure = rule
    one, t = type(z)(1), z / temperature
    return type(z)(0) if one >= sure * (one + exp(-abs(t))) else bit_log_prob(x, t)


# --- loops ---


@loop
def add_state(state, weight):
    """state += weight"""
    for j in range(state.shape[0]):
        state[j] += weight[j]


@loop
def activate(mode, state, hidden):
    """hidden = activation of the pre-activation that the state stands for."""
    zero = state.dtype.type(0)
    if mode == SIGMOID_BY_EXP:
        activate_exp(state, hidden)
    elif mode == SIGMOID:
        for j in range(state.shape[0]):
            hidden[j] = sigmoid(state[j])
    else:
        for j in range(state.shape[0]):
            hidden[j] = state[j] if state[j] > zero else zero


@loop
def advance(plan, mode, variable, state, hidden):
    """State and hidden units after a variable that is 1; returns whether the state stayed in the comfortable range."""
    if mode == SIGMOID_BY_EXP:
        return multiply_state(state, plan.factor[variable], hidden)
    add_state(state, plan.W[variable])
    activate(mode, state, hidden)
    return True


@loop
def _allocate(plan):
    n_vars, units = plan.W.shape
    dtype = plan.W.dtype
    return _Tile(
        np.empty((TILE, units), dtype),
        np.empty((TILE, units), dtype),
        np.empty((n_vars, TILE), np.uint8),
        np.zeros((n_vars, TILE), dtype),
        np.empty((n_vars, TILE), dtype),
        np.empty((8, TILE), np.uint32),
        np.empty(TILE, np.int64),
        np.empty(TILE, np.bool_),
    )


@loop
def _draw_bits(z, uniforms, rule, x):
    for i in range(TILE):
        x[i] = draw_bit(z[i], uniforms[i], rule)


@loop
def _walk(plan, mode, n, n_given, first_logit, rule, tile):
    """Take tile.rows through all positions: logits from ``first_logit`` on, bits drawn from ``n_given`` on."""
    for k in range(n):
        i = tile.rows[k]
        tile.state[i] = plan.first if mode == plan.mode else plan.c
        activate(mode, tile.state[i], tile.hidden[i])
    for d in range(plan.order.shape[0]):
        variable = plan.order[d]
        if d >= first_logit:
            for k in range(n):
                i = tile.rows[k]
                tile.z[d, i] = plan.b[variable] + dot(plan.V[variable], tile.hidden[i])
        if d >= n_given:
            _draw_bits(tile.z[d], tile.uniforms[d], rule, tile.x[d])
        for k in range(n):
            i = tile.rows[k]
            if tile.x[d, i]:
                tile.comfortable[i] &= advance(plan, mode, variable, tile.state[i], tile.hidden[i])


@loop
def _walk_all(plan, n, n_given, first_logit, rule, tile):
    """All n rows of a tile; those that left the comfortable range once more, with plain sums."""
    for i in range(n):
        tile.rows[i] = i
        tile.comfortable[i] = True
    _walk(plan, plan.mode, n, n_given, first_logit, rule, tile)
    left = 0
    for i in range(n):
        if not tile.comfortable[i]:
            tile.rows[left] = i
            left += 1
    if left:
        _walk(plan, SIGMOID, left, n_given, first_logit, rule, tile)


@loop
def _sum_log_prob(tile, totals):
    totals[:] = 0.0
    for d in range(tile.x.shape[0]):
        x, z = tile.x[d], tile.z[d]
        for i in range(TILE):
            totals[i] += bit_log_prob(x[i], z[i])


@loop
def _sum_drawn_log_prob(tile, n_given, rule, totals):
    totals[:] = 0.0
    for d in range(n_given, tile.x.shape[0]):
        x, z = tile.x[d], tile.z[d]
        for i in range(TILE):
            totals[i] += drawn_log_prob(x[i], z[i], rule)


@loop
def _fill_tile_uniforms(draw, row, n, tile):
    """The uniforms of rows ``row`` to ``row + n``."""
    if draw.uniforms.shape[0]:
        for i in range(n):
            tile.uniforms[:, i] = draw.uniforms[row + i]
    else:
        fill_uniforms(draw.key, draw.start + uint64(row), 0, tile.words, tile.uniforms)


@kernel
def nade_log_prob_cpu(begin, end, plan, x, log_prob, terms):
    """log_prob (n,) of rows [begin, end) of x (n, n_vars), uint8; and ``terms`` (n, n_vars) unless it has no rows."""
    tile, totals = _allocate(plan), np.empty(TILE)
    one = plan.W.dtype.type(1)
    n_vars = plan.order.shape[0]
    for row in range(begin, end, TILE):
        n = min(TILE, end - row)
        for i in range(n):
            for d in range(n_vars):
                tile.x[d, i] = x[row + i, plan.order[d]]
        _walk_all(plan, n, n_vars, 0, (one, one), tile)  # all is given, nothing is drawn
        _sum_log_prob(tile, totals)
        for i in range(n):
            log_prob[row + i] = totals[i]
            if terms.shape[0]:
                for d in range(n_vars):
                    terms[row + i, plan.order[d]] = bit_log_prob(tile.x[d, i], tile.z[d, i])


@kernel
def nade_sample_cpu(begin, end, plan, draw, x, log_prob, sampling_log_prob):
    """Draw rows [begin, end) of x (n, n_vars), uint8; where ``draw`` wants log-probabilities, (n,) each, these too."""
    tile, totals = _allocate(plan), np.empty(TILE)
    n_vars, n_given = plan.order.shape[0], draw.prefix.shape[1]
    first_logit = 0 if draw.want_log_prob else n_given
    rule = draw.temperature, draw.sure
    for row in range(begin, end, TILE):
        n = min(TILE, end - row)
        _fill_tile_uniforms(draw, row, n, tile)
        for i in range(n):
            for d in range(n_given):
                tile.x[d, i] = draw.prefix[(row + i) // draw.n_per_row, d]
        _walk_all(plan, n, n_given, first_logit, rule, tile)
        for i in range(n):
            for d in range(n_vars):
                x[row + i, plan.order[d]] = tile.x[d, i]
        if draw.want_log_prob:
            _sum_log_prob(tile, totals)
            log_prob[row : row + n] = totals[:n]
            _sum_drawn_log_prob(tile, n_given, rule, totals)
            sampling_log_prob[row : row + n] = totals[:n]


@kernel
def nade_factor_cpu(begin, end, weight, factor):
    """factor = exp(-weight) for entries [begin, end) of flat arrays."""
    source, target = weight[begin:end], factor[begin:end]
    for i in range(source.shape[0]):
        target[i] = exp(-source[i])
