"""Sliced elimination against every joint state, and plain elimination in real networks."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest
import reference_evidence as reference
from random_nets import Plain, plain, random_net
from shared_data import shared

import fastdgm as fd
from fastdgm.data.evidence_rows import Evidence
from fastdgm.engines.junction.order import elimination_order
from fastdgm.engines.junction.sliced import SlicedEngine, TooManyCellsError

MISSING = 255


class Case:
    """A network, its engine, and rows of which some values are missing."""

    def __init__(self, net, seed=0, n=40, missing=0.5, soft=(), impossible=False, **options):
        self.families, self.n_states = reference.families_of(net.parents), tuple(net.sizes)
        self.tables = net.tables
        order = elimination_order(tuple(self.families), self.n_states)
        self.engine = SlicedEngine(self.tables, self.families, self.n_states, order, **options)
        self.n_vars, self.n = len(self.n_states), n
        rng = np.random.default_rng(seed)
        codes = rng.integers(0, np.array(self.n_states)[:, None], (self.n_vars, n))
        if not impossible:
            for i, row in enumerate(reference_samples(net, n, rng)):
                codes[:, i] = row
        codes[rng.random(codes.shape) < missing] = MISSING
        codes[list(soft)] = MISSING
        likelihoods = rng.random((sum(self.n_states[v] for v in soft), n)) * 3.0
        likelihoods[rng.random(likelihoods.shape) < 0.2] = 0.0
        first = 0
        for v in soft:  # nowhere all 0
            likelihoods[first] += likelihoods[first : first + self.n_states[v]].sum(axis=0) == 0.0
            first += self.n_states[v]
        self.evidence = Evidence(codes.astype(np.uint8), tuple(soft), likelihoods)
        rows = reference.rows_of(codes, MISSING)
        self.rows = reference.with_likelihoods(rows, soft, likelihoods, self.n_states)

    def log_evidence(self):
        out = np.empty(self.n)
        assert not self.engine.log_evidence(self.evidence, out).any()
        return out

    def marginals(self):
        log_p, out = np.empty(self.n), np.empty((sum(self.n_states), self.n))
        assert not self.engine.marginals(self.evidence, log_p, out).any()
        return log_p, out

    def most_probable(self):
        log_p, codes = np.empty(self.n), np.empty((self.n_vars, self.n), np.uint8)
        assert not self.engine.most_probable(self.evidence, log_p, codes).any()
        return log_p, codes

    def draw(self, key=7, start=0):
        codes = np.empty((self.n_vars, self.n), np.uint8)
        assert not self.engine.draw(self.evidence, key, np.arange(start, start + self.n, dtype=np.uint64), codes).any()
        return codes

    def expected_counts(self, weights):
        log_p, counts = np.empty(self.n), np.zeros(sum(table.size for table in self.tables))
        assert not self.engine.expected_counts(self.evidence, weights, log_p, counts).any()
        ends = list(accumulate(table.size for table in self.tables))
        parts = np.split(counts, ends[:-1])
        return log_p, [own.reshape(table.shape) for own, table in zip(parts, self.tables, strict=True)]


def reference_samples(net, n, rng):
    """Rows by the chain rule."""
    order: list[int] = []
    while len(order) < len(net.tables):
        order += [v for v, own in enumerate(net.parents) if v not in order and set(own) <= set(order)]
    for _ in range(n):
        row = [0] * len(order)
        for v in order:
            own = net.tables[v][tuple(row[p] for p in net.parents[v])]
            row[v] = int(rng.choice(len(own), p=own / own.sum()))
        yield row


def check(case):
    """All answers of all rows."""
    expected = np.array([reference.log_evidence(case.tables, case.families, row) for row in case.rows])
    np.testing.assert_allclose(case.log_evidence(), expected, rtol=1e-12, atol=1e-12)
    log_p, posterior = case.marginals()
    np.testing.assert_allclose(log_p, expected, rtol=1e-12, atol=1e-12)
    best, states = case.most_probable()
    total = [np.zeros(table.shape) for table in case.tables]
    weights = np.random.default_rng(1).random(case.n)
    for i, row in enumerate(case.rows):
        if expected[i] == -np.inf:
            assert np.isnan(posterior[:, i]).all() and (states[:, i] == MISSING).all() and best[i] == -np.inf
            continue
        marginals = reference.marginals(case.tables, case.families, row)
        np.testing.assert_allclose(posterior[:, i], np.concatenate(marginals), rtol=1e-10, atol=1e-13)
        largest, _ = reference.most_probable(case.tables, case.families, row)
        np.testing.assert_allclose(best[i], largest, rtol=1e-12, atol=1e-12)
        own = reference.log_probability(case.tables, case.families, row, states[:, i])
        np.testing.assert_allclose(own, largest, rtol=1e-12, atol=1e-12)
        for v, counts in enumerate(reference.expected_counts(case.tables, case.families, row)):
            total[v] += weights[i] * counts
    log_p, counts = case.expected_counts(weights)
    np.testing.assert_allclose(log_p, expected, rtol=1e-12, atol=1e-12)
    for own, wanted in zip(counts, total, strict=True):
        np.testing.assert_allclose(own, wanted, rtol=1e-10, atol=1e-12)
    for i, states in enumerate(case.draw().T):
        if expected[i] == -np.inf:
            assert (states == MISSING).all()
        else:
            assert reference.log_probability(case.tables, case.families, case.rows[i], states) > -np.inf


@pytest.mark.kernel
@pytest.mark.parametrize("seed", range(12))
def test_all_answers_are_those_over_every_joint_state(seed):
    net = plain(random_net(seed, n_vars=7))
    check(Case(net, seed, missing=(0.2, 0.5, 0.8, 1.0)[seed % 4], impossible=seed % 3 == 0))


@pytest.mark.kernel
@pytest.mark.parametrize("seed", range(6))
def test_likelihoods(seed):
    check(Case(plain(random_net(seed, n_vars=6)), seed, missing=0.4, soft=(1, 4)))


@pytest.mark.kernel
def test_draws_have_the_posterior_distribution():
    net = plain(random_net(4, n_vars=6, max_states=3))
    case = Case(net, 4, n=1, missing=0.7)  # some variables are barren
    n = 40_000
    codes = np.repeat(case.evidence.codes, n, axis=1)
    drawn = np.empty_like(codes)
    case.engine.draw(Evidence(codes, (), np.empty((0, n))), 5, np.arange(n, dtype=np.uint64), drawn)
    joint = reference.weighted_joint(case.tables, case.families, case.rows[0])
    assert_frequencies(drawn, joint / joint.sum())


def assert_frequencies(codes, joint):
    """Chi-square over the joint states, those expected less than five times taken together."""
    n = codes.shape[1]
    counts = np.bincount(np.ravel_multi_index(list(codes), joint.shape), minlength=joint.size)
    expected = n * joint.ravel()
    assert (counts[expected == 0.0] == 0).all()
    often = expected >= 5.0
    assert often.sum() > 1
    statistic = ((counts - expected)[often] ** 2 / expected[often]).sum()
    assert statistic < often.sum() + 5.0 * np.sqrt(2.0 * often.sum())


@pytest.mark.kernel
def test_answers_depend_on_the_row_alone():
    case = Case(plain(random_net(5, n_vars=7)), 5, n=60, missing=0.5, soft=(2,))
    log_p, (_, posterior), drawn = case.log_evidence(), case.marginals(), case.draw(start=100)
    order = np.random.default_rng(0).permutation(case.n)
    for rows in (order[:17], order[17:18], order[18:]):
        own = Evidence(case.evidence.codes[:, rows], (2,), case.evidence.likelihoods[:, rows])
        out, cells = np.empty(len(rows)), np.empty((len(posterior), len(rows)))
        case.engine.log_evidence(own, out)
        assert (out == log_p[rows]).all()
        case.engine.marginals(own, out, cells)
        np.testing.assert_array_equal(cells, posterior[:, rows])
        codes = np.empty((case.n_vars, len(rows)), np.uint8)
        case.engine.draw(own, 7, rows.astype(np.uint64) + np.uint64(100), codes)
        assert (codes == drawn[:, rows]).all()


@pytest.mark.kernel
def test_likelihoods_that_tell_nothing_are_no_evidence():
    net = plain(random_net(2, n_vars=6))
    case = Case(net, 2, soft=(1,))
    flat = Evidence(case.evidence.codes, (1,), np.full((case.n_states[1], case.n), 0.25))
    without = Evidence(case.evidence.codes, (), np.empty((0, case.n)))
    log_p, expected = np.empty(case.n), np.empty(case.n)
    case.engine.log_evidence(flat, log_p)
    case.engine.log_evidence(without, expected)
    np.testing.assert_allclose(log_p, expected + np.log(0.25), rtol=1e-14)


@pytest.mark.kernel
def test_rows_with_too_many_cells_are_refused_by_size():
    case = Case(plain(random_net(4, n_vars=7)), 4, missing=1.0, most_cells=3)
    with pytest.raises(TooManyCellsError, match=r"hidden variables of row 0 take 393 cells, .* bytes; at most 3 cells"):
        case.marginals()


@pytest.mark.kernel
def test_full_programs_are_lowered_again(monkeypatch):
    monkeypatch.setattr("fastdgm.engines.junction.sliced_memory.WORDS", 16)
    monkeypatch.setattr("fastdgm.engines.junction.sliced_memory.SLOTS", 4)
    check(Case(plain(random_net(1, n_vars=7)), 1, missing=0.6))


def test_programs_of_one_row_that_do_not_fit_get_more_room(monkeypatch):
    """Variables without arcs between them are components of their own."""
    monkeypatch.setattr("fastdgm.engines.junction.sliced_memory.SLOTS", 2)
    rng = np.random.default_rng(0)
    tables, parents = [], []
    for v in range(6):  # a parent with likelihoods, and a known child
        parents += [[], [2 * v]]
        tables += [rng.dirichlet(np.ones(2)), rng.dirichlet(np.ones(3), 2)]
    check(Case(Plain(parents, tables), 1, missing=0.0, soft=range(0, 12, 2)))


def chain(n, rare):
    """x0 -> x1 -> ... of three states, each with a child that is rare under all of them."""
    rng = np.random.default_rng(0)
    parents, tables = [], []
    for t in range(n):
        parents.append([2 * t - 2] if t else [])
        tables.append(rng.dirichlet(np.ones(3), 3 if t else None))
        seen = rare * rng.uniform(0.5, 1.0, 3)
        parents.append([2 * t])
        tables.append(np.stack([seen, 1.0 - seen], axis=1))
    return Plain(parents, tables)


@pytest.mark.kernel
def test_probabilities_beyond_the_range_of_floats():
    net = chain(70, 1e-20)
    case = Case(net, n=2, missing=0.0)
    case.evidence.codes[::2] = MISSING
    case.evidence.codes[1::2] = 0
    case.rows = reference.rows_of(case.evidence.codes, MISSING)
    expected = reference.eliminated_log_evidence(net.tables, case.families, case.rows[0])
    assert expected < -3000.0
    np.testing.assert_allclose(case.log_evidence(), expected, rtol=1e-13)
    log_p, posterior = case.marginals()
    np.testing.assert_allclose(log_p, expected, rtol=1e-13)
    for v in (0, 60, 138):
        own = reference.eliminated_marginal(net.tables, case.families, case.rows[0], v)
        first = sum(net.sizes[:v])
        np.testing.assert_allclose(posterior[first : first + 3, 0], own, rtol=1e-11)
    _, counts = case.expected_counts(np.ones(2))
    own = reference.eliminated_family(net.tables, case.families, case.rows[0], 60)
    np.testing.assert_allclose(counts[60], 2.0 * own, rtol=1e-11)
    best, states = case.most_probable()
    found = reference.log_probability(net.tables, case.families, case.rows[0], states[:, 0])
    np.testing.assert_allclose(best, found, rtol=1e-13)


def binary_chain(n):
    rng = np.random.default_rng(n)
    return Plain(
        [[t - 1] if t else [] for t in range(n)], [rng.dirichlet(np.ones(2), 2 if t else None) for t in range(n)]
    )


@pytest.mark.kernel
def test_scratch_memory_outlives_what_points_to_it():
    """Chains long enough for scratch of their own, again and again, other memory being taken and given back between."""
    cases, expected = [], []
    for n in (300, 2400):
        case = Case(binary_chain(n), n=1, missing=0.0, impossible=True)  # any states: no table has a zero
        hidden = [n // 3, n // 3 + 1]
        states = case.evidence.codes[:, 0].astype(int)
        case.evidence.codes[hidden] = MISSING
        case.rows = reference.rows_of(case.evidence.codes, MISSING)
        logs = np.empty((2, 2))
        for i, k in np.ndindex(2, 2):
            states[hidden] = i, k
            logs[i, k] = reference.log_probability(case.tables, case.families, case.rows[0], states)
        cases.append((case, hidden, states))
        total = np.logaddexp.reduce(logs.ravel())
        expected.append((total, np.exp(logs - total)))
    rng = np.random.default_rng(0)
    for _ in range(60):
        for (case, (first, second), states), (total, joint) in zip(cases, expected, strict=True):
            other = [np.full(int(size), np.nan) for size in rng.integers(1, 5000, 20)]
            log_p, posterior = case.marginals()
            del other
            np.testing.assert_allclose([case.log_evidence()[0], log_p[0]], total, rtol=1e-12)
            np.testing.assert_allclose(posterior[2 * first : 2 * first + 2, 0], joint.sum(axis=1), rtol=1e-10)
            np.testing.assert_allclose(posterior[2 * second : 2 * second + 2, 0], joint.sum(axis=0), rtol=1e-10)
            _, counts = case.expected_counts(np.ones(1))
            np.testing.assert_allclose(counts[second], joint, rtol=1e-10)
            best, drawn = case.most_probable()[1][:, 0], case.draw()[:, 0]
            assert (best[first], best[second]) == np.unravel_index(joint.argmax(), (2, 2))
            known = np.delete(np.arange(case.n_vars), [first, second])
            assert (best[known] == states[known]).all() and (drawn[known] == states[known]).all()


@pytest.mark.kernel
def test_rows_whose_numbers_vanish_are_flagged_and_count_nothing():
    tables = [np.array([0.5, 0.5])] + [np.array([[1e-290, 1.0], [0.5, 0.5]])] * 6
    net = Plain([[], *[[0]] * 6], tables)
    case = Case(net, n=2, missing=0.0)
    case.evidence.codes[0] = MISSING
    case.evidence.codes[1:, 0] = 0  # 1e-1740 against 2^-7
    case.evidence.codes[1:, 1] = 1
    log_p, counts = np.empty(2), np.zeros(sum(table.size for table in tables))
    assert case.engine.log_evidence(case.evidence, log_p).tolist() == [True, False]
    np.testing.assert_allclose(log_p[1], np.log(0.5 + 0.5**7), rtol=1e-13)
    flagged = case.engine.expected_counts(case.evidence, np.ones(2), log_p, counts)
    assert flagged.tolist() == [True, False]
    np.testing.assert_allclose(counts.sum(), 7.0, rtol=1e-13)


@pytest.mark.parametrize("name", ["insurance", "hailfinder"])
def test_real_networks_by_plain_elimination(name):
    net = plain(fd.read(shared(f"bif/{name}.bif.gz")))
    case = Case(net, n=6, missing=0.5)
    log_p, (_, posterior) = case.log_evidence(), case.marginals()
    for i, row in enumerate(case.rows):
        expected = reference.eliminated_log_evidence(case.tables, case.families, row)
        np.testing.assert_allclose(log_p[i], expected, rtol=1e-12)
        for v in (0, case.n_vars // 2, case.n_vars - 1):
            own = reference.eliminated_marginal(case.tables, case.families, row, v)
            first = sum(case.n_states[:v])
            np.testing.assert_allclose(posterior[first : first + len(own), i], own, rtol=1e-10, atol=1e-13)
