"""The engine of small trees against every joint state, one by one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import reference_evidence as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdgm.data.evidence_rows import Evidence, missing_code
from fastdgm.engines.junction.buckets import bucket_tree
from fastdgm.engines.junction.dense import DenseEngine
from fastdgm.engines.junction.order import elimination_order
from fastdgm.kernels.junction_vectors import LANES

pytestmark = [pytest.mark.kernel, pytest.mark.generic_cpu]


class Network(NamedTuple):
    families: tuple[tuple[int, ...], ...]
    tables: list[np.ndarray]
    n_states: tuple[int, ...]

    def engine(self) -> DenseEngine:
        order = elimination_order(self.families, self.n_states)
        tree = bucket_tree(self.families, self.n_states, order)
        return DenseEngine(tree, self.families, self.tables, self.n_states)


def network(parents, n_states, rng, zeros=0.0, equal=0.0, power=1.0) -> Network:
    """Random tables, some of whose cells are 0 and some of whose rows are equal."""
    families = tuple((*own, v) for v, own in enumerate(parents))
    tables = []
    for family in families:
        shape = [n_states[v] for v in family]
        table = rng.gamma(1.0, size=shape) ** power
        table[rng.random(shape) < zeros] = 0.0
        table[..., 0] += table.sum(axis=-1) == 0.0
        rows = table.reshape(-1, shape[-1])
        rows[rng.random(len(rows)) < equal] = rows[0]
        tables.append(table / table.sum(axis=-1, keepdims=True))
    return Network(families, tables, tuple(n_states))


def evidence(net: Network, n, missing, rng, soft=()) -> Evidence:
    dtype = np.uint8 if max(net.n_states) < 256 else np.uint16
    codes = np.array([rng.integers(0, k, n) for k in net.n_states], dtype)
    codes[rng.random(codes.shape) < missing] = missing_code(dtype)
    codes[list(soft)] = missing_code(dtype)
    likelihoods = rng.gamma(0.5, size=(sum(net.n_states[v] for v in soft), n))
    likelihoods[rng.random(likelihoods.shape) < 0.2] = 0.0
    return Evidence(codes, tuple(soft), likelihoods)


class Answers(NamedTuple):
    log_p: np.ndarray
    marginals: np.ndarray
    log_max: np.ndarray
    states: np.ndarray
    draws: np.ndarray
    counts: np.ndarray


def answers(engine: DenseEngine, net: Network, known: Evidence, first_row=0) -> Answers:
    """Of all verbs, and that they agree on log p(e)."""
    n = known.codes.shape[1]
    log_p, same, log_max = np.empty((3, n))
    marginals = np.empty((sum(net.n_states), n))
    states, draws = np.empty_like(known.codes), np.empty_like(known.codes)
    counts = np.zeros(sum(table.size for table in net.tables))
    engine.log_evidence(known, log_p)
    engine.marginals(known, same, marginals)
    np.testing.assert_allclose(same, log_p, rtol=1e-12, atol=1e-12)
    engine.expected_counts(known, np.ones(n), same, counts)
    np.testing.assert_allclose(same, log_p, rtol=1e-12, atol=1e-12)
    engine.most_probable(known, log_max, states)
    engine.draw(known, 7, np.arange(first_row, first_row + n, dtype=np.uint64), draws)
    return Answers(log_p, marginals, log_max, states, draws, counts)


def rows_of(net: Network, known: Evidence) -> list:
    rows = reference.rows_of(known.codes, missing_code(known.codes.dtype))
    return reference.with_likelihoods(rows, known.soft, known.likelihoods, net.n_states)


def check(net: Network, known: Evidence) -> None:
    """All answers against the joint."""
    found = answers(net.engine(), net, known)
    missing = missing_code(known.codes.dtype)
    counts = [np.zeros(table.shape) for table in net.tables]
    for i, row in enumerate(rows_of(net, known)):
        log_p = reference.log_evidence(net.tables, net.families, row)
        if log_p == -np.inf:
            assert found.log_p[i] == -np.inf and found.log_max[i] == -np.inf
            assert np.isnan(found.marginals[:, i]).all()
            assert (found.states[:, i] == missing).all() and (found.draws[:, i] == missing).all()
            continue
        np.testing.assert_allclose(found.log_p[i], log_p, rtol=1e-12, atol=1e-12)
        exact = np.concatenate(reference.marginals(net.tables, net.families, row))
        np.testing.assert_allclose(found.marginals[:, i], exact, rtol=1e-11, atol=1e-14)
        largest, _ = reference.most_probable(net.tables, net.families, row)
        np.testing.assert_allclose(found.log_max[i], largest, rtol=1e-12, atol=1e-12)
        states = found.states[:, i].tolist()
        np.testing.assert_allclose(
            reference.log_probability(net.tables, net.families, row, states), largest, atol=1e-11
        )
        drawn = found.draws[:, i].tolist()
        assert reference.log_probability(net.tables, net.families, row, drawn) > -np.inf
        for own, more in zip(counts, reference.expected_counts(net.tables, net.families, row), strict=True):
            own += more
    np.testing.assert_allclose(found.counts, np.concatenate([own.ravel() for own in counts]), rtol=1e-10, atol=1e-12)


@st.composite
def networks(draw):
    n_states = draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    parents = [draw(st.sets(st.integers(0, v - 1), max_size=3)) if v else set() for v in range(len(n_states))]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    zeros, equal = draw(st.sampled_from([0.0, 0.3])), draw(st.sampled_from([0.0, 0.5]))
    net = network([sorted(own) for own in parents], n_states, rng, zeros, equal)
    soft = sorted(draw(st.sets(st.integers(0, len(n_states) - 1), max_size=2)))
    return net, evidence(net, draw(st.integers(1, 5)), draw(st.sampled_from([0.2, 0.7, 1.0])), rng, soft)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_every_answer_is_that_of_the_joint(case):
    check(*case)


CHAIN = [[], [0], [1], [2], [3], [4], [5]]


@pytest.fixture(scope="module")
def chain() -> Network:
    return network(CHAIN, [3] * len(CHAIN), np.random.default_rng(3), zeros=0.2)


def test_rows_do_not_depend_on_their_neighbours(chain):
    """Any tile, lane and order gives the same bits."""
    rng = np.random.default_rng(4)
    known = evidence(chain, 2 * LANES + 5, 0.5, rng, soft=(2,))
    engine, whole = chain.engine(), answers(chain.engine(), chain, known)
    for begin, end in [(0, 1), (3, 3 + LANES), (LANES - 1, 2 * LANES + 5), (7, 7)]:
        part = Evidence(known.codes[:, begin:end], known.soft, known.likelihoods[:, begin:end])
        found = answers(engine, chain, part, begin)
        for own, all_rows in zip(found[:5], whole[:5], strict=True):
            np.testing.assert_array_equal(own, all_rows[..., begin:end])
    order = rng.permutation(known.codes.shape[1])
    turned = answers(engine, chain, Evidence(known.codes[:, order], known.soft, known.likelihoods[:, order]))
    np.testing.assert_array_equal(turned.marginals, whole.marginals[:, order])
    np.testing.assert_array_equal(turned.states, whole.states[:, order])


def test_log_p_telescopes(chain):
    """The sum over the states of a variable of p(e, x) is p(e), and their shares are its marginals."""
    known = evidence(chain, 40, 0.6, np.random.default_rng(5))
    known.codes[3] = missing_code(known.codes.dtype)
    engine = chain.engine()
    found = answers(engine, chain, known)
    possible = found.log_p > -np.inf
    for k in range(3):
        codes = known.codes.copy()
        codes[3] = k
        log_p = answers(engine, chain, known._replace(codes=codes)).log_p
        share = np.exp(log_p[possible] - found.log_p[possible])
        np.testing.assert_allclose(share, found.marginals[9 + k, possible], rtol=1e-12, atol=1e-14)


def test_what_is_observed_is_certain(chain):
    known = evidence(chain, 50, 0.3, np.random.default_rng(6))
    found = answers(chain.engine(), chain, known)
    possible = found.log_p > -np.inf
    for v in range(len(chain.n_states)):
        observed = possible & (known.codes[v] != 255)
        one_hot = np.eye(3)[:, known.codes[v, observed]]
        np.testing.assert_array_equal(found.marginals[3 * v : 3 * v + 3, observed], one_hot)


@pytest.mark.parametrize("k", [255, 256, 300])
def test_many_states(k):
    """Codes of two bytes, and sums over more cells than are unrolled."""
    net = network([[], [0]], [k, 3], np.random.default_rng(7))
    check(net, evidence(net, 6, 0.6, np.random.default_rng(8)))


def test_networks_that_hang_together_in_no_way_and_single_states():
    net = network([[], [], [], [1]], [1, 2, 3, 1], np.random.default_rng(9))
    check(net, evidence(net, 8, 0.5, np.random.default_rng(10)))


def test_no_rows(chain):
    found = answers(chain.engine(), chain, evidence(chain, 0, 0.5, np.random.default_rng(11)))
    assert found.log_p.shape == (0,) and not found.counts.any()


def test_draws_follow_the_posterior(chain):
    """Pairs of neighbours: a chi-square test."""
    known = evidence(chain, 1, 1.0, np.random.default_rng(12))
    known.codes[3] = 1
    n = 20000
    many = Evidence(np.repeat(known.codes, n, axis=1), (), np.empty((0, n)))
    draws = np.empty_like(many.codes)
    chain.engine().draw(many, 5, np.arange(n, dtype=np.uint64), draws)
    (row,) = rows_of(chain, known)
    for v in (1, 2, 5):
        expected = n * reference.expected_counts(chain.tables, chain.families, row)[v].ravel()
        seen = np.bincount(3 * draws[v - 1].astype(int) + draws[v], minlength=9)
        assert not seen[expected == 0.0].any()
        some = expected > 0.0
        assert ((seen[some] - expected[some]) ** 2 / expected[some]).sum() < 30.0


# --- numbers that leave the range of float64 ---------------------------------------------------------------------


def log_joint(net: Network, row) -> np.ndarray:
    """log p(x) L(x) of every joint state."""
    total = np.zeros(net.n_states)
    with np.errstate(divide="ignore"):
        for family, table in zip(net.families, net.tables, strict=True):
            shape = [net.n_states[v] if v in family else 1 for v in range(len(net.n_states))]
            total = total + np.log(table).transpose(np.argsort(family)).reshape(shape)
        for v, known in enumerate(row):
            shape = [net.n_states[v] if u == v else 1 for u in range(len(net.n_states))]
            total = total + np.log(reference.likelihood(known, net.n_states[v])).reshape(shape)
    return total


def check_in_logarithms(net: Network, known: Evidence) -> None:
    found = answers(net.engine(), net, known)
    counts = [np.zeros(table.shape) for table in net.tables]
    for i, row in enumerate(rows_of(net, known)):
        joint = log_joint(net, row)
        np.testing.assert_allclose(found.log_p[i], np.logaddexp.reduce(joint, axis=None), rtol=1e-12)
        share = np.exp(joint - found.log_p[i])
        exact = [share.sum(axis=tuple(u for u in range(joint.ndim) if u != v)) for v in range(joint.ndim)]
        np.testing.assert_allclose(found.marginals[:, i], np.concatenate(exact), rtol=1e-9, atol=1e-13)
        np.testing.assert_allclose(found.log_max[i], joint.max(), rtol=1e-12)
        np.testing.assert_allclose(joint[tuple(found.states[:, i])], joint.max(), rtol=1e-12)
        assert joint[tuple(found.draws[:, i])] > -np.inf
        for own, family in zip(counts, net.families, strict=True):
            own += share.sum(axis=tuple(v for v in range(joint.ndim) if v not in family)).transpose(
                np.argsort(np.argsort(family))
            )
    np.testing.assert_allclose(found.counts, np.concatenate([own.ravel() for own in counts]), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("shape", ["chain", "naive Bayes", "tree"])
def test_hundreds_of_variables(shape):
    """log p(e) is below the logarithm of what float64 holds; of naive Bayes also the ratio of the classes."""
    parents = {
        "chain": [[], *([v] for v in range(399))],
        "naive Bayes": [[], *([0] for _ in range(399))],
        "tree": [[], *([v // 3] for v in range(399))],
    }[shape]
    rng = np.random.default_rng(13)
    net = network(parents, [2] * 400, rng, power=8.0)
    known = evidence(net, 2, 0.3, rng)
    known.codes[0] = missing_code(known.codes.dtype)
    found = answers(net.engine(), net, known)
    for i, row in enumerate(rows_of(net, known)):
        exact = [reference.eliminated_log_evidence(net.tables, net.families, [k, *row[1:]]) for k in range(2)]
        np.testing.assert_allclose(found.log_p[i], np.logaddexp(*exact), rtol=1e-11)
        np.testing.assert_allclose(found.marginals[:2, i], np.exp(exact - np.logaddexp(*exact)), rtol=1e-9, atol=1e-13)
        largest = reference.log_probability(net.tables, net.families, row, found.states[:, i].tolist())
        np.testing.assert_allclose(found.log_max[i], largest, rtol=1e-11)
        drawn = reference.log_probability(net.tables, net.families, row, found.draws[:, i].tolist())
        assert -np.inf < drawn <= largest + 1e-6
    assert (found.log_p < -760.0).all()
    np.testing.assert_allclose(found.counts.sum(), 800, rtol=1e-10)


@pytest.mark.parametrize("power", [10.0, 40.0, 150.0])
def test_tables_with_tiny_cells(power):
    """Cells as small as 1e-300, and products of them that float64 does not hold."""
    rng = np.random.default_rng(14)
    net = network([[], [0], [0, 1], [1], [2, 3], [4], [4, 5]], [3] * 7, rng, power=power)
    check_in_logarithms(net, evidence(net, 12, 0.4, rng))


@pytest.mark.parametrize("size", [1e-300, 1e-150, 1e150, 1e300])
def test_likelihoods_of_any_size(size):
    rng = np.random.default_rng(15)
    net = network([[], [0], [1], [1]], [3] * 4, rng)
    known = evidence(net, 9, 1.0, rng, soft=(0, 2, 3))
    known = known._replace(likelihoods=(known.likelihoods + 0.1) * size)
    check_in_logarithms(net, known)
    wide = known.likelihoods.copy()
    wide[::3] *= 1e-200 if size > 1.0 else 1e200
    check_in_logarithms(net, known._replace(likelihoods=wide))
