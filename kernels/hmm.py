"""Hidden Markov chains, a sequence at a time: forward, backward and Viterbi, in logarithms or scaled.

Frames are ``(n_frames, K)``: of every frame its likelihood in each of the K hidden states, or the logarithm of it.
Sequence s has the frames ``ends[s] .. ends[s + 1]``.

    forward     alpha_t(j) = b_t(j) sum_i alpha_(t-1)(i) A(i, j)           alpha_0(j) = start(j) b_0(j)
    backward    beta_t(i) = sum_j A(i, j) b_(t+1)(j) beta_(t+1)(j)         1 at the end      (Rabiner 1989)

In logarithms a sum over i has one exponential for every i and one logarithm for every j: with m the largest log alpha,
log alpha_t(j) = m + log sum_i exp(log alpha_(t-1)(i) - m) A(i, j). Where that sum is so small that what underflowed may
matter, it is taken again with a logarithm for every pair. hmm_lanes.py has many sequences side by side.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .jit import kernel, loop

__all__ = [
    "LOST",
    "UNDERFLOW",
    "HiddenChain",
    "backward_log_cpu",
    "backward_scaled_cpu",
    "forward_log_cpu",
    "forward_scaled_cpu",
    "log_sum_to",
    "log_total",
    "viterbi_cpu",
]

LOST = 1e-280  # of a sum of numbers up to 1: what underflowed is less than 1e-20 of any larger one
UNDERFLOW = 1e-300  # a scaled frame of less is refused


class HiddenChain(NamedTuple):
    """Start and transitions; for a backward loop the transposed ones, so that ``step[i, j]`` always leads from i."""

    start: np.ndarray  # float64 (K,)
    step: np.ndarray  # float64 (K, K)
    log_start: np.ndarray  # float64 (K,)
    log_step: np.ndarray  # float64 (K, K)


@loop
def log_sum_to(log_values, log_step, j):
    """log sum_i exp(log_values[i] + log_step[i, j]): a logarithm for every pair."""
    largest = -math.inf
    for i in range(log_values.shape[0]):
        own = log_values[i] + log_step[i, j]
        if own > largest or own != own:
            largest = own
    if not math.isfinite(largest):
        return largest
    total = 0.0
    for i in range(log_values.shape[0]):
        total += math.exp(log_values[i] + log_step[i, j] - largest)
    return math.log(total) + largest


@loop
def _log_step(chain, log_values, sums, out):
    """out[j] = log sum_i exp(log_values[i]) step[i, j]; ``sums`` is scratch."""
    n = log_values.shape[0]
    largest = -math.inf
    for i in range(n):
        largest = max(largest, log_values[i])
    sums[:] = 0.0
    if math.isfinite(largest):
        for i in range(n):
            weight = math.exp(log_values[i] - largest)
            for j in range(n):
                sums[j] += weight * chain.step[i, j]
    for j in range(n):
        out[j] = largest + math.log(sums[j]) if sums[j] > LOST else log_sum_to(log_values, chain.log_step, j)


@loop
def log_total(log_values):
    """log sum_i exp(log_values[i])."""
    largest = -math.inf
    for i in range(log_values.shape[0]):
        if log_values[i] > largest or log_values[i] != log_values[i]:
            largest = log_values[i]
    if not math.isfinite(largest):
        return largest
    total = 0.0
    for i in range(log_values.shape[0]):
        total += math.exp(log_values[i] - largest)
    return math.log(total) + largest


@kernel
def forward_log_cpu(begin, end, chain, ends, frames, lattice, log_prob):
    """lattice[t, j] = log alpha_t(j) of log-likelihoods, log_prob[s] = log sum_j alpha_last(j)."""
    n = frames.shape[1]
    sums = np.empty(n)
    for s in range(begin, end):
        first, last = ends[s], ends[s + 1] - 1
        for j in range(n):
            lattice[first, j] = chain.log_start[j] + frames[first, j]
        for t in range(first + 1, last + 1):
            _log_step(chain, lattice[t - 1], sums, lattice[t])
            for j in range(n):
                lattice[t, j] += frames[t, j]
        log_prob[s] = log_total(lattice[last])


@kernel
def backward_log_cpu(begin, end, chain, ends, frames, lattice):
    """lattice[t, i] = log beta_t(i) of log-likelihoods; the chain is transposed."""
    n = frames.shape[1]
    sums, ahead = np.empty(n), np.empty(n)
    for s in range(begin, end):
        first, last = ends[s], ends[s + 1] - 1
        lattice[last] = 0.0
        for t in range(last - 1, first - 1, -1):
            for j in range(n):
                ahead[j] = frames[t + 1, j] + lattice[t + 1, j]
            _log_step(chain, ahead, sums, lattice[t])


@loop
def _step(chain, values, out):
    """out[j] = sum_i values[i] step[i, j]."""
    out[:] = 0.0
    for i in range(values.shape[0]):
        for j in range(values.shape[0]):
            out[j] += values[i] * chain.step[i, j]


@kernel
def forward_scaled_cpu(begin, end, chain, ends, frames, lattice, scales, log_prob):
    """lattice[t] = alpha_t of likelihoods, times scales[t] = 1 / its sum; log_prob[s] = - sum_t log scales[t].

    A sequence with a frame whose sum is below UNDERFLOW ends there, with log_prob -inf.
    """
    n = frames.shape[1]
    for s in range(begin, end):
        first, total = ends[s], 0.0
        for t in range(first, ends[s + 1]):
            if t == first:
                lattice[t] = chain.start
            else:
                _step(chain, lattice[t - 1], lattice[t])
            own = 0.0
            for j in range(n):
                lattice[t, j] *= frames[t, j]
                own += lattice[t, j]
            if own < UNDERFLOW:
                total = -math.inf
                break
            scales[t] = 1.0 / own
            total -= math.log(scales[t])
            for j in range(n):
                lattice[t, j] *= scales[t]
        log_prob[s] = total


@kernel
def backward_scaled_cpu(begin, end, chain, ends, frames, scales, lattice):
    """lattice[t] = beta_t of likelihoods, times scales[t] and all later ones; the chain is transposed."""
    n = frames.shape[1]
    ahead = np.empty(n)
    for s in range(begin, end):
        first, last = ends[s], ends[s + 1] - 1
        lattice[last] = scales[last]
        for t in range(last - 1, first - 1, -1):
            for j in range(n):
                ahead[j] = frames[t + 1, j] * lattice[t + 1, j]
            _step(chain, ahead, lattice[t])
            for i in range(n):
                lattice[t, i] *= scales[t]


@loop
def _best_step(chain, values, out):
    """out[j] = max_i values[i] + log_step[i, j]."""
    out[:] = -math.inf
    for i in range(values.shape[0]):
        for j in range(values.shape[0]):
            own = values[i] + chain.log_step[i, j]
            out[j] = own if own > out[j] else out[j]


@loop
def _trace_back(chain, best, states):
    """The best states of a sequence: of equal ones the first in the last frame, the last before it."""
    last, n = best.shape[0] - 1, best.shape[1]
    state = 0
    for j in range(1, n):
        state = j if best[last, j] > best[last, state] else state
    states[last] = state
    for t in range(last - 1, -1, -1):
        largest, before = -math.inf, 0
        for i in range(n):
            own = best[t, i] + chain.log_step[i, state]
            if own >= largest:
                largest, before = own, i
        state = before
        states[t] = state


@kernel
def viterbi_cpu(begin, end, chain, ends, frames, states, log_prob):
    """states[ends[s] : ends[s + 1]] = argmax log P(states, frames), of log-likelihoods; log_prob[s] = the maximum."""
    n, longest = frames.shape[1], 1
    for s in range(begin, end):
        longest = max(longest, ends[s + 1] - ends[s])
    best = np.empty((longest, n))
    for s in range(begin, end):
        first, size = ends[s], ends[s + 1] - ends[s]
        for j in range(n):
            best[0, j] = chain.log_start[j] + frames[first, j]
        for t in range(1, size):
            _best_step(chain, best[t - 1], best[t])
            for j in range(n):
                best[t, j] += frames[first + t, j]
        _trace_back(chain, best[:size], states[first : first + size])
        log_prob[s] = best[size - 1, states[first + size - 1]]
