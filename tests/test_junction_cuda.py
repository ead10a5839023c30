"""The twins of exact evidence against the CPU's engine."""

from __future__ import annotations

import numpy as np
import pytest
from test_junction import Network, evidence, network

from fastdgm.engines.junction import cuda_run
from fastdgm.engines.junction.buckets import bucket_tree
from fastdgm.engines.junction.cuda_run import CudaDense, Known
from fastdgm.engines.junction.dense import DenseEngine
from fastdgm.engines.junction.order import elimination_order
from fastdgm.kernels.junction_cuda import CudaAnswers, CudaEvidence
from fastdgm.kernels.junction_states_cuda import CudaDraws, CudaStates
from fastdgm.runtime.cuda_queue import CudaQueue

pytestmark = [pytest.mark.kernel, pytest.mark.gpu]

QUEUE, N, SOFT = CudaQueue(), 30, 3


@pytest.fixture(params=[1.0, 60.0], ids=["plain", "scaled"])
def net(request) -> Network:
    parents = [[], [0], [0, 1], [1], [2, 3], [4]]
    return network(parents, [2, 3, 2, 4, 2, 3], np.random.default_rng(0), zeros=0.2, power=request.param)


@pytest.fixture(params=["shared", "slabs"])
def memory(request, monkeypatch):
    """Where workspaces are."""
    if request.param == "slabs":
        monkeypatch.setattr(cuda_run, "SHARED_BYTES", 0)
        monkeypatch.setattr(cuda_run, "SLAB_BYTES", 1)  # one block


class Both:
    """Engines of both kinds, and what rows say."""

    def __init__(self, net: Network, soft: tuple[int, ...] = ()) -> None:
        tree = bucket_tree(net.families, net.n_states, elimination_order(net.families, net.n_states))
        self.net, self.n_cells = net, sum(net.n_states)
        self.cpu = DenseEngine(tree, net.families, net.tables, net.n_states)
        self.cuda = CudaDense(tree, net.families, net.tables, net.n_states)
        self.rows = evidence(net, N, 0.5, np.random.default_rng(1), soft=soft)
        self.known = Known(soft=tuple((v, 0) for v in soft))
        likelihoods = self.rows.likelihoods if soft else np.zeros((1, 1))
        self.there = CudaEvidence(QUEUE.to_device(self.rows.codes), QUEUE.to_device(likelihoods))
        self.status = QUEUE.to_device(np.array([N, N]))

    def answers(self, n_cells: int = 1) -> CudaAnswers:
        return CudaAnswers(QUEUE.empty((N,), np.float64), QUEUE.to_device(np.zeros(n_cells)), self.status)

    def check_log_p(self, log_p, expected) -> np.ndarray:
        """The same, but for rows that are flagged, of which the first is reported; returns which are answered."""
        found, status = QUEUE.to_host(log_p), QUEUE.to_host(self.status)
        fine = ~np.isnan(found)
        np.testing.assert_allclose(found[fine], expected[fine], rtol=1e-12, atol=1e-12)
        assert status[0] == (N if fine.all() else np.argmin(fine))
        impossible = fine & (expected == -np.inf)
        assert status[1] == (np.argmax(impossible) if impossible.any() else N)
        return fine


@pytest.mark.parametrize("soft", [(), (SOFT,)], ids=["hard", "soft"])
@pytest.mark.usefixtures("memory")
def test_log_evidence(net, soft):
    both, expected = Both(net, soft), np.empty(N)
    both.cpu.log_evidence(both.rows, expected)
    answers = both.answers()
    both.cuda.log_evidence(QUEUE, both.there, both.known, answers.log_p, both.status)
    assert both.check_log_p(answers.log_p, expected).sum() > N // 2


@pytest.mark.parametrize("soft", [(), (SOFT,)], ids=["hard", "soft"])
@pytest.mark.usefixtures("memory")
def test_marginals(net, soft):
    both, log_p = Both(net, soft), np.empty(N)
    expected = np.empty((both.n_cells, N))
    both.cpu.marginals(both.rows, log_p, expected)
    answers = both.answers(both.n_cells * N)
    both.cuda.marginals(QUEUE, both.there, both.known, answers)
    fine = both.check_log_p(answers.log_p, log_p)
    found, first = QUEUE.to_host(answers.cells), 0
    for k in net.n_states:
        own = found[first * N : (first + k) * N].reshape(N, k)
        np.testing.assert_allclose(own[fine], expected[first : first + k].T[fine], rtol=1e-11, atol=1e-14)
        first += k


@pytest.mark.parametrize("target", range(6))
def test_posterior_of_a_variable_whose_values_do_not_count(net, target):
    both, log_p = Both(net), np.empty(N)
    expected = np.empty((both.n_cells, N))
    codes = both.rows.codes.copy()
    codes[target] = 255
    both.cpu.marginals(both.rows._replace(codes=codes), log_p, expected)
    n_states = net.n_states[target]
    answers = both.answers(n_states * N)
    both.cuda.posterior(QUEUE, both.there, Known(frozenset({target})), target, answers)
    fine = both.check_log_p(answers.log_p, log_p)
    first = sum(net.n_states[:target])
    own = QUEUE.to_host(answers.cells).reshape(N, n_states)
    np.testing.assert_allclose(own[fine], expected[first : first + n_states].T[fine], rtol=1e-11, atol=1e-14)


def states(both: Both, n: int) -> CudaStates:
    return CudaStates(QUEUE.empty((len(both.net.n_states), n), np.uint8), both.status)


@pytest.mark.parametrize("soft", [(), (SOFT,)], ids=["hard", "soft"])
@pytest.mark.usefixtures("memory")
def test_most_probable(net, soft):
    both, log_p, codes = Both(net, soft), np.empty(N), np.empty((6, N), np.uint8)
    both.cpu.most_probable(both.rows, log_p, codes)
    found = states(both, N)
    both.cuda.most_probable(QUEUE, both.there, both.known, found)
    answered = slice(0, QUEUE.to_host(both.status)[0])
    expected = np.where(log_p > -np.inf, codes, both.rows.codes)
    np.testing.assert_array_equal(QUEUE.to_host(found.codes)[:, answered], expected[:, answered])


@pytest.mark.parametrize("n_per_row", [1, 3])
def test_draws(net, n_per_row):
    both, codes = Both(net), np.empty((6, N * n_per_row), np.uint8)
    known = np.repeat(both.rows.codes, n_per_row, axis=1)
    rows = np.arange(9, 9 + N * n_per_row, dtype=np.uint64)
    both.cpu.draw(both.rows._replace(codes=known, likelihoods=np.empty((0, N * n_per_row))), 3, rows, codes)
    found = states(both, N * n_per_row)
    both.cuda.draw(QUEUE, both.there, both.known, CudaDraws(np.uint64(3), np.uint64(9), n_per_row), found)
    answered = slice(0, QUEUE.to_host(both.status)[0] * n_per_row)
    expected = np.where((codes == 255).all(axis=0), known, codes)
    np.testing.assert_array_equal(QUEUE.to_host(found.codes)[:, answered], expected[:, answered])
