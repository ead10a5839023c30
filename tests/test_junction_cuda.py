"""The twins of exact evidence against the CPU loops."""

from __future__ import annotations

import numpy as np
import pytest
from device import run
from test_junction import Network, evidence, network

from fastdgm.engines.junction.buckets import bucket_tree
from fastdgm.engines.junction.dense import DenseEngine
from fastdgm.engines.junction.dense_program import counts_program, evidence_program, marginals_program, states_plan
from fastdgm.engines.junction.dense_steps import lowered
from fastdgm.engines.junction.loops import LOOPS
from fastdgm.engines.junction.loops_cuda import LOOPS as TWINS
from fastdgm.engines.junction.order import elimination_order
from fastdgm.kernels.junction import DenseAnswers, new_scratch
from fastdgm.kernels.junction_states import FoundStates
from fastdgm.kernels.junction_vectors import COUNT_LANES, LANES

pytestmark = [pytest.mark.kernel, pytest.mark.gpu]

THREADS = 8  # columns of the scratch on the device


@pytest.fixture(params=[1.0, 60.0], ids=["plain", "scaled"])
def net(request) -> Network:
    parents = [[], [0], [0, 1], [1], [2, 3], [4]]
    return network(parents, [2, 3, 2, 4, 2, 3], np.random.default_rng(0), zeros=0.2, power=request.param)


def steps(net: Network, merged: bool):
    tree = bucket_tree(net.families, net.n_states, elimination_order(net.families, net.n_states))
    return lowered(tree, net.families, net.tables, net.n_states, merged=merged)


def given(net: Network):
    """Whole tiles, some of whose variables have likelihoods."""
    known = evidence(net, 2 * LANES, 0.5, np.random.default_rng(1), soft=(3,))
    tree = bucket_tree(net.families, net.n_states, elimination_order(net.families, net.n_states))
    return DenseEngine(tree, net.families, net.tables, net.n_states).read(known)


@pytest.mark.parametrize("verb", ["log evidence", "marginals", "counts"])
def test_answers(net, verb):
    n, known = 2 * LANES, given(net)
    if verb == "counts":
        program, counted = counts_program(steps(net, False), net.families)
        n_cells, n_counts = 0, counted.n_cells
    else:
        program = (evidence_program if verb == "log evidence" else marginals_program)(steps(net, True))
        n_cells, n_counts = (sum(net.n_states) if verb == "marginals" else 0), 0
    weights = np.random.default_rng(2).random(n)
    found = [
        DenseAnswers(np.zeros(n, np.bool_), np.zeros(n), np.zeros(n_cells * n), n if n_cells else 0, counts)
        for counts in np.zeros((2, n_counts, COUNT_LANES))
    ]
    LOOPS["answer", "cpu"](0, n, program, known, weights, new_scratch(program), found[0])
    run(TWINS["answer", "cuda"], n, program, known, weights, new_scratch(program, THREADS), found[1])
    np.testing.assert_array_equal(found[0].flagged, found[1].flagged)
    fine = ~found[0].flagged
    np.testing.assert_allclose(found[0].log_p[fine], found[1].log_p[fine], rtol=1e-12, atol=1e-12)
    marginals = [own.marginals.reshape(-1, n)[:, fine] for own in found]
    np.testing.assert_allclose(*marginals, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(*(own.counts.sum(axis=1) for own in found), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("verb", ["most probable", "draw"])
def test_states(net, verb):
    n, known, plan = 2 * LANES, given(net), states_plan(steps(net, False))
    drawn = (np.uint64(3), np.arange(n, dtype=np.uint64) + np.uint64(9)) if verb == "draw" else ()
    shape = (len(net.n_states), n)
    found = [FoundStates(np.zeros(n, np.bool_), np.zeros(n), np.zeros(shape, np.uint8)) for _ in range(2)]
    LOOPS[verb, "cpu"](0, n, *drawn, plan, known, new_scratch(plan.program), found[0])
    run(TWINS[verb, "cuda"], n, *drawn, plan, known, new_scratch(plan.program, THREADS), found[1])
    np.testing.assert_array_equal(found[0].flagged, found[1].flagged)
    fine = ~found[0].flagged
    np.testing.assert_allclose(found[0].log_p[fine], found[1].log_p[fine], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(found[0].codes[:, fine], found[1].codes[:, fine])
