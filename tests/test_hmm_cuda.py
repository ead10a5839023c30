"""Hidden Markov chains on a GPU: the twins against sums by the definition, and against the loops of the CPU."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import reference_hmm as reference
from device import run
from test_hmm import chain, expected, frames_of

from fastdgm.engines.hmm import lanes, sequences
from fastdgm.engines.hmm.loops import LOOPS as CPU_LOOPS

pytestmark = pytest.mark.gpu

LENGTHS = np.array([2, 5, 1, 3, 1, 1, 2, 1, 1, 4, 1, 1, 1, 2, 1, 1, 3, 1])  # two blocks of them
CLOSE = {"rtol": 1e-12, "atol": 1e-13}


@pytest.fixture(params=["shared memory", "global memory"])
def twins(request, monkeypatch):
    """Where transitions are."""
    from fastdgm.engines.hmm import loops_cuda

    size = loops_cuda.lanes_bytes
    if request.param == "global memory":
        monkeypatch.setattr(loops_cuda, "lanes_bytes", lambda n, transitions: size(n, False) + 49152 * transitions)
    return loops_cuda


def drawn(n_states, lengths=LENGTHS, *, zeros=0.2, scale=2.0):
    """Start, transitions, a batch and log-likelihoods."""
    rng = np.random.default_rng(n_states)
    return *chain(n_states, rng, zeros), lanes.batch_of(lengths), frames_of(lengths.sum(), n_states, rng, scale)


def score(twins, plan, batch, frames):
    """What log_prob_cuda answers."""
    answers = np.full((2, len(batch.order)), np.nan)
    run(twins.lanes_twin("log_prob", frames.shape[1]), len(batch.order), plan, batch.lanes, frames, answers)
    return answers


def posterior(twins, plan, batch, frames):
    """Lattice, transitions and answers, of the twin and of the loop."""
    n, k, n_groups = len(batch.order), frames.shape[1], lanes.n_groups(batch)
    found, same = (
        (np.full(frames.shape, np.nan), np.full((n_groups, k, k), np.nan), np.full((2, n), np.nan)) for _ in range(2)
    )
    run(twins.lanes_twin("posterior", k), n, plan, batch.lanes, frames, *found)
    CPU_LOOPS["posterior", "cpu"](0, n_groups, plan, batch.lanes, frames, *same)
    return found, same


@pytest.mark.parametrize("n_states", [1, 3, 6])
@pytest.mark.parametrize("logs", [True, False])
def test_log_prob(twins, n_states, logs):
    start, step, batch, frames = drawn(n_states)
    shown, plan = frames if logs else np.exp(frames), lanes.chain_of(start, step, logs=logs).lanes
    same = np.empty((2, len(LENGTHS)))
    found = score(twins, plan, batch, shown)
    CPU_LOOPS["log_prob", "cpu"](0, 2, plan, batch.lanes, shown, same)
    np.testing.assert_allclose(found, same, **CLOSE)
    np.testing.assert_allclose(found[0], expected(start, step, frames, batch.ends)[0][batch.order], **CLOSE)


@pytest.mark.parametrize("n_states", [1, 3, 6])
@pytest.mark.parametrize("logs", [True, False])
def test_posterior(twins, n_states, logs):
    start, step, batch, frames = drawn(n_states)
    plan = lanes.chain_of(start, step, logs=logs).lanes
    found, same = posterior(twins, plan, batch, frames if logs else np.exp(frames))
    for own, other in zip(found, same, strict=True):
        np.testing.assert_allclose(own, other, **CLOSE)
    log_prob, states, transitions = expected(start, step, frames, batch.ends)
    np.testing.assert_allclose(found[0], states, **CLOSE)
    np.testing.assert_allclose(found[1].sum(axis=0), transitions, **CLOSE)
    np.testing.assert_allclose(found[2][0], log_prob[batch.order], **CLOSE)


def test_a_lane_that_does_not_hold_is_told_and_taken_again_in_logarithms(twins):
    """As the CPU does it: sequence 1 loses a state for a while, sequence 2 is impossible, the others are well."""
    lengths, start, step = np.full(5, 3), np.array([0.5, 0.5]), np.eye(2)
    batch, frames = lanes.batch_of(lengths), np.random.default_rng(0).normal(size=(15, 2))
    frames[3:6] = [[0.0, -800.0], [-900.0, 0.0], [0.0, -50.0]]
    frames[7] = -np.inf
    own = lanes.chain_of(start, step, logs=True)
    found, same = posterior(twins, own.lanes, batch, frames)
    well = found[2][1] == 0
    assert well.tolist() == [True, False, False, True, True] and (found[2][1] == same[2][1]).all()
    np.testing.assert_allclose(found[1], same[1], **CLOSE)
    np.testing.assert_allclose(found[2][0][well], same[2][0][well], **CLOSE)
    answers, same_answers = score(twins, own.lanes, batch, frames), np.empty((2, 5))
    CPU_LOOPS["log_prob", "cpu"](0, 1, own.lanes, batch.lanes, frames, same_answers)
    np.testing.assert_array_equal(answers[1], same_answers[1])
    lattice, again = np.empty((6, 2)), np.empty(2)
    run(twins.sequence_twin("forward log", 2), 2, own.plain, np.array([0, 3, 6]), frames[3:9], lattice, again)
    np.testing.assert_allclose(again, lanes.log_prob(own, batch, frames)[1:3], **CLOSE)
    assert again[1] == -np.inf


def test_not_a_number_stays_one(twins):
    start, step, batch, frames = drawn(3, np.full(3, 2))
    frames[2, 1] = np.nan
    answers = score(twins, lanes.chain_of(start, step, logs=True).lanes, batch, frames)
    assert (answers[1] > 0).tolist() == [False, True, False] and np.isfinite(answers[0, [0, 2]]).all()


ENDS = np.array([0, 4, 5, 11])


@pytest.mark.parametrize("n_states", [1, 3, 6])
@pytest.mark.parametrize("scale", [1.0, 500.0])
def test_one_sequence_at_a_time(n_states, scale):
    from fastdgm.engines.hmm.loops_cuda import sequence_twin

    start, step, _, frames = drawn(n_states, np.diff(ENDS), zeros=0.4, scale=scale)
    own, transposed = sequences.hidden_chain(start, step), sequences.hidden_chain(start, step.T)
    alpha, log_prob, beta = np.empty(frames.shape), np.empty(3), np.empty(frames.shape)
    run(sequence_twin("forward log", n_states), 3, own, ENDS, frames, alpha, log_prob)
    run(sequence_twin("backward log", n_states), 3, transposed, ENDS, frames, beta)
    pieces = [frames[a:b] for a, b in pairwise(ENDS)]
    forward = [reference.forward(start, step, piece) for piece in pieces]
    close = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(alpha, np.concatenate(forward), **close)
    np.testing.assert_allclose(beta, np.concatenate([reference.backward(step, piece) for piece in pieces]), **close)
    np.testing.assert_allclose(log_prob, [np.logaddexp.reduce(each[-1]) for each in forward], **close)


def test_scaled_passes():
    from fastdgm.engines.hmm.loops_cuda import sequence_twin

    start, step, _, frames = drawn(4, np.diff(ENDS))
    frames = np.exp(frames)
    frames[4] = 1e-310  # a sequence without a likelihood
    own, transposed = sequences.hidden_chain(start, step), sequences.hidden_chain(start, step.T)
    found, same = ((np.zeros(frames.shape), np.zeros(11), np.empty(3)) for _ in range(2))
    run(sequence_twin("forward scaled", 4), 3, own, ENDS, frames, *found)
    CPU_LOOPS["forward scaled", "cpu"](0, 3, own, ENDS, frames, *same)
    rows = np.arange(11) != 4
    for one, other in zip(found[:2], same[:2], strict=True):
        np.testing.assert_allclose(one[rows], other[rows], **CLOSE)
    np.testing.assert_allclose(found[2], same[2], **CLOSE)
    assert found[2][1] == -np.inf
    back, same_back = np.empty(frames.shape), np.empty(frames.shape)
    run(sequence_twin("backward scaled", 4), 3, transposed, ENDS, frames, same[1], back)
    CPU_LOOPS["backward scaled", "cpu"](0, 3, transposed, ENDS, frames, same[1], same_back)
    np.testing.assert_allclose(back, same_back, **CLOSE)


@pytest.mark.parametrize("n_states", [1, 3])
def test_viterbi(n_states):
    from fastdgm.engines.hmm.loops_cuda import sequence_twin

    start, step, _, frames = drawn(n_states, np.diff(ENDS))
    own, states, log_prob = sequences.hidden_chain(start, step), np.empty(11, np.int64), np.empty(3)
    run(sequence_twin("viterbi in a lattice", n_states), 3, own, ENDS, frames, np.empty(frames.shape), states, log_prob)
    for s, (a, b) in enumerate(pairwise(ENDS)):
        ways = product(range(n_states), repeat=b - a)
        best = max(reference.log_joint(start, step, frames[a:b], way) for way in ways)
        assert log_prob[s] == pytest.approx(best, abs=1e-12)
        assert reference.log_joint(start, step, frames[a:b], states[a:b]) == pytest.approx(best, abs=1e-12)


def test_of_equal_states_the_first_at_the_end_and_the_last_before():
    from fastdgm.engines.hmm.loops_cuda import sequence_twin

    own, states = sequences.hidden_chain(np.full(3, 1 / 3), np.full((3, 3), 1 / 3)), np.empty(3, np.int64)
    frames, ends = np.zeros((3, 3)), np.array([0, 3])
    run(sequence_twin("viterbi in a lattice", 3), 1, own, ends, frames, np.empty((3, 3)), states, np.empty(1))
    assert states.tolist() == [2, 2, 0]


def test_too_many_states_are_refused():
    from fastdgm.engines.hmm.loops_cuda import lanes_twin, sequence_twin

    assert lanes_twin("posterior", 116).shared_bytes <= 49152
    assert lanes_twin("log_prob", 32).kernel is not lanes_twin("log_prob", 116).kernel
    with pytest.raises(ValueError, match="at most 116 hidden states, got 117"):
        lanes_twin("log_prob", 117)
    with pytest.raises(ValueError, match="at most 3072 hidden states, got 3073"):
        sequence_twin("forward log", 3073)
