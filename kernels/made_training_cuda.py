"""Adam steps of masked networks on the device: a minibatch is the columns of the state, kernels take a layer each.

Forward and backward a block of threads has GROUP units (or sources) of a tile of columns, in registers as
made_tiles_cuda.py says; the update has a thread for each weight. All sums have one order, so the same seed gives the
same parameters. MADE 784-500, 100 rows: 0.24 GFLOP, about 10 us of an H100, and ten launches of 30 - 40 us: these are
the limit below some thousand rows in a minibatch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from . import adam
from .activations import activation_slope
from .adam import adam_constants, without_decay
from .bernoulli import bit_slope
from .categorical import state_of
from .elementary import exp
from .heads import BERNOULLI, CATEGORICAL, MIXTURE
from .heads_cuda import likelihood, log_total
from .made import ACTIVATION, FIRST, RESIDUAL, SOURCE, STRIDE, UNITS, WEIGHTS
from .made_tiles_cuda import GROUP, add_panel, add_sources, finish_unit, tile_rows
from .normal import normal_term

__all__ = [
    "Minibatch",
    "activation_slopes_cuda",
    "backward_layer_cuda",
    "copy_cuda",
    "forward_layer_cuda",
    "head_slopes_cuda",
    "load_minibatch_cuda",
    "update_biases_cuda",
    "update_weights_cuda",
]

device: Any = cuda.jit(device=True)
adam_update = device(adam.adam_update)


class Minibatch(NamedTuple):
    """Some rows of the data, and scratch; column i of the scratch is row picks[first + i]."""

    x: np.ndarray  # (n, n_vars)
    context: np.ndarray  # (n, n_context)
    picks: np.ndarray  # int64 (n,)
    first: int
    size: int
    state: np.ndarray  # (rows of MaskedNet.biases, columns)
    slopes: np.ndarray  # likewise, d log_prob / d sum of the unit
    derivatives: np.ndarray  # likewise, d unit / d sum
    terms: np.ndarray  # float64 (n_vars * columns,): log p of each variable


@cuda.jit
def copy_cuda(values, out):
    """out = values, both flat."""
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        out[i] = values[i]


# Forward ----------------------------------------------------------------------------------------------------------


@cuda.jit
def load_minibatch_cuda(net, batch):
    """Inputs of the rows in columns of the state, zeros in those without a row and in all slopes."""
    state, columns = batch.state, batch.state.shape[1]
    for cell in range(cuda.grid(1), state.shape[0] * columns, cuda.gridsize(1)):
        row, i = cell // columns, cell % columns
        batch.slopes[row, i] = 0
        number = state.dtype.type(0)
        if i < batch.size and row < net.layers[0, UNITS]:
            pick, input_ = batch.picks[batch.first + i], row - net.n_context
            if input_ < 0:
                number = batch.context[pick, row]
            elif net.n_states == 1:
                number = state.dtype.type(batch.x[pick, net.order[input_]])
            else:
                hit = batch.x[pick, net.order[input_ // net.n_states]] == input_ % net.n_states
                number = state.dtype.type(1 if hit else 0)
        state[row, i] = number


@cuda.jit
def forward_layer_cuda(net, number, batch):
    """Units of a layer, and d unit / d sum of hidden ones."""
    units, row, rows = net.layers[number, UNITS], net.layers[number, FIRST], tile_rows()
    groups, output = (units + GROUP - 1) // GROUP, net.layers.shape[0] - 1
    for task in range(cuda.blockIdx.x, groups * (batch.state.shape[1] // rows), cuda.gridDim.x):
        begin, first = task % groups * GROUP, task // groups * rows
        end = min(begin + GROUP, units)
        add_panel(net, number, begin, end, net.reach[row + end - 1], batch.state, first)
        cuda.syncthreads()
        for cell in range(cuda.threadIdx.x, (end - begin) * rows if number < output else 0, cuda.blockDim.x):
            unit, i = begin + cell // rows, first + cell % rows
            total, residual = batch.state[row + unit, i], net.layers[number, RESIDUAL]
            if residual >= 0:
                total += batch.state[net.layers[residual, FIRST] + unit, i]
            batch.derivatives[row + unit, i] = activation_slope(net.layers[number, ACTIVATION], total)
            finish_unit(net, number, unit, batch.state[row + unit, i], batch.state, i)
        cuda.syncthreads()


# Heads ------------------------------------------------------------------------------------------------------------


@device
def _normal_slopes(state, slopes, mean, log_sigma, share, value, i):
    """d (share log Normal(value)) by mean and log sigma."""
    inverse = exp(-state[log_sigma, i])
    r = (value - state[mean, i]) * inverse
    slopes[mean, i] = r * inverse * share
    slopes[log_sigma, i] = (r * r - type(r)(1)) * share


@device
def _categorical_slopes(state, slopes, at, size, value, i):
    """one-hot - softmax"""
    largest, total = log_total(state, at, size, i)
    for k in range(size):
        hit = type(largest)(1 if k == state_of(value, size) else 0)
        slopes[at + k, i] = hit - exp(state[at + k, i] - largest) / type(largest)(total)


@device
def _mixture_slopes(state, slopes, at, size, value, i):
    """Shares of the components given the value, minus those before it; and their Normals' slopes by these shares."""
    m = size // 3
    for k in range(m):  # where the slopes of logits go is scratch for the joint terms first
        term = normal_term(value, state[at + m + k, i], state[at + 2 * m + k, i])
        slopes[at + k, i] = state[at + k, i] + term
    top, joint = log_total(slopes, at, m, i)
    largest, total = log_total(state, at, m, i)
    for k in range(m):
        share = exp(slopes[at + k, i] - top) / type(top)(joint)
        _normal_slopes(state, slopes, at + m + k, at + 2 * m + k, share, value, i)
        slopes[at + k, i] = share - exp(state[at + k, i] - largest) / type(largest)(total)


@cuda.jit
def head_slopes_cuda(net, batch):
    """terms[d, i] = log p(x_d), and its slopes by the parameters of the head; no gradient by x."""
    columns, size = batch.state.shape[1], net.head_size
    output = net.layers[net.layers.shape[0] - 1, FIRST]
    for cell in range(cuda.grid(1), net.order.shape[0] * columns, cuda.gridsize(1)):
        d, i = cell // columns, cell % columns
        batch.terms[cell] = 0.0
        if i < batch.size:
            at, x = output + d * size, batch.x[batch.picks[batch.first + i], net.order[d]]
            value = type(batch.state[at, i])(x)
            batch.terms[cell] = likelihood(net.head, batch.state, at, size, value, i)
            if net.head == BERNOULLI:
                batch.slopes[at, i] = bit_slope(value, batch.state[at, i])
            elif net.head == CATEGORICAL:
                _categorical_slopes(batch.state, batch.slopes, at, size, value, i)
            elif net.head == MIXTURE:
                _mixture_slopes(batch.state, batch.slopes, at, size, value, i)
            else:
                _normal_slopes(batch.state, batch.slopes, at, at + 1, type(value)(1), value, i)


# Backward ---------------------------------------------------------------------------------------------------------


@cuda.jit
def activation_slopes_cuda(net, number, batch):
    """From slopes by the units of a hidden layer to those by their sums, and to the layer that was added to them."""
    columns, first, residual = batch.state.shape[1], net.layers[number, FIRST], net.layers[number, RESIDUAL]
    for cell in range(cuda.grid(1), net.layers[number, UNITS] * columns, cuda.gridsize(1)):
        unit, i = cell // columns, cell % columns
        slope = batch.slopes[first + unit, i] * batch.derivatives[first + unit, i]
        batch.slopes[first + unit, i] = slope
        if residual >= 0:
            batch.slopes[net.layers[residual, FIRST] + unit, i] += slope


@cuda.jit
def backward_layer_cuda(net, number, batch):
    """slopes of the layer's sources += weights^T slopes of the layer, without the units that read none of a group."""
    n_sources, rows = net.layers[net.layers[number, SOURCE], UNITS], tile_rows()
    units, first_unit = net.layers[number, UNITS], net.layers[number, FIRST]
    groups = (n_sources + GROUP - 1) // GROUP
    for task in range(cuda.blockIdx.x, groups * (batch.state.shape[1] // rows), cuda.gridDim.x):
        begin, unit = task % groups * GROUP, 0
        while unit < units and net.reach[first_unit + unit] <= begin:
            unit += 1
        add_sources(net, number, begin, min(begin + GROUP, n_sources), unit, batch.slopes, task // groups * rows)


# Updates ----------------------------------------------------------------------------------------------------------


@cuda.jit
def update_weights_cuda(net, number, batch, first, second, settings):
    """One Adam step on the weights of a layer that the masks leave; the loss is the mean negative log_prob."""
    constants, stride = adam_constants(net.weights, settings), net.layers[number, STRIDE]
    row, source = net.layers[number, FIRST], net.layers[net.layers[number, SOURCE], FIRST]
    scale = type(net.weights[0])(-1.0 / batch.size)
    for cell in range(cuda.grid(1), net.layers[number, UNITS] * stride, cuda.gridsize(1)):
        unit, k = cell // stride, cell % stride
        if k < net.reach[row + unit]:
            total = net.weights.dtype.type(0)
            for i in range(batch.size):
                total += batch.slopes[row + unit, i] * batch.state[source + k, i]
            at = net.layers[number, WEIGHTS] + cell
            new = adam_update(net.weights[at], total * scale, first[at], second[at], constants)
            net.weights[at], first[at], second[at] = new


@cuda.jit
def update_biases_cuda(net, batch, first, second, settings):
    """One Adam step on all biases, which do not decay."""
    constants, inputs = adam_constants(net.weights, without_decay(settings)), net.layers[0, UNITS]
    scale = type(net.biases[0])(-1.0 / batch.size)
    for row in range(inputs + cuda.grid(1), net.biases.shape[0], cuda.gridsize(1)):
        total = net.biases.dtype.type(0)
        for i in range(batch.size):
            total += batch.slopes[row, i]
        new = adam_update(net.biases[row], total * scale, first[row], second[row], constants)
        net.biases[row], first[row], second[row] = new
