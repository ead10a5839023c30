"""One sequence at a time: forward, backward, expected transitions and Viterbi, in logarithms or scaled."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels.hmm import HiddenChain
from .loops import LOOPS

Array = npt.NDArray[Any]

CELLS = 1 << 20  # of frames and pairs of states at once

__all__ = [
    "Scaled",
    "backward_log",
    "backward_scaled",
    "forward_log",
    "forward_scaled",
    "hidden_chain",
    "log_transitions",
    "viterbi",
]


class Scaled(NamedTuple):
    """What a scaled forward pass has found."""

    log_prob: float  # -inf: a frame has no likelihood that a float64 can hold
    lattice: Array
    scales: Array


def hidden_chain(start: Array, step: Array) -> HiddenChain:
    """Of start (K,) and transitions (K, K), float64; for a backward pass the transposed ones."""
    step = np.ascontiguousarray(step)
    with np.errstate(divide="ignore", invalid="ignore"):
        return HiddenChain(start, step, np.log(start), np.log(step))


def forward_log(chain: HiddenChain, frames: Array) -> tuple[float, Array]:
    """log P(frames) and log alpha (n, K) of log-likelihoods (n, K)."""
    lattice, log_prob = np.empty(frames.shape), np.empty(1)
    LOOPS["forward log", "cpu"](0, 1, chain, _one(frames), frames, lattice, log_prob)
    return float(log_prob[0]), lattice


def backward_log(transposed: HiddenChain, frames: Array) -> Array:
    """log beta (n, K) of log-likelihoods (n, K)."""
    lattice = np.empty(frames.shape)
    LOOPS["backward log", "cpu"](0, 1, transposed, _one(frames), frames, lattice)
    return lattice


def forward_scaled(chain: HiddenChain, frames: Array) -> Scaled:
    """Of likelihoods (n, K): alpha (n, K) times scales (n,), which make the sum of each frame 1."""
    lattice, scales, log_prob = np.zeros(frames.shape), np.zeros(len(frames)), np.empty(1)
    LOOPS["forward scaled", "cpu"](0, 1, chain, _one(frames), frames, lattice, scales, log_prob)
    return Scaled(float(log_prob[0]), lattice, scales)


def backward_scaled(transposed: HiddenChain, frames: Array, scales: Array) -> Array:
    """beta (n, K) of likelihoods (n, K), each frame times its own scale and all later ones."""
    lattice = np.empty(frames.shape)
    LOOPS["backward scaled", "cpu"](0, 1, transposed, _one(frames), frames, scales, lattice)
    return lattice


def viterbi(chain: HiddenChain, frames: Array) -> tuple[float, Array]:
    """The largest log P(states, frames) of log-likelihoods (n, K), and states (n,) that have it."""
    states, log_prob = np.empty(len(frames), np.int64), np.empty(1)
    LOOPS["viterbi", "cpu"](0, 1, chain, _one(frames), frames, states, log_prob)
    return float(log_prob[0]), states


def log_transitions(log_step: Array, forward: Array, ahead: Array, log_prob: float) -> Array:
    """log of the expected number of transitions (K, K), of forward (n, K) and ``ahead`` = frames + backward (n, K).

    With the largest of each frame taken out, the sum over frames is a product of matrices; pairs of states whose sum is
    so small that what underflowed may matter are taken again, each by itself.
    """
    left, right = forward[:-1], ahead[1:]
    high_left, high_right = (_largest(side) for side in (left, right))
    weight = high_left + high_right - log_prob
    top = float(np.max(weight, initial=-np.inf))
    with np.errstate(under="ignore", divide="ignore", invalid="ignore", over="ignore"):
        if not np.isfinite(top):
            return _by_pairs(log_step, left, right, log_prob, np.ones(log_step.shape, bool))
        scaled = np.exp(left - high_left[:, None] + (weight - top)[:, None])
        sums = scaled.T @ np.exp(right - high_right[:, None])
        result = np.log(sums) + top + log_step
        again = ~(sums > 1e-200) & (log_step > -np.inf)
        if again.any():
            result[again] = _by_pairs(log_step, left, right, log_prob, again)[again]
    return np.asarray(result)


def _largest(side: Array) -> Array:
    largest = side.max(axis=1)
    return np.where(np.isneginf(largest), 0.0, largest)


def _by_pairs(log_step: Array, left: Array, right: Array, log_prob: float, wanted: Array) -> Array:
    """An exponential for every frame and pair of states."""
    result, pairs = np.full(log_step.shape, -np.inf), np.argwhere(wanted)
    at_once = max(1, CELLS // max(1, len(left)))
    for begin in range(0, len(pairs) if len(left) else 0, at_once):
        i, j = pairs[begin : begin + at_once].T
        terms = left[:, i] + right[:, j]
        terms += log_step[i, j] - log_prob
        result[i, j] = _log_sum(terms)
    return result


def _log_sum(terms: Array) -> Array:
    """Over the first axis."""
    largest = terms.max(axis=0)
    terms -= np.where(np.isinf(largest), 0.0, largest)
    return np.asarray(np.where(np.isinf(largest), largest, np.log(np.exp(terms).sum(axis=0)) + largest))


def _one(frames: Array) -> Array:
    return np.array([0, len(frames)])
