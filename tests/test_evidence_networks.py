"""Rows with missing values of real networks: laws of probability, the oracle, what answers may not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import reference_evidence as reference
from partial_rows import MISSING, every_share, known, partial_rows, reference_form, with_state
from shared_data import ROOT

import fastdgm as fd

SHARED = {  # network of the optional folder -> rows of each share
    "child": 40,
    "insurance": 20,
    "hepar2": 20,
    "win95pts": 20,
    "hailfinder": 20,
    "pigs": 4,
    "barley": 0,
    "munin1": 0,
}
EVERY = (*fd.example_names(), *SHARED)


def network(name):
    if name in fd.example_names():
        return fd.example(name)
    file = ROOT / "bif" / f"{name}.bif.gz"
    if not file.exists():
        pytest.skip(f"optional data file bif/{file.name} is not in {ROOT}")
    return fd.read(file)


@pytest.fixture(scope="module", params=EVERY)
def net_and_rows(request):
    """Large networks get few rows, and those whose sums are large few missing values."""
    net, n = network(request.param), SHARED.get(request.param, 40)
    return net, every_share(net, n) if n else np.concatenate([partial_rows(net, 3, share) for share in (0.05, 0.2)])


def marginals(net, rows):
    """{name: (n, k)}."""
    from fastdgm.data.evidence_rows import as_evidence

    _, found = net._exact.marginals(as_evidence(rows, net._program.schema))
    first = np.cumsum([0, *(len(net.states[name]) for name in net.names)])
    return {name: found[first[v] : first[v + 1]].T for v, name in enumerate(net.names)}


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
    found = marginals(net, with_state(rows, columns, MISSING))
    for i, v in enumerate(columns):
        np.testing.assert_allclose(found[net.names[v]][i], np.exp(terms[: sizes[i], i] - total[i]), atol=1e-11)


def test_nothing_known_is_certain(net_and_rows):
    net, rows = net_and_rows
    if len(rows) == 6:
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
    log_p, found = net.log_prob(rows), marginals(net, rows)
    order = np.random.default_rng(1).permutation(len(rows))
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "2")
    np.testing.assert_array_equal(net.log_prob(rows[order]), log_p[order])
    again = marginals(net, rows[order])
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "1")
    one_by_one = np.array([net.log_prob(rows[i : i + 1])[0] for i in order[:20]])
    np.testing.assert_array_equal(one_by_one, log_p[order[:20]])
    for name, own in found.items():
        np.testing.assert_array_equal(again[name], own[order])
    alone = marginals(net, rows[order[:1]])
    for name, own in found.items():
        np.testing.assert_array_equal(alone[name][0], own[order[0]])


def test_what_is_observed_is_certain_and_the_rest_sums_to_one(net_and_rows):
    net, rows = net_and_rows
    for v, (name, own) in enumerate(marginals(net, rows).items()):
        np.testing.assert_allclose(own.sum(axis=1), 1.0, rtol=1e-12)
        observed = rows[:, v] != MISSING
        np.testing.assert_array_equal(own[observed], np.eye(len(net.states[name]))[rows[observed, v]])


def test_the_oracle_agrees(net_and_rows):
    """Plain variable elimination, an order of its own for every row."""
    net, rows = net_and_rows
    rows = rows[:: max(1, len(rows) // 12)]
    tables, families = reference_form(net)
    expected = [reference.eliminated_log_evidence(tables, families, row) for row in known(rows)]
    np.testing.assert_allclose(net.log_prob(rows), expected, rtol=1e-11, atol=1e-11)
    found = marginals(net, rows)
    for i, row in enumerate(known(rows)):
        hidden = [v for v, state in enumerate(row) if state is None][:3]
        for v in hidden:
            one = reference.eliminated_marginal(tables, families, row, v)
            np.testing.assert_allclose(found[net.names[v]][i], one, atol=1e-11)


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
