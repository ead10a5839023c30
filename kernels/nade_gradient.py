"""The gradient of NADE's log_prob, row by row backwards through the positions.

With g_d = w (x_d - p_d), the gradient of w log p(x) by the logit z_d, and h constant from one 1 to the next:

    db_d += g_d,   dV_d += g_d h,   dh += g_d V_d,   and at a 1:   da += dh activation'(a), dh = 0, dW_d += da

The forward pass keeps each row's hidden units at every 1, so backwards nothing is computed twice or undone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .activations import RELU, SIGMOID
from .bernoulli import bit_log_prob, bit_slope
from .jit import kernel, loop
from .nade import NADE_TILE, activate, advance
from .nade_units import add_outer, add_row, dot


class NADEGradient(NamedTuple):
    """Sums that a thread adds to, in the shapes of the plan's parameters."""

    W: np.ndarray
    V: np.ndarray
    b: np.ndarray
    c: np.ndarray


class _Tile(NamedTuple):
    """Scratch of one tile of rows; positions are in the model's order."""

    state: np.ndarray  # (NADE_TILE, S)
    hidden: np.ndarray  # (NADE_TILE * levels, S): by row, the units before the first 1, after it, after the second, ...
    level: np.ndarray  # int64 (NADE_TILE,): the row of ``hidden`` that each row of the tile has come to
    x: np.ndarray  # uint8 (NADE_TILE, n_vars)
    z: np.ndarray  # (NADE_TILE, n_vars): logits, then their gradients
    d_hidden: np.ndarray  # (NADE_TILE, S)
    d_state: np.ndarray  # (NADE_TILE, S)


@loop
def _levels(x, begin, end):
    """One more than the largest number of ones in a row."""
    most = 0
    for i in range(begin, end):
        ones = 0
        for d in range(x.shape[1]):
            ones += x[i, d] != 0
        most = max(most, ones)
    return most + 1


@loop
def _load_rows(x, row, n, order, tile):
    """tile.x = rows ``row`` .. ``row + n`` by position. A row that another thread has changed since its ones were
    counted keeps only as many as there are levels of hidden units for."""
    room = tile.hidden.shape[0] // NADE_TILE - 1
    for i in range(n):
        ones = 0
        for d in range(order.shape[0]):
            bit = x[row + i, order[d]] != 0 and ones < room
            tile.x[i, d] = bit
            ones += bit


@loop
def _allocate(plan, levels):
    n_vars, units = plan.W.shape
    dtype = plan.W.dtype
    return _Tile(
        np.empty((NADE_TILE, units), dtype),
        np.empty((NADE_TILE * levels, units), dtype),
        np.empty(NADE_TILE, np.int64),
        np.empty((NADE_TILE, n_vars), np.uint8),
        np.empty((NADE_TILE, n_vars), dtype),
        np.empty((NADE_TILE, units), dtype),
        np.empty((NADE_TILE, units), dtype),
    )


@loop
def _forward(plan, mode, begin, end, tile, comfortable):
    """Logits and hidden units of rows [begin, end) of the tile."""
    state, hidden, level, x, z = tile.state, tile.hidden, tile.level, tile.x, tile.z
    order, V, b = plan.order, plan.V, plan.b
    change, first = (plan.factor, plan.first) if mode == plan.mode else (plan.W, plan.c)
    for i in range(begin, end):
        level[i] = i * (hidden.shape[0] // NADE_TILE)
        state[i] = first
        activate(mode, state, i, hidden, level[i])
    for d in range(order.shape[0]):
        variable = order[d]
        for i in range(begin, end):
            z[i, d] = b[variable] + dot(V, variable, hidden, level[i])
            if x[i, d]:
                level[i] += 1
                if not advance(mode, change, variable, state, i, hidden, level[i]):
                    comfortable[i] = False


@loop
def _forward_all(plan, n, tile):
    comfortable = np.ones(NADE_TILE, np.bool_)
    _forward(plan, plan.mode, 0, n, tile, comfortable)
    for i in range(n):
        if not comfortable[i]:
            _forward(plan, SIGMOID, i, i + 1, tile, comfortable)


@loop
def _score(x, z, weight, terms):
    """Turns logits z into weight times the gradients by them; returns the sum of log p."""
    for d in range(x.shape[0]):
        terms[d] = bit_log_prob(x[d], z[d])
    for d in range(x.shape[0]):
        z[d] = weight * bit_slope(x[d], z[d])
    total = 0.0
    for d in range(x.shape[0]):
        total += terms[d]
    return total


@loop
def _through_activation(mode, hidden, d_hidden, d_state):
    """d_state += d_hidden activation'; d_hidden = 0."""
    zero, one = hidden.dtype.type(0), hidden.dtype.type(1)
    if mode == RELU:
        for j in range(hidden.shape[0]):
            d_state[j] += d_hidden[j] if hidden[j] > zero else zero
            d_hidden[j] = zero
    else:
        for j in range(hidden.shape[0]):
            d_state[j] += d_hidden[j] * hidden[j] * (one - hidden[j])
            d_hidden[j] = zero


@loop
def _backward(plan, n, tile, total):
    """Add the gradients of the tile's first n rows to ``total``; tile.z holds the gradients by the logits."""
    hidden, level, x, z, d_hidden, d_state = tile.hidden, tile.level, tile.x, tile.z, tile.d_hidden, tile.d_state
    order, V, for_W, for_V, for_b = plan.order, plan.V, total.W, total.V, total.b
    d_hidden[:n] = 0
    d_state[:n] = 0
    for d in range(order.shape[0] - 1, -1, -1):
        variable = order[d]
        for i in range(n):
            if x[i, d]:
                _through_activation(plan.mode, hidden[level[i]], d_hidden[i], d_state[i])
                add_row(for_W, variable, d_state, i)
                level[i] -= 1
            for_b[variable] += z[i, d]
            add_outer(V, for_V, variable, hidden, level[i], d_hidden, i, z[i, d])
    for i in range(n):
        _through_activation(plan.mode, hidden[level[i]], d_hidden[i], d_state[i])
        total.c[:] += d_state[i]


@kernel
def nade_gradient_cpu(begin, end, plan, x, row_weights, log_prob, total):
    """log_prob (n,) of rows [begin, end) of x (n, n_vars); adds the gradient of its weighted sum to ``total``.

    What the padding of V gets there is no gradient: the caller drops it.
    """
    tile, terms = _allocate(plan, _levels(x, begin, end)), np.empty_like(plan.b)
    for row in range(begin, end, NADE_TILE):
        n = min(NADE_TILE, end - row)
        _load_rows(x, row, n, plan.order, tile)
        _forward_all(plan, n, tile)
        for i in range(n):
            log_prob[row + i] = _score(tile.x[i], tile.z[i], row_weights[row + i], terms)
        _backward(plan, n, tile, total)


@kernel
def nade_sum_cpu(begin, end, parts, total):
    """total = the sum of the rows of ``parts`` (n_parts, size), in order, for entries [begin, end)."""
    target = total[begin:end]
    target[:] = parts[0, begin:end]
    for part in range(1, parts.shape[0]):
        target += parts[part, begin:end]
