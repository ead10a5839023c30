"""Hidden Markov chains: against sums by the definition, one sequence at a time and many side by side."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import reference_hmm as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdgm.engines.hmm import lanes, sequences

pytestmark = pytest.mark.kernel


def chain(n_states, rng, zeros=0.0):
    """Start and transitions, some of them 0, none of the rows."""
    numbers = rng.dirichlet(np.ones(n_states), n_states + 1)
    numbers[rng.random(numbers.shape) < zeros] = 0.0
    numbers[np.arange(n_states + 1), np.arange(n_states + 1) % n_states] += 0.1
    numbers /= numbers.sum(axis=1, keepdims=True)
    return numbers[0], numbers[1:]


def frames_of(n, n_states, rng, scale=1.0, impossible=0.0):
    frames = rng.normal(scale=scale, size=(n, n_states))
    frames[rng.random(frames.shape) < impossible] = -np.inf
    return frames


def expected(start, step, frames, ends):
    """Of all sequences: log P (n,), posteriors (frames, K), the sum of expected transitions."""
    found = [reference.posterior(start, step, frames[a:b]) for a, b in pairwise(ends)]
    return np.array([own[0] for own in found]), np.concatenate([own[1] for own in found]), sum(own[2] for own in found)


def check(start, step, lengths, frames, *, logs=True, tolerance=1e-11):
    batch, own = lanes.batch_of(np.asarray(lengths)), lanes.chain_of(start, step, logs=logs)
    shown = frames if logs else np.exp(frames)
    with np.errstate(invalid="ignore"):
        log_prob, states, transitions = expected(start, step, frames, batch.ends)
    found = lanes.posterior(own, batch, shown)
    for each in (found.log_prob, lanes.log_prob(own, batch, shown)):
        np.testing.assert_allclose(each, log_prob, rtol=1e-12, atol=tolerance)
    np.testing.assert_allclose(found.states, states, atol=tolerance)
    np.testing.assert_allclose(found.transitions, transitions, rtol=1e-9, atol=tolerance)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 18),
    st.lists(st.integers(1, 9), min_size=1, max_size=35),
    st.sampled_from([0.0, 0.5, 0.9]),
    st.sampled_from([1.0, 30.0, 400.0, 3000.0]),
    st.integers(0, 2**32 - 1),
)
def test_many_sequences_are_those_by_definition(n_states, lengths, zeros, scale, seed):
    """Scales by which numbers leave the range of a float64 in one frame, and zeros by which that matters later."""
    rng = np.random.default_rng(seed)
    frames = frames_of(sum(lengths), n_states, rng, scale)
    check(*chain(n_states, rng, zeros), lengths, frames, tolerance=1e-11 * max(1.0, scale))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 13), st.lists(st.integers(1, 9), min_size=1, max_size=35), st.integers(0, 2**32 - 1))
def test_scaled_sequences_are_those_by_definition(n_states, lengths, seed):
    rng = np.random.default_rng(seed)
    check(*chain(n_states, rng, 0.4), lengths, frames_of(sum(lengths), n_states, rng, 5.0), logs=False)


def test_impossible_frames():
    """Some are possible all the same; of the others log P is -inf, and nothing else is known."""
    rng = np.random.default_rng(0)
    start, step = chain(4, rng, 0.3)
    lengths = np.full(40, 6)
    batch, frames = lanes.batch_of(lengths), frames_of(240, 4, rng, impossible=0.4)
    with np.errstate(invalid="ignore"):
        log_prob, states, _ = expected(start, step, frames, batch.ends)
    found = lanes.posterior(lanes.chain_of(start, step, logs=True), batch, frames)
    np.testing.assert_allclose(found.log_prob, log_prob, rtol=1e-12)
    possible = np.repeat(np.isfinite(log_prob), 6)
    assert 0 < possible.sum() < 240
    np.testing.assert_allclose(found.states[possible], states[possible], atol=1e-13)
    assert np.isnan(found.states[~possible]).all()


def test_the_only_state_is_certain_even_in_an_impossible_frame():
    frames = np.zeros((20, 1))
    frames[3] = -np.inf
    found = lanes.posterior(
        lanes.chain_of(np.ones(1), np.ones((1, 1)), logs=True), lanes.batch_of(np.array([10, 10])), frames
    )
    assert np.isneginf(found.log_prob[0]) and found.log_prob[1] == 0.0 and (found.states == 1.0).all()


def test_what_vanishes_for_a_while_is_not_lost():
    """State 1 is e^-800 times as likely as state 0 in one frame, and e^800 times in the next; nothing leads across."""
    start, step = np.array([0.5, 0.5]), np.eye(2)
    frames = np.array([[0.0, -800.0], [-900.0, 0.0], [0.0, -50.0]])
    check(start, step, [3] * 16, np.tile(frames, (16, 1)))


def test_transitions_that_are_almost_impossible():
    step = np.array([[1.0 - 1e-200, 1e-200], [1e-250, 1.0 - 1e-250]])
    frames = np.where(np.arange(20)[:, None] // 5 % 2 == np.arange(2), 0.0, -700.0)
    check(np.array([1.0, 0.0]), step, [10, 10], frames)


def test_a_left_right_chain():
    step = np.triu(np.ones((6, 6)))
    step /= step.sum(axis=1, keepdims=True)
    rng = np.random.default_rng(1)
    check(np.eye(6)[0], step, [12] * 20, frames_of(240, 6, rng, 3.0))


def test_a_long_sequence():
    rng = np.random.default_rng(2)
    check(*chain(3, rng), [1500, 1, 2], frames_of(1503, 3, rng, 4.0), tolerance=1e-9)


def test_a_frame_without_a_likelihood_is_told():
    start, step = chain(3, np.random.default_rng(3))
    frames = np.ones((30, 3))
    frames[14] = 1e-310
    own, batch = lanes.chain_of(start, step, logs=False), lanes.batch_of(np.full(3, 10))
    for found in (lanes.log_prob(own, batch, frames), lanes.posterior(own, batch, frames).log_prob):
        assert np.isneginf(found[1]) and np.isfinite(found[[0, 2]]).all()


def test_not_a_number_stays_one():
    start, step = chain(3, np.random.default_rng(4))
    frames = np.zeros((40, 3))
    frames[15, 1] = np.nan
    for logs in (True, False):
        own = lanes.chain_of(start, step, logs=logs)
        found = lanes.log_prob(own, lanes.batch_of(np.full(4, 10)), frames if logs else np.exp(frames))
        assert np.isnan(found[1]) and np.isfinite(found[[0, 2, 3]]).all()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 5),
    st.integers(1, 12),
    st.sampled_from([0.0, 0.6]),
    st.sampled_from([1.0, 500.0]),
    st.integers(0, 2**32 - 1),
)
def test_one_sequence_at_a_time(n_states, n, zeros, scale, seed):
    rng = np.random.default_rng(seed)
    start, step = chain(n_states, rng, zeros)
    frames = frames_of(n, n_states, rng, scale, impossible=0.1)
    own, transposed = sequences.hidden_chain(start, step), sequences.hidden_chain(start, step.T)
    alpha, beta = reference.forward(start, step, frames), reference.backward(step, frames)
    log_prob, forward = sequences.forward_log(own, frames)
    backward = sequences.backward_log(transposed, frames)
    np.testing.assert_allclose(forward, alpha, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(backward, beta, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(log_prob, np.logaddexp.reduce(alpha[-1]), rtol=1e-12, atol=1e-12)
    if np.isfinite(log_prob):
        with np.errstate(divide="ignore"):
            found = sequences.log_transitions(np.log(step), forward, frames + backward, log_prob)
        transitions = reference.posterior(start, step, frames)[2]
        np.testing.assert_allclose(np.exp(found), transitions, rtol=1e-9, atol=1e-12 * scale)


def test_scaled_passes_are_the_logarithms_ones():
    rng = np.random.default_rng(5)
    start, step = chain(4, rng)
    frames = frames_of(9, 4, rng)
    found = sequences.forward_scaled(sequences.hidden_chain(start, step), np.exp(frames))
    scaled_back = sequences.backward_scaled(sequences.hidden_chain(start, step.T), np.exp(frames), found.scales)
    log_scales = np.log(found.scales)
    np.testing.assert_allclose(
        np.log(found.lattice) - log_scales.cumsum()[:, None], reference.forward(start, step, frames)
    )
    np.testing.assert_allclose(
        np.log(scaled_back) - log_scales[::-1].cumsum()[::-1, None], reference.backward(step, frames), atol=1e-13
    )
    assert found.log_prob == pytest.approx(-log_scales.sum())


def test_viterbi_is_the_best_of_all_state_sequences():
    rng = np.random.default_rng(6)
    for n_states, n in ((1, 4), (2, 1), (3, 5), (2, 8)):
        start, step = chain(n_states, rng, 0.2)
        frames = frames_of(n, n_states, rng, 2.0, impossible=0.1)
        best = max(reference.log_joint(start, step, frames, s) for s in product(range(n_states), repeat=n))
        log_prob, states = sequences.viterbi(sequences.hidden_chain(start, step), frames)
        assert log_prob == pytest.approx(best, abs=1e-12)
        if np.isfinite(best):
            assert reference.log_joint(start, step, frames, states) == pytest.approx(best, abs=1e-12)


def test_of_equal_states_the_first_at_the_end_and_the_last_before():
    own = sequences.hidden_chain(np.full(3, 1 / 3), np.full((3, 3), 1 / 3))
    assert sequences.viterbi(own, np.zeros((3, 3)))[1].tolist() == [2, 2, 0]


def test_answers_do_not_depend_on_the_company():
    """A sequence by itself, and among others: the same bits."""
    rng = np.random.default_rng(7)
    start, step = chain(10, rng)
    lengths = rng.integers(1, 20, 50)
    batch, frames = lanes.batch_of(lengths), frames_of(lengths.sum(), 10, rng)
    own = lanes.chain_of(start, step, logs=True)
    together = lanes.posterior(own, batch, frames)
    for s in (0, 17, 49):
        rows = slice(batch.ends[s], batch.ends[s + 1])
        alone = lanes.posterior(own, lanes.batch_of(lengths[s : s + 1]), frames[rows])
        assert alone.log_prob[0] == together.log_prob[s] and (alone.states == together.states[rows]).all()
