"""Many sequences at once: laid out in lanes, and those that need logarithms by themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels.hmm_lanes import LANES, SMALL, Lanes, LanesChain
from . import sequences
from .loops import LOOPS

Array = npt.NDArray[Any]


class Chain(NamedTuple):
    """Start (K,) and transitions (K, K) of float64, as all loops want them."""

    lanes: LanesChain
    plain: Any  # HiddenChain
    transposed: Any  # HiddenChain
    has_small: bool  # numbers for which the lanes are not made

    @property
    def n_states(self) -> int:
        """K."""
        return len(self.lanes.start)


class Batch(NamedTuple):
    """Sequences whose frames follow each other, and where each of them is in the lanes."""

    ends: Array  # int64 (n + 1,)
    order: Array  # int64 (n,): of every LANES in a row the longest first
    lanes: Lanes


class Posterior(NamedTuple):
    """What the frames of a batch say of its states."""

    log_prob: Array  # (n,)
    states: Array  # (frames, K): P(state)
    transitions: Array  # (K, K): expected numbers


def chain_of(start: Array, step: Array, *, logs: bool) -> Chain:
    """Of a start (K,) and transitions (K, K); ``logs``: frames will be log-likelihoods."""
    start, step = (np.ascontiguousarray(each, np.float64) for each in (start, step))
    n = len(start)
    width = -(-n // 4) * 4
    ahead, back = np.zeros((n, width)), np.zeros((n, width))
    ahead[:, :n], back[:, :n] = step, step.T
    numbers = np.concatenate([start, step.ravel()])
    has_small = not ((numbers == 0.0) | ((numbers >= SMALL) & (numbers <= 2.0))).all()
    plain, transposed = sequences.hidden_chain(start, step), sequences.hidden_chain(start, step.T)
    return Chain(LanesChain(start, ahead.ravel(), back.ravel(), width, int(logs)), plain, transposed, has_small)


def batch_of(lengths: Array) -> Batch:
    """Of the lengths (n,) of sequences, all at least 1."""
    ends = np.append(0, np.cumsum(lengths))
    order = np.argsort(-lengths, kind="stable")
    return Batch(ends, order, Lanes(ends[:-1][order], lengths[order]))


def n_groups(batch: Batch) -> int:
    """Of LANES sequences each."""
    return -(-len(batch.order) // LANES)


def log_prob(chain: Chain, batch: Batch, frames: Array) -> Array:
    """log P(frames) of every sequence (n,); -inf of a scaled one with a frame that has no likelihood."""
    frames = np.ascontiguousarray(frames, np.float64)
    found = np.full(len(batch.order), np.nan)
    again = np.arange(len(batch.order))
    if not chain.has_small:
        answers = np.empty((2, len(batch.order)))
        LOOPS["log_prob", "cpu"](0, n_groups(batch), chain.lanes, batch.lanes, frames, answers)
        found[batch.order] = answers[0]
        again = batch.order[answers[1] > 0]
    verb = "forward log" if chain.lanes.logs else "forward scaled"
    lattice = np.empty(frames.shape if len(again) else (0, chain.n_states))
    scales = () if chain.lanes.logs else (np.empty(len(lattice)),)
    for s in again:
        LOOPS[verb, "cpu"](s, s + 1, chain.plain, batch.ends, frames, lattice, *scales, found)
    return found


def posterior(chain: Chain, batch: Batch, frames: Array) -> Posterior:
    """Of every sequence of a batch; its log_prob is that of :func:`log_prob`."""
    frames = np.ascontiguousarray(frames, np.float64)
    n, k = len(batch.order), chain.n_states
    found, lattice, transitions = np.full(n, np.nan), np.empty(frames.shape), np.zeros((n_groups(batch), k, k))
    again = np.arange(n)
    if not chain.has_small:
        answers = np.empty((2, n))
        LOOPS["posterior", "cpu"](0, n_groups(batch), chain.lanes, batch.lanes, frames, lattice, transitions, answers)
        found[batch.order] = answers[0]
        again = np.sort(batch.order[answers[1] > 0])
    total = transitions.sum(axis=0)
    alone = _alone_log if chain.lanes.logs else _alone_scaled
    for s in again:
        own = slice(batch.ends[s], batch.ends[s + 1])
        found[s], lattice[own], steps = alone(chain, frames[own])
        total += steps
    return Posterior(found, lattice, total)


def viterbi(chain: Chain, batch: Batch, frames: Array) -> tuple[Array, Array]:
    """The largest log P(states, frames) of every sequence (n,) of log-likelihoods, and all their states."""
    frames = np.ascontiguousarray(frames, np.float64)
    states, found = np.empty(len(frames), np.int64), np.empty(len(batch.order))
    LOOPS["viterbi", "cpu"](0, len(found), chain.plain, batch.ends, frames, states, found)
    return found, states


def _alone_log(chain: Chain, frames: Array) -> tuple[float, Array, Array]:
    """log_prob, states and transitions of one sequence of log-likelihoods."""
    log_prob, forward = sequences.forward_log(chain.plain, frames)
    backward = sequences.backward_log(chain.transposed, frames)
    log_states = forward + backward
    with np.errstate(under="ignore", invalid="ignore", divide="ignore"):
        log_states -= log_states.max(axis=1, keepdims=True)
        states = np.exp(log_states)
        states /= states.sum(axis=1, keepdims=True)
        if chain.n_states == 1:
            states[:] = 1.0  # also in a frame that is impossible
        log_steps = sequences.log_transitions(chain.plain.log_step, forward, frames + backward, log_prob)
        return log_prob, states, np.exp(log_steps)


def _alone_scaled(chain: Chain, frames: Array) -> tuple[float, Array, Array]:
    """log_prob, states and transitions of one sequence of likelihoods."""
    log_prob, forward, scales = sequences.forward_scaled(chain.plain, frames)
    if log_prob == -np.inf:
        return log_prob, forward, np.zeros((chain.n_states, chain.n_states))
    backward = sequences.backward_scaled(chain.transposed, frames, scales)
    states = forward * backward
    states /= states.sum(axis=1, keepdims=True)
    return log_prob, states, chain.plain.step * (forward[:-1].T @ (frames * backward)[1:])
