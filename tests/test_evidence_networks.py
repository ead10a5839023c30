"""Rows with missing values of real networks: laws of probability, the oracle, what answers may not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import reference_evidence as reference
from partial_rows import (
    FEW_ROWS,
    MISSING,
    known,
    network,
    partial_rows,
    reference_form,
    rows_of,
    with_state,
)

import fastdgm as fd
from fastdgm.data.evidence_rows import Evidence, as_evidence
from fastdgm.engines.junction.dense import DenseEngine
from fastdgm.engines.junction.engine import DENSE_CELLS
from fastdgm.engines.junction.sliced import SlicedEngine


@pytest.fixture(scope="module", params=[*fd.example_names(), *FEW_ROWS])
def net_and_rows(request):
    """A real network, and rows of it."""
    net = network(request.param)
    return net, rows_of(net, request.param)


def test_the_sum_over_the_states_of_a_variable_is_the_probability_without_it(net_and_rows):
    net, rows = net_and_rows
    columns = np.random.default_rng(0).integers(0, len(net), len(rows))
    sizes = np.array([len(net.states[name]) for name in net.names])[columns]
    terms = np.full((sizes.max(), len(rows)), -np.inf)
    for k in range(sizes.max()):
        own = k < sizes
        terms[k, own] = net.log_prob(with_state(rows, columns, k)[own])
    total = net.log_prob(with_state(rows, columns, MISSING))
    np.testing.assert_allclose(np.logaddexp.reduce(terms, axis=0), total, rtol=1e-12, atol=1e-11)
    found = net.marginals(with_state(rows, columns, MISSING))
    for i, v in enumerate(columns):
        np.testing.assert_allclose(found[net.names[v]][i], np.exp(terms[: sizes[i], i] - total[i]), atol=1e-11)


def test_nothing_known_is_certain(net_and_rows):
    net, rows = net_and_rows
    if not (rows == MISSING).all(axis=1).any():
        pytest.skip("the sums over all variables of this network are large")
    assert net.log_prob(np.full((1, len(net)), MISSING, np.uint8)) == pytest.approx(0.0, abs=1e-12)


def test_complete_rows_are_those_without_the_sums(net_and_rows):
    net, rows = net_and_rows
    complete = np.asarray(net.sample(500, seed=9))
    alone = net.log_prob(complete)
    together = net.log_prob(np.concatenate([complete[:250], rows, complete[250:]]))
    np.testing.assert_array_equal(together[:250], alone[:250])
    np.testing.assert_array_equal(together[-250:], alone[250:])


def test_answers_do_not_depend_on_batch_order_and_threads(net_and_rows, monkeypatch):
    net, rows = net_and_rows
    log_p, found = net.log_prob(rows), net.marginals(rows)
    order = np.random.default_rng(1).permutation(len(rows))
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "2")
    np.testing.assert_array_equal(net.log_prob(rows[order]), log_p[order])
    again = net.marginals(rows[order])
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "1")
    one_by_one = np.array([net.log_prob(rows[i : i + 1])[0] for i in order[:20]])
    np.testing.assert_array_equal(one_by_one, log_p[order[:20]])
    for name, own in found.items():
        np.testing.assert_array_equal(again[name], own[order])
    alone = net.marginals(rows[order[:1]])
    for name, own in found.items():
        np.testing.assert_array_equal(alone[name][0], own[order[0]])


def test_what_is_observed_is_certain_and_the_rest_sums_to_one(net_and_rows):
    net, rows = net_and_rows
    for v, (name, own) in enumerate(net.marginals(rows).items()):
        np.testing.assert_allclose(own.sum(axis=1), 1.0, rtol=1e-12)
        assert (own >= 0.0).all() and (own <= 1.0 + 1e-15).all()
        observed = rows[:, v] != MISSING
        np.testing.assert_array_equal(own[observed], np.eye(len(net.states[name]))[rows[observed, v]])


def test_the_oracle_agrees(net_and_rows):
    """Plain variable elimination, a greedy order of its own for every row: large networks are too much for it."""
    net, rows = net_and_rows
    rows = rows[:: max(1, len(rows) // 12)] if len(net) < 100 else rows[(rows == MISSING).mean(axis=1) < 0.3][::2]
    tables, families = reference_form(net)
    expected = [reference.eliminated_log_evidence(tables, families, row) for row in known(rows)]
    np.testing.assert_allclose(net.log_prob(rows), expected, rtol=1e-11, atol=1e-11)
    found = net.marginals(rows)
    for i, row in enumerate(known(rows)):
        hidden = [v for v, state in enumerate(row) if state is None][:3]
        for v in hidden:
            one = reference.eliminated_marginal(tables, families, row, v)
            np.testing.assert_allclose(found[net.names[v]][i], one, atol=1e-11)


def frequencies_are_marginals(engine, evidence, marginals, n_states, n_draws=2000):
    """Draws for a row in which about half is missing: every frequency within 5 standard deviations, or 3 draws."""
    i = int(np.argmin(np.abs((evidence.codes == MISSING).mean(axis=0) - 0.5)))
    repeated = np.repeat(evidence.codes[:, i : i + 1], n_draws, axis=1)
    drawn = np.empty_like(repeated)
    engine.draw(Evidence(repeated, (), np.empty((0, n_draws))), 5, np.arange(n_draws, dtype=np.uint64), drawn)
    states = [np.arange(k)[:, np.newaxis] for k in n_states]
    found = np.concatenate([(own == each).mean(axis=1) for own, each in zip(drawn, states, strict=True)])
    p = marginals[:, i].clip(0.0, 1.0)
    assert (np.abs(found - p) <= 5 * np.sqrt(p * (1 - p) / n_draws) + 3 / n_draws).all()


def test_both_engines_agree(net_and_rows):
    """One sums over everything for all rows alike, the other over what is hidden in each."""
    net, rows = net_and_rows
    exact, n = net._exact, len(rows)
    if exact.engine.tree.n_cells > DENSE_CELLS:
        pytest.skip("too large for one of them")
    dense = DenseEngine(exact.engine.tree, exact.families, exact.tables, exact.n_states)
    sliced = SlicedEngine(exact.tables, exact.families, exact.n_states, exact.engine.order)
    evidence = as_evidence(rows, exact.schema).read(0, n)
    answers = []
    for engine in (dense, sliced):
        log_p, log_max, both = np.empty(n), np.empty(n), np.empty(n)
        found, counts = np.empty((sum(exact.n_states), n)), np.zeros(sum(table.size for table in exact.tables))
        codes = np.empty((len(net), n), evidence.codes.dtype)
        engine.log_evidence(evidence, log_p)
        engine.marginals(evidence, both, found)
        np.testing.assert_allclose(both, log_p, rtol=1e-13, atol=1e-13)
        engine.most_probable(evidence, log_max, codes)
        np.testing.assert_allclose(net.log_prob(codes.T), log_max, rtol=1e-12, atol=1e-12)
        engine.expected_counts(evidence, np.arange(1.0, n + 1), both, counts)
        frequencies_are_marginals(engine, evidence, found, exact.n_states)
        answers.append((log_p, found, log_max, counts))
    for one, other in zip(*answers, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["cancer", "sprinkler", "survey", "asia"])
def test_every_pattern_of_a_small_network_by_all_joint_states(name):
    net = fd.example(name)
    tables, families = reference_form(net)
    complete = np.asarray(net.sample(1, seed=3))[0]
    hidden = np.arange(1 << len(net))[:, None] >> np.arange(len(net)) & 1
    rows = np.where(hidden == 1, MISSING, complete).astype(np.uint8)
    expected = [reference.log_evidence(tables, families, row) for row in known(rows)]
    np.testing.assert_allclose(net.log_prob(rows), expected, rtol=1e-12, atol=1e-13)


def test_evidence_that_contradicts_itself_has_no_probability():
    """'either' is certain where there is a tuberculosis."""
    net = fd.example("asia")
    rows = np.full((1, len(net)), MISSING, np.uint8)
    for variable, state in (("tub", "yes"), ("either", "no")):
        rows[0, net.names.index(variable)] = net.states[variable].index(state)
    assert net.log_prob(rows)[0] == -np.inf
    both = np.concatenate([rows, np.full_like(rows, MISSING)])
    np.testing.assert_allclose(net.log_prob(both), [-np.inf, 0.0], atol=1e-12)


def test_posteriors_multiply_to_the_joint():
    """log p(e, a, b) = log p(e) + log P(a | e) + log P(b | e, a), with values of a and b drawn from the network."""
    net = fd.example("alarm")
    rows, complete = partial_rows(net, 200, 0.5, seed=4), np.asarray(net.sample(200, seed=4))
    a, b = net.names.index("HYPOVOLEMIA"), net.names.index("CATECHOL")
    rows[:, [a, b]] = MISSING
    chain = net.log_prob(rows)
    for v in (a, b):
        posterior = net.predict_proba(rows, net.names[v])
        chain += np.log(posterior[np.arange(200), complete[:, v]])
        rows[:, v] = complete[:, v]
    np.testing.assert_allclose(net.log_prob(rows), chain, rtol=1e-12)


# Published answers: Korb and Nicholson, Bayesian Artificial Intelligence, table 2.2; the network of Lauritzen and
# Spiegelhalter 1988 as R's gRain prints it; Koller and Friedman, Probabilistic Graphical Models, section 3.2.1; the
# sprinkler of Kevin Murphy's tutorial.
TEXTBOOK = [
    ("cancer", {}, {"Cancer=True": 0.0116, "Xray=positive": 0.208, "Dyspnoea=True": 0.304}),
    ("cancer", {"Dyspnoea": "True"}, {"Pollution=high": 0.102, "Smoker=True": 0.307, "Cancer=True": 0.025}),
    ("cancer", {"Smoker": "True"}, {"Cancer=True": 0.032, "Xray=positive": 0.222, "Dyspnoea=True": 0.311}),
    ("cancer", {"Cancer": "True"}, {"Pollution=high": 0.249, "Smoker=True": 0.825}),
    ("cancer", {"Cancer": "True", "Smoker": "True"}, {"Pollution=high": 0.156}),
    ("cancer", {"Dyspnoea": "True", "Smoker": "True"}, {"Cancer=True": 0.067, "Xray=positive": 0.247}),
    ("asia", {}, {"tub=yes": 0.0104, "lung=yes": 0.055, "bronc=yes": 0.45}),
    ("asia", {"asia": "yes", "dysp": "yes"}, {"lung=yes": 0.09952515, "tub=yes": 0.08775096, "bronc=yes": 0.8114021}),
    ("student", {}, {"letter=strong": 0.502}),
    ("student", {"intelligence": "low"}, {"letter=strong": 0.389}),
    ("student", {"intelligence": "low", "difficulty": "easy"}, {"letter=strong": 0.513}),
    ("student", {"grade": "C"}, {"intelligence=high": 0.079, "difficulty=hard": 0.629}),
    ("student", {"letter": "weak"}, {"intelligence=high": 0.14}),
    ("student", {"grade": "C", "SAT": "high"}, {"intelligence=high": 0.578, "difficulty=hard": 0.76}),
    ("student", {"grade": "B"}, {"intelligence=high": 0.175}),
    ("student", {"grade": "B", "difficulty": "hard"}, {"intelligence=high": 0.34}),
    ("sprinkler", {"wet_grass": "True"}, {"sprinkler=True": 0.4298, "rain=True": 0.7079}),
    ("sprinkler", {"wet_grass": "True", "rain": "True"}, {"sprinkler=True": 0.1945}),
]


@pytest.mark.parametrize(("name", "given", "expected"), TEXTBOOK)
def test_textbooks_give_the_same_answers(name, given, expected):
    net = fd.example(name)
    row = {variable: [given.get(variable)] for variable in net.names}
    for what, published in expected.items():
        variable, state = what.split("=")
        found = net.predict_proba(row, variable)[0, net.states[variable].index(state)]
        digits = len(str(published)) - 2
        assert found == pytest.approx(published, abs=0.51 * 10.0**-digits)


def test_the_probability_of_what_was_observed():
    """As R's gRain prints it: pEvidence."""
    row = {"asia": ["yes"], "dysp": ["yes"]}
    assert np.exp(fd.example("asia").log_prob(row)[0]) == pytest.approx(0.004501375, abs=5e-10)
