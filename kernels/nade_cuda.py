"""CUDA twins of nade.py: one thread walks whole rows, with plain sums in every mode.

The outputs' ``scratch`` (2 S, n) holds pre-activations, then hidden units, a column per row of data.
"""

from __future__ import annotations

from numba import cuda, uint64

from .activations import RELU, relu, sigmoid
from .bernoulli import bit_log_prob, draw_likely_bit, likely_bit_log_prob
from .uniforms_cuda import uniform

__all__ = ["nade_log_prob_cuda", "nade_sample_cuda"]

device = cuda.jit(device=True)


@device
def _activated(mode, a):
    """The hidden unit of a pre-activation."""
    return relu(a) if mode == RELU else sigmoid(a)


@device
def _start_row(plan, scratch, i):
    """Pre-activations and hidden units of row i before the first variable."""
    units = plan.c.shape[0]
    for j in range(units):
        scratch[j, i] = plan.c[j]
        scratch[units + j, i] = _activated(plan.mode, plan.c[j])


@device
def _advance_row(plan, variable, scratch, i):
    """The same after a variable that is 1."""
    units = plan.c.shape[0]
    for j in range(units):
        scratch[j, i] += plan.W[variable, j]
        scratch[units + j, i] = _activated(plan.mode, scratch[j, i])


@device
def _logit(plan, variable, scratch, i):
    """b + V . h"""
    units, z = plan.c.shape[0], plan.b[variable]
    for j in range(units):
        z += plan.V[variable, j] * scratch[units + j, i]
    return z


@device
def _uniform(plan, draw, d, i):
    """The uniform of position d of row i: drawn, or given."""
    if draw.uniforms.shape[0] > 0:
        return draw.uniforms[i, d]
    single = plan.W.itemsize == 4
    return plan.W.dtype.type(uniform(draw.key, uint64(draw.start) + uint64(i), d, single))


@cuda.jit
def nade_log_prob_cuda(plan, x, scores):
    """As ``nade_log_prob_cpu``, for all rows."""
    scratch, terms = scores.scratch, scores.terms
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        _start_row(plan, scratch, i)
        total = 0.0
        for d in range(plan.order.shape[0]):
            variable = plan.order[d]
            term = bit_log_prob(x[i, variable], _logit(plan, variable, scratch, i))
            total += term
            if terms.shape[0] > 0:
                terms[i, variable] = term
            if x[i, variable]:
                _advance_row(plan, variable, scratch, i)
        scores.log_prob[i] = total


@cuda.jit
def nade_sample_cuda(plan, draw, draws):
    """As ``nade_sample_cpu``, for all rows."""
    scratch, n_given = draws.scratch, draw.prefix.shape[1]
    for i in range(cuda.grid(1), draws.values.shape[0], cuda.gridsize(1)):
        _start_row(plan, scratch, i)
        total, sampling_total, undefined = 0.0, 0.0, False
        for d in range(plan.order.shape[0]):
            variable = plan.order[d]
            z = _logit(plan, variable, scratch, i)
            if d < n_given:
                bit = draw.prefix[i // draw.n_per_row, d] != 0
            else:
                t = z / draw.temperature
                undefined |= t != t
                bit = draw_likely_bit(t, _uniform(plan, draw, d, i), draw.sure)
                sampling_total += likely_bit_log_prob(bit, t, draw.sure)
            total += bit_log_prob(bit, z)
            draws.values[i, variable] = 1 if bit else 0
            if bit:
                _advance_row(plan, variable, scratch, i)
        draws.undefined[i] = undefined
        if draw.want_log_prob:
            draws.log_prob[i], draws.sampling_log_prob[i] = total, sampling_total
