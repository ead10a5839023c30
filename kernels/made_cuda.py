"""CUDA twins of the masked networks: one thread walks whole rows, grid-stride, a variable at a time.

A unit is computed once, as soon as its last source is known: together as much work as one pass. Sources are added up in
the same order as on the CPU. ``state`` (rows of ``MaskedNet.biases``, n) is scratch in global memory, a column per row
of data, so that threads read neighbours. Tempering and truncation are on the CPU only.
"""

from __future__ import annotations

import math

from numba import float32, float64, uint64

from .functions import exp, log_wide, sigmoid, silu, softplus, tanh
from .heads import AFFINE, BERNOULLI, CATEGORICAL, MIXTURE, NORMAL, _soft_cap, normal_term, normal_value, state_of
from .made import (
    ACTIVATION,
    ELU,
    FIRST,
    NOISE,
    PHILOX,
    RELU,
    RESIDUAL,
    SIGMOID,
    SILU,
    SOFTPLUS,
    SOURCE,
    STRIDE,
    TANH,
    WEIGHTS,
)
from .philox import LOW, STREAM_REFINE, STREAM_SAMPLE, philox4x32
from .quantile import normal_quantile
from .uniforms import LARGEST_32, SHORT, WORD, uniform32, uniform64

# The network -------------------------------------------------------------------------------------------------------


def activated(activation, x):
    """activation(x)"""
    if activation == RELU:
        return max(x, x * 0)
    if activation == ELU:
        return x if x > 0 else exp(x) - type(x)(1)
    if activation == TANH:
        return tanh(x)
    if activation == SIGMOID:
        return sigmoid(x)
    if activation == SOFTPLUS:
        return softplus(x)
    return silu(x) if activation == SILU else x


def unit_sum(net, layer, unit, state, i):
    """bias + weights . sources"""
    row = net.layers[layer, FIRST] + unit
    at, source = net.layers[layer, WEIGHTS] + unit * net.layers[layer, STRIDE], net.layers[layer, SOURCE]
    first = net.layers[source, FIRST]
    total = net.biases[row]
    for k in range(net.reach[row]):
        total += net.weights[at + k] * state[first + k, i]
    return total


def finish_units(net, d, state, i):
    """Hidden units that become final once d variables are known."""
    for layer in range(1, net.layers.shape[0] - 1):
        first, residual = net.layers[layer, FIRST], net.layers[layer, RESIDUAL]
        begin = net.known[layer, d - 1] if d > 0 else 0
        for unit in range(begin, net.known[layer, d]):
            total = device_unit_sum(net, layer, unit, state, i)
            if residual >= 0:
                total += state[net.layers[residual, FIRST] + unit, i]
            state[first + unit, i] = device_activated(net.layers[layer, ACTIVATION], total)


def start_row(net, context, state, i):
    """Context, and the units that depend on no variable."""
    for c in range(net.n_context):
        state[c, i] = context[i, c]
    device_finish_units(net, 0, state, i)


def find_head(net, d, state, i):
    """Parameters of the variable at position d; returns the row of the first."""
    output = net.layers.shape[0] - 1
    at = net.layers[output, FIRST] + d * net.head_size
    for j in range(net.head_size):
        state[at + j, i] = device_unit_sum(net, output, d * net.head_size + j, state, i)
    return at


def put_value(net, d, value, state, i):
    """The variable at position d becomes known."""
    first = net.n_context + d * net.n_states
    if net.n_states == 1:
        state[first, i] = value
    else:
        for k in range(net.n_states):
            state[first + k, i] = 1 if value == k else 0
    device_finish_units(net, d + 1, state, i)


# Heads -------------------------------------------------------------------------------------------------------------


def log_total(state, at, size, i):
    """The largest of several logits, and the sum of exp(logit - largest) in float64; see ``heads._normalise``."""
    largest = type(state[at, i])(-math.inf)
    for k in range(at, at + size):
        largest = max(largest, state[k, i])
    if largest == -math.inf:
        largest = type(largest)(0)
    total = float64(0.0)
    for k in range(at, at + size):
        total += exp(state[k, i] - largest)
    return largest, total


def mixture_term(state, at, size, value, i):
    """log sum_k p(k) Normal(value; mean_k, sigma_k)"""
    m = size // 3
    largest, total = device_log_total(state, at, m, i)
    normaliser = largest + log_wide(type(largest)(total))
    top, joint = type(largest)(-math.inf), float64(0.0)
    for k in range(at, at + m):
        top = max(top, state[k, i] + normal_term(value, state[k + m, i], state[k + 2 * m, i]))
    if top == -math.inf:
        return top
    for k in range(at, at + m):
        joint += exp(state[k, i] + normal_term(value, state[k + m, i], state[k + 2 * m, i]) - top)
    return type(largest)(top + log_wide(type(largest)(joint)) - normaliser)


def head_term(head, state, at, size, value, i):
    """log p(value); for AFFINE heads log |d noise / d value|."""
    z = state[at, i]
    value = type(z)(value)
    if head == BERNOULLI:
        return -softplus((type(z)(1) - type(z)(2) * value) * z)
    if head == CATEGORICAL:
        largest, total = device_log_total(state, at, size, i)
        own = float64(state[at + state_of(value, size), i])
        return type(z)(own - float64(largest) - log_wide(type(z)(total)))
    if head == NORMAL:
        return normal_term(value, z, state[at + 1, i])
    if head == MIXTURE:
        return device_mixture_term(state, at, size, value, i)
    return _soft_cap(state[at + 1, i])


def pick_state(state, at, size, u, i):
    """The smallest state whose cumulative probability exceeds u: as many as there are sums that do not."""
    largest, total = device_log_total(state, at, size, i)
    reached, k = float64(0.0), 0
    for j in range(at, at + size):
        reached += exp(state[j, i] - largest)
        k += 1 if reached <= u * total else 0
    return min(k, size - 1)


def head_value(net, request, given, state, at, d, i):
    """Draw the variable at position d from its parameters."""
    z, head = state[at, i], net.head
    if head == MIXTURE:
        m = net.head_size // 3
        k = at + device_pick_state(state, at, m, device_noise(net, request, given, 2 * d, i), i)
        normal = normal_quantile(device_noise(net, request, given, 2 * d + 1, i))
        return normal_value(normal, state[k + m, i], state[k + 2 * m, i])
    noise = device_noise(net, request, given, d, i)
    if head == BERNOULLI:
        return type(z)(1 if type(z)(noise) * (type(z)(1) + exp(-z)) < 1 else 0)
    if head == CATEGORICAL:
        return type(z)(device_pick_state(state, at, net.head_size, noise, i))
    if head == NORMAL:
        normal = noise if request.source == NOISE else normal_quantile(noise)
        return normal_value(normal, z, state[at + 1, i])
    return (type(z)(noise) - z) * exp(-_soft_cap(state[at + 1, i]))


def noise(net, request, given, word, i):
    """Random word ``word`` of row i as a float64: drawn in the precision of the CPU's loops, or given."""
    if request.source != PHILOX:
        return given.noise[i, word]
    row, k0, k1 = uint64(request.start) + uint64(i), request.key & uint64(LOW), request.key >> uint64(32)
    low_row, high_row, block = row & uint64(LOW), row >> uint64(32), uint64(word >> 2)
    high = device_philox4x32(low_row, high_row, block, uint64(STREAM_SAMPLE), k0, k1)[word & 3]
    low = device_philox4x32(low_row, high_row, block, uint64(STREAM_REFINE), k0, k1)[word & 3]
    if net.head != BERNOULLI or net.weights.itemsize == 8:
        return device_uniform64(high, low)
    if high < uint64(SHORT):
        return float64(device_uniform32(high, low))
    return float64(min(float32(high) * float32(WORD), float32(LARGEST_32)))


# Twins: plain functions until load_cuda() jits them ----------------------------------------------------------------


def log_prob_cuda(net, x, context, state, terms, log_prob):
    """As ``log_prob_cpu``, for all rows of ``log_prob``."""
    for i in range(cuda.grid(1), log_prob.shape[0], cuda.gridsize(1)):
        device_start_row(net, context, state, i)
        total = 0.0
        for d in range(net.order.shape[0]):
            at, value = device_find_head(net, d, state, i), x[i, net.order[d]]
            term = device_head_term(net.head, state, at, net.head_size, value, i)
            total += term
            if terms.shape[0] > 0:
                if net.head == AFFINE:
                    terms[i, net.order[d]] = value * exp(term) + state[at, i]
                else:
                    terms[i, net.order[d]] = term
            device_put_value(net, d, value, state, i)
        log_prob[i] = total


def sample_cuda(net, request, given, state, log_prob, values):
    """As ``sample_cpu`` without tempering or truncation, for all rows of ``values`` (n, n_vars)."""
    for i in range(cuda.grid(1), values.shape[0], cuda.gridsize(1)):
        device_start_row(net, given.context, state, i)
        total = 0.0
        for d in range(net.order.shape[0]):
            at = device_find_head(net, d, state, i)
            if d < request.prefix_length:
                value = given.prefix[i // request.n_per_row, d]
            else:
                value = device_head_value(net, request, given, state, at, d, i)
            if request.scored:
                total += device_head_term(net.head, state, at, net.head_size, value, i)
            values[i, net.order[d]] = value
            device_put_value(net, d, value, state, i)
        if request.scored:
            log_prob[i] = total


def load_cuda():
    """Jit the twins; returns them by name. Imports numba.cuda, hence only on first GPU use."""
    global cuda, device_philox4x32, device_uniform32, device_uniform64, device_activated, device_unit_sum
    global device_finish_units, device_start_row, device_find_head, device_put_value, device_log_total
    global device_mixture_term, device_head_term, device_pick_state, device_noise, device_head_value
    from numba import cuda

    device = cuda.jit(device=True)
    device_philox4x32, device_uniform32, device_uniform64 = map(device, (philox4x32, uniform32, uniform64))
    device_activated, device_unit_sum, device_finish_units = map(device, (activated, unit_sum, finish_units))
    device_start_row, device_find_head, device_put_value = map(device, (start_row, find_head, put_value))
    device_log_total, device_mixture_term, device_head_term = map(device, (log_total, mixture_term, head_term))
    device_pick_state, device_noise, device_head_value = map(device, (pick_state, noise, head_value))
    return {twin.__name__: cuda.jit(twin) for twin in (log_prob_cuda, sample_cuda)}
