"""The seven functions of hmmlearn's compiled module: the same arguments, answers and errors, by our loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ...engines.hmm import sequences

Array = npt.NDArray[Any]

UNDERFLOW = "forward pass failed with underflow; consider using implementation='log' instead"


def forward_log(startprob_: Any, transmat_: Any, log_frameprob_: Any) -> tuple[float, Array]:
    """log P(frames) and the forward lattice, of log-likelihoods."""
    start, step, frames = _checked(startprob_, transmat_, log_frameprob_)
    return sequences.forward_log(sequences.hidden_chain(start, step), frames)


def backward_log(startprob_: Any, transmat_: Any, log_frameprob_: Any) -> Array:
    """The backward lattice, of log-likelihoods."""
    start, step, frames = _checked(startprob_, transmat_, log_frameprob_)
    return sequences.backward_log(sequences.hidden_chain(start, step.T), frames)


def forward_scaling(startprob_: Any, transmat_: Any, frameprob_: Any) -> tuple[float, Array, Array]:
    """log P(frames), the scaled forward lattice and the scales, of likelihoods; ValueError where they underflow."""
    start, step, frames = _checked(startprob_, transmat_, frameprob_)
    found = sequences.forward_scaled(sequences.hidden_chain(start, step), frames)
    if found.log_prob == -np.inf:
        raise ValueError(UNDERFLOW)
    return found.log_prob, found.lattice, found.scales


def backward_scaling(startprob_: Any, transmat_: Any, frameprob_: Any, scaling_: Any) -> Array:
    """The scaled backward lattice, of likelihoods and the scales of the forward pass."""
    start, step, frames = _checked(startprob_, transmat_, frameprob_)
    scales = _floats(scaling_, 1)
    _check(scales.shape == frames.shape[:1])
    return sequences.backward_scaled(sequences.hidden_chain(start, step.T), frames, scales)


def compute_log_xi_sum(fwdlattice_: Any, transmat_: Any, bwdlattice_: Any, log_frameprob_: Any) -> Array:
    """Logarithms of the expected numbers of transitions, of log-likelihoods."""
    forward, step, backward, frames = _checked_lattices(fwdlattice_, transmat_, bwdlattice_, log_frameprob_)
    log_prob = float(np.logaddexp.reduce(forward[-1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        return sequences.log_transitions(np.log(step), forward, frames + backward, log_prob)


def compute_scaling_xi_sum(fwdlattice_: Any, transmat_: Any, bwdlattice_: Any, frameprob_: Any) -> Array:
    """The expected numbers of transitions, of likelihoods."""
    forward, step, backward, frames = _checked_lattices(fwdlattice_, transmat_, bwdlattice_, frameprob_)
    return np.asarray(step * (forward[:-1].T @ (frames * backward)[1:]))


def viterbi(startprob_: Any, transmat_: Any, log_frameprob_: Any) -> tuple[float, Array]:
    """The largest log P(states, frames) and its states, of log-likelihoods."""
    start, step, frames = _checked(startprob_, transmat_, log_frameprob_)
    return sequences.viterbi(sequences.hidden_chain(start, step), frames)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        forward_log,
        forward_scaling,
        backward_log,
        backward_scaling,
        compute_log_xi_sum,
        compute_scaling_xi_sum,
        viterbi,
    )
}


def _checked(start: Any, step: Any, frames: Any) -> tuple[Array, Array, Array]:
    start, step, frames = _floats(start, 1), _floats(step, 2), _floats(frames, 2)
    n = frames.shape[1]
    _check(start.shape == (n,) and step.shape == (n, n))
    _check_not_empty(frames)
    return start, step, frames


def _checked_lattices(forward: Any, step: Any, backward: Any, frames: Any) -> tuple[Array, Array, Array, Array]:
    forward, step, backward, frames = (_floats(each, 2) for each in (forward, step, backward, frames))
    n = frames.shape[1]
    _check(forward.shape == backward.shape == frames.shape and step.shape == (n, n))
    _check_not_empty(frames)
    return forward, step, backward, frames


def _floats(numbers: Any, n_dims: int) -> Array:
    array = np.ascontiguousarray(numbers, np.float64)
    if np.ndim(numbers) != n_dims:
        raise ValueError(f"array has incorrect number of dimensions: {np.ndim(numbers)}; expected {n_dims}")
    return array


def _check(fits: bool) -> None:
    if not fits:
        raise ValueError("shape mismatch")


def _check_not_empty(frames: Array) -> None:
    if not len(frames) or not frames.shape[1]:
        raise ValueError(f"sequences have at least one frame and one state, got an array of shape {frames.shape}")
