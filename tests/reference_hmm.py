"""Hidden Markov chains by the definition, in logarithms: slow, obvious, nothing of ours."""

from __future__ import annotations

import numpy as np


def forward(start, step, frames):
    """log alpha (n, K) of log-likelihoods (n, K)."""
    with np.errstate(divide="ignore"):
        log_step, alpha = np.log(step), [np.log(start) + frames[0]]
    for frame in frames[1:]:
        alpha.append(np.logaddexp.reduce(alpha[-1][:, None] + log_step, axis=0) + frame)
    return np.array(alpha)


def backward(step, frames):
    """log beta (n, K)."""
    with np.errstate(divide="ignore"):
        log_step, beta = np.log(step), [np.zeros(len(step))]
    for frame in frames[:0:-1]:
        beta.append(np.logaddexp.reduce(log_step + frame + beta[-1], axis=1))
    return np.array(beta[::-1])


def posterior(start, step, frames):
    """log P(frames), P(state of each frame) (n, K), expected transitions (K, K)."""
    alpha, beta = forward(start, step, frames), backward(step, frames)
    log_prob = np.logaddexp.reduce(alpha[-1])
    transitions = np.zeros(step.shape)
    with np.errstate(divide="ignore"):
        for t in range(len(frames) - 1):
            transitions += np.exp(alpha[t][:, None] + np.log(step) + frames[t + 1] + beta[t + 1] - log_prob)
    return log_prob, np.exp(alpha + beta - log_prob), transitions


def log_joint(start, step, frames, states):
    """log P(states, frames)."""
    with np.errstate(divide="ignore"):
        log_start, log_step = np.log(start), np.log(step)
    total = log_start[states[0]] + frames[0, states[0]]
    for t in range(1, len(frames)):
        total += log_step[states[t - 1], states[t]] + frames[t, states[t]]
    return total
