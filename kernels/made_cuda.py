"""CUDA twins of the masked networks: one thread walks whole rows, a variable at a time.

A unit is computed once, as soon as its last source is known: together as much work as one pass. Sources are added up in
the same order as on the CPU. The outputs' ``scratch`` (rows of ``MaskedNet.biases``, n) is the state, a column per row
of data. Tempering and truncation are on the CPU only.
"""

from __future__ import annotations

from numba import cuda, uint64

from .activations import apply_activation
from .affine import affine_noise
from .heads import AFFINE, BERNOULLI, MIXTURE, NORMAL
from .heads_cuda import head_log_prob, head_value, is_undefined
from .made import ACTIVATION, FIRST, RESIDUAL, SOURCE, STRIDE, WEIGHTS
from .made_sampling import PHILOX
from .normal import normal_quantile
from .quantiles_cuda import standard_normal
from .uniforms_cuda import uniform

__all__ = ["log_prob_cuda", "sample_cuda"]

device = cuda.jit(device=True)


@device
def _unit_sum(net, layer, unit, state, i):
    """bias + weights . sources"""
    row = net.layers[layer, FIRST] + unit
    at, source = net.layers[layer, WEIGHTS] + unit * net.layers[layer, STRIDE], net.layers[layer, SOURCE]
    first = net.layers[source, FIRST]
    total = net.biases[row]
    for k in range(net.reach[row]):
        total += net.weights[at + k] * state[first + k, i]
    return total


@device
def _finish_units(net, d, state, i):
    """Hidden units that become final once d variables are known."""
    for layer in range(1, net.layers.shape[0] - 1):
        first, residual = net.layers[layer, FIRST], net.layers[layer, RESIDUAL]
        begin = net.known[layer, d - 1] if d > 0 else 0
        for unit in range(begin, net.known[layer, d]):
            total = _unit_sum(net, layer, unit, state, i)
            if residual >= 0:
                total += state[net.layers[residual, FIRST] + unit, i]
            state[first + unit, i] = apply_activation(net.layers[layer, ACTIVATION], total)


@device
def _start_row(net, context, state, i):
    """Context, and the units that depend on no variable."""
    for c in range(net.n_context):
        state[c, i] = context[i, c]
    _finish_units(net, 0, state, i)


@device
def _find_head(net, d, state, i):
    """Parameters of the variable at position d; returns the row of the first."""
    output = net.layers.shape[0] - 1
    at = net.layers[output, FIRST] + d * net.head_size
    for j in range(net.head_size):
        state[at + j, i] = _unit_sum(net, output, d * net.head_size + j, state, i)
    return at


@device
def _put_value(net, d, value, state, i):
    """The variable at position d becomes known."""
    first = net.n_context + d * net.n_states
    if net.n_states == 1:
        state[first, i] = value
    else:
        for k in range(net.n_states):
            state[first + k, i] = 1 if value == k else 0
    _finish_units(net, d + 1, state, i)


@device
def _uniform(net, request, given, word, i):
    """Uniform ``word`` of row i as a float64: drawn in the precision of the CPU's loops, or what was given instead."""
    if request.source != PHILOX:
        return given.noise[i, word]
    single = net.head == BERNOULLI and net.weights.itemsize == 4
    return uniform(request.key, uint64(request.start) + uint64(i), request.first_word + word, single)


@device
def _normal(net, request, given, d, i):
    """Standard normal number of the variable at position d, drawn or of a uniform that was given."""
    if request.source != PHILOX:
        return normal_quantile(given.noise[i, d])
    word = request.first_word + d
    return standard_normal(request.key, uint64(request.start) + uint64(i), word, net.weights.itemsize == 4)


@device
def _noise(net, request, given, d, i):
    """What the variable at position d draws by, as the head takes it: two words, of which most heads use one."""
    if net.head == MIXTURE:
        second = normal_quantile(_uniform(net, request, given, 2 * d + 1, i))
        return _uniform(net, request, given, 2 * d, i), second
    word = _normal(net, request, given, d, i) if net.head == NORMAL else _uniform(net, request, given, d, i)
    return word, word


@cuda.jit
def log_prob_cuda(net, x, context, scores):
    """As ``log_prob_cpu``, for all rows."""
    state, terms = scores.scratch, scores.terms
    for i in range(cuda.grid(1), scores.log_prob.shape[0], cuda.gridsize(1)):
        _start_row(net, context, state, i)
        total = 0.0
        for d in range(net.order.shape[0]):
            at, value = _find_head(net, d, state, i), x[i, net.order[d]]
            term = head_log_prob(net.head, state, at, net.head_size, value, i)
            total += term
            if terms.shape[0] > 0:
                if net.head == AFFINE:
                    terms[i, net.order[d]] = affine_noise(value, state[at, i], term)
                else:
                    terms[i, net.order[d]] = term
            _put_value(net, d, value, state, i)
        scores.log_prob[i] = total


@cuda.jit
def sample_cuda(net, request, given, draws):
    """As ``sample_cpu`` without tempering or truncation, for all rows."""
    state, size = draws.scratch, net.head_size
    for i in range(cuda.grid(1), draws.values.shape[0], cuda.gridsize(1)):
        _start_row(net, given.context, state, i)
        total, undefined = 0.0, False
        for d in range(net.order.shape[0]):
            at = _find_head(net, d, state, i)
            if d < request.prefix_length:
                value = given.prefix[i // request.n_per_row, d]
            else:
                value = head_value(net.head, state, at, size, _noise(net, request, given, d, i), i)
                undefined |= is_undefined(net.head, state, at, size, value, i)
            if request.scored:
                total += head_log_prob(net.head, state, at, size, value, i)
            draws.values[i, net.order[d]] = value
            _put_value(net, d, value, state, i)
        draws.undefined[i] = undefined
        if request.scored:
            draws.log_prob[i] = total
