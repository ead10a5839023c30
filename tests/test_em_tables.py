"""EM in networks of discrete variables: steps by enumeration, tables that are found again, clusters, errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_em import expected_counts, log_prior, maximised

import fastdgm as fd
from fastdgm.data.partial import as_partial_rows
from fastdgm.learning.counts import Prior
from fastdgm.learning.em import targets_of
from fastdgm.learning.expectation import Expectation
from fastdgm.learning.table_expectation import TableExpectation

EXACT = 1e-12  # of an objective


def random_net(seed, n_vars=4, most_states=3):
    """Tables without zeros over a random graph."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, most_states + 1, n_vars)
    conditionals = {}
    for v in range(n_vars):
        own = [f"v{u}" for u in range(v) if rng.random() < 0.6]
        shape = [int(sizes[int(name[1:])]) for name in own]
        conditionals[f"v{v}"] = fd.CPT(own, rng.dirichlet(np.ones(sizes[v]), shape))
    names = list(conditionals)
    rng.shuffle(names)
    return fd.BayesNet({name: conditionals[name] for name in names})


def partial_rows(net, n, seed, missing):
    """Codes (n, n_vars) of rows of a network, -1 where a value was taken out."""
    rows = np.asarray(net.sample(n, seed=seed)).astype(np.int16)
    rows[np.random.default_rng(seed).random(rows.shape) < missing] = -1
    return rows


def steps_of(net, rows, prior=0.0, weights=None, kind=TableExpectation):
    partial = as_partial_rows(rows, net._program.schema)
    own = np.ones(partial.n) if weights is None else weights
    return kind(targets_of(net.parents, partial.schema, net.conditionals), partial, own, Prior(prior))


def numbered(net):
    names = list(net.names)
    parents = [[names.index(own) for own in net.parents[name]] for name in names]
    return parents, [net[name].table for name in names], [len(net.states[name]) for name in names]


def tables(net):
    return [net[name].table for name in net.names]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(tables(one), tables(other), strict=True))


# --- one step ---


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), missing=st.sampled_from([0.1, 0.5, 0.9]), prior=st.sampled_from([0.0, 0.7]))
def test_a_step_is_that_of_every_completion_of_every_row(seed, missing, prior):
    net = random_net(seed)
    rows, weights = partial_rows(net, 40, seed, missing), np.random.default_rng(seed).random(40)
    rows[0, 0] = 0
    parents, own_tables, n_states = numbered(net)
    steps = steps_of(net, rows, prior, weights)
    found = steps.expected(net.conditionals)
    log_likelihood, counts = expected_counts(rows, weights, parents, own_tables, n_states)
    assert found.objective - found.log_prior == pytest.approx(log_likelihood, rel=1e-10)
    assert found.log_prior == pytest.approx(log_prior(own_tables, [prior] * 4), rel=1e-10, abs=1e-12)
    barren = expected_counts(rows, weights, parents, own_tables, n_states, barren=True)[1]
    for own, least, most in zip(found.statistics, counts, barren, strict=True):
        assert (own >= least - 1e-9).all() and (own <= most + 1e-9).all()


def test_a_step_learns_from_the_rows_that_a_table_bears_on():
    net = fd.BayesNet(
        {
            "h": fd.Bernoulli(0.4),
            "y": fd.CPT(["h"], [[0.9, 0.1], [0.2, 0.8]]),
            "x": fd.CPT(["h"], [[0.7, 0.3], [0.4, 0.6]]),
        }
    )
    rows = partial_rows(net, 300, 0, 0.3)
    rows[:, 2] = np.asarray(net.sample(300, seed=0))[:, 2]
    rows[20:, 1] = -1  # of most rows y is missing: its table learns nothing from them
    parents, own_tables, n_states = numbered(net)
    step = steps_of(net, rows, 1.0)
    learnt = step.maximised(step.expected(net.conditionals).statistics, net.conditionals).conditionals
    counts = expected_counts(rows, np.ones(300), parents, own_tables, n_states)[1]
    for name, table in zip(net.names, maximised(counts, [1.0] * 3), strict=True):
        np.testing.assert_allclose(learnt[name].table, table, rtol=1e-10)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), missing=st.sampled_from([0.2, 0.8]), prior=st.sampled_from([0.0, 1.0]))
def test_the_objective_never_falls(seed, missing, prior):
    net = random_net(seed)
    rows = partial_rows(net, 60, seed, missing)
    rows[:, seed % 4] = -1
    rows[0, (seed + 1) % 4] = 0
    steps = steps_of(net, rows, prior)
    conditionals, objectives = steps.start(net.conditionals, seed, 0).conditionals, []
    for _ in range(15):
        now = steps.expected(conditionals)
        objectives.append(now.objective)
        conditionals = steps.maximised(now.statistics, conditionals).conditionals
    assert (np.diff(objectives) >= -EXACT * max(now.size, 1.0)).all()


def test_the_steps_for_any_kind_of_variable_are_the_same():
    net = random_net(5)
    rows = partial_rows(net, 200, 5, 0.3)
    one, other = steps_of(net, rows, 1.0), steps_of(net, rows, 1.0, kind=Expectation)
    np.testing.assert_allclose(
        one.expected(net.conditionals).objective - one.expected(net.conditionals).log_prior,
        other.expected(net.conditionals).objective - other.expected(net.conditionals).log_prior,
        rtol=1e-10,
    )


# --- what it finds ---


def test_tables_are_found_again():
    net = fd.example("asia")
    smooth = {name: fd.CPT(own.parents, 0.9 * own.table + 0.05, own.states) for name, own in net.conditionals.items()}
    net = fd.BayesNet(smooth)
    rows = partial_rows(net, 40_000, 1, 0.2)
    learnt = fd.BayesNet.from_edges(net.edges, net.names, net.states).fit(rows, tolerance=1e-7, max_iterations=300)
    complete = fd.BayesNet.from_edges(net.edges, net.names, net.states).fit(net.sample(40_000, seed=1))
    for name in net.names:
        np.testing.assert_allclose(learnt[name].table, net[name].table, atol=0.06)
    assert (
        np.abs(np.concatenate([(learnt[n].table - net[n].table).ravel() for n in net.names])).mean()
        < 2.5 * np.abs(np.concatenate([(complete[n].table - net[n].table).ravel() for n in net.names])).mean()
    )


def test_the_maximum_of_one_variable_is_known():
    """x -> y with y missing at random: what rows without y say of x, and those with it of both."""
    x = np.repeat([0, 1, 0, 1], [30, 20, 15, 35])
    y = np.r_[np.tile([0, 1, 1, 1, 0], 10), np.full(50, -1)]
    net = fd.BayesNet.from_edges([("x", "y")], states={"x": [0, 1], "y": [0, 1]}).fit({"x": x, "y": y}, prior=0.0)
    np.testing.assert_allclose(net["x"].table, [0.45, 0.55])
    np.testing.assert_allclose(net["y"].table[0], [12 / 30, 18 / 30])
    assert len(net.history) == 2  # the counts of the rows that know y say all


def test_complete_rows_take_the_counts_alone():
    net = random_net(2)
    rows = np.asarray(net.sample(500, seed=0)).astype(int)
    fresh = lambda: fd.BayesNet.from_edges(net.edges, net.names, net.states)  # noqa: E731
    for options in ({}, {"prior": "bdeu"}, {"prior": 0.0}):
        complete = fresh().fit(rows, **options)
        assert complete.history == []
        padded = fresh().fit(np.vstack([rows, np.full((3, 4), -1)]), **options)  # rows that say nothing
        assert same(complete, padded)


def test_rows_that_say_nothing_change_nothing():
    net = random_net(3)
    rows = partial_rows(net, 300, 3, 0.3)
    more = np.vstack([rows, np.full((50, 4), -1), rows[:20]])
    weights = np.r_[np.ones(350), np.zeros(20)]
    fresh = lambda: fd.BayesNet.from_edges(net.edges, net.names, net.states)  # noqa: E731
    one, other = fresh().fit(rows), fresh().fit(more, sample_weight=weights)
    for a, b in zip(tables(one), tables(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    assert len(one.history) == len(other.history)


@pytest.mark.parametrize("prior", [0.0, 1.0, 3.5, "bdeu"])
def test_whole_weights_are_repeated_rows(prior):
    net = random_net(4)
    rows, counts = partial_rows(net, 200, 4, 0.4), np.random.default_rng(0).integers(0, 4, 200)
    fresh = lambda: fd.BayesNet.from_edges(net.edges, net.names, net.states)  # noqa: E731
    one = fresh().fit(rows, sample_weight=counts, prior=prior, tolerance=1e-9, max_iterations=1000)
    other = fresh().fit(np.repeat(rows, counts, axis=0), prior=prior, tolerance=1e-9, max_iterations=1000)
    for a, b in zip(tables(one), tables(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7)


def test_priors_are_those_of_complete_rows():
    """The stationary point: theta = (N + a) / sum (N + a), with the expected counts under theta itself."""
    net = random_net(6, most_states=2)
    rows = partial_rows(net, 100, 6, 0.3)
    for prior in (1.0, "bdeu"):
        fresh = fd.BayesNet.from_edges(net.edges, net.names, net.states)
        learnt = fresh.fit(rows, prior=prior, equivalent_sample_size=7.0, tolerance=1e-13, max_iterations=3000)
        parents, own_tables, n_states = numbered(learnt)
        a = [7.0 / own.size if prior == "bdeu" else 1.0 for own in own_tables]
        counts = expected_counts(rows, np.ones(100), parents, own_tables, n_states)[1]
        for own, table in zip(own_tables, maximised(counts, a), strict=True):
            np.testing.assert_allclose(own, table, atol=1e-6)


def latent_classes(n, seed=0):
    """Rows of eight binary variables of three classes, and the classes."""
    rng = np.random.default_rng(seed)
    owner = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    yes = np.array([[0.9] * 4 + [0.1] * 4, [0.1] * 4 + [0.9] * 4, [0.9, 0.1] * 4])
    return {f"x{j}": (rng.random(n) < yes[owner, j]).astype(int) for j in range(8)}, owner


def test_naive_bayes_finds_classes_that_no_row_names():
    columns, owner = latent_classes(4000)
    edges = [("class", name) for name in columns]
    net = fd.BayesNet.from_edges(edges, states={"class": ["a", "b", "c"]})
    net.fit(columns, seed=0, n_restarts=3, tolerance=1e-7, max_iterations=500)
    order = np.argsort(-net["class"].table)
    np.testing.assert_allclose(net["class"].table[order], [0.5, 0.3, 0.2], atol=0.03)
    np.testing.assert_allclose(net["x0"].table[order, 1], [0.9, 0.1, 0.9], atol=0.05)
    assert (order[owner] == net.predict(columns, "class")).mean() > 0.9


def test_restarts_are_no_worse_and_a_seed_decides_all():
    columns, _ = latent_classes(500)
    edges = [("class", name) for name in columns]
    fresh = lambda: fd.BayesNet.from_edges(edges, states={"class": range(4)})  # noqa: E731
    one, again, other, best = (
        fresh().fit(columns, seed=seed, n_restarts=n) for seed, n in ((0, 1), (0, 1), (1, 1), (0, 5))
    )
    assert same(one, again) and not same(one, other)
    assert best.history[-1]["train"] <= one.history[-1]["train"]
    with fd.num_threads(1):
        assert same(fresh().fit(columns, seed=0), one)


def test_restarts_differ_where_nothing_is_latent():
    net = random_net(8)
    rows = partial_rows(net, 100, 8, 0.4)
    steps = steps_of(net, rows)
    first, second = (steps.start(net.conditionals, 0, restart).conditionals for restart in (0, 1))
    assert any(not np.array_equal(first[name].table, second[name].table) for name in net.names)
    again = steps.start(net.conditionals, 7, 0).conditionals
    assert all(np.array_equal(first[name].table, again[name].table) for name in net.names)


def test_few_labels_name_the_classes():
    columns, owner = latent_classes(3000, seed=2)
    some = np.where(np.arange(3000) % 100 == 0, owner, -1)
    states = {"class": ["0", "1", "2"]}
    net = fd.BayesNet.from_edges([("class", name) for name in columns], states=states)
    net.fit({"class": some, **columns}, tolerance=1e-7, max_iterations=500)
    assert (net.predict(columns, "class") == owner).mean() > 0.9


def test_two_latent_variables_one_above_the_other():
    columns, _ = latent_classes(800)
    edges = [("top", "left"), ("top", "right")]
    edges += [("left" if j < 4 else "right", f"x{j}") for j in range(8)]
    states = {"top": [0, 1], "left": [0, 1], "right": [0, 1]}
    net = fd.BayesNet.from_edges(edges, states=states).fit(columns, seed=0, tolerance=1e-6, max_iterations=500)
    assert net.history[-1]["train"] < net.history[0]["train"]
    yes = net["x0"].table[:, 1]
    assert abs(yes[0] - yes[1]) > 0.4


def test_a_variable_of_which_nothing_is_known_gets_what_its_prior_says():
    net = fd.BayesNet.from_edges([("a", "b"), ("b", "c")], states={"b": range(3), "c": range(2)})
    net.fit({"a": [0, 1, 1, None]})
    np.testing.assert_allclose(net["b"].table, 1 / 3)
    np.testing.assert_allclose(net["c"].table, 1 / 2)
    np.testing.assert_allclose(net["a"].table, [2 / 5, 3 / 5])


def test_any_kind_of_discrete_variable_is_learnt():
    rng = np.random.default_rng(0)
    a, b = rng.integers(2, size=(2, 4000))
    on = rng.random(4000) < 1.0 - (1 - 0.8 * a) * (1 - 0.5 * b)
    c = rng.random(4000) < 1.0 / (1.0 + np.exp(-(2.0 * a - 1.0)))
    net = fd.BayesNet(
        {
            "a": fd.Bernoulli(0.5),
            "b": fd.Bernoulli(0.5),
            "on": fd.NoisyOr(["a", "b"], [0.5, 0.5], 0.1),
            "c": fd.Logistic(["a"], [0.0], 0.0),
        }
    )
    columns = {"a": a, "b": b, "on": on.astype(int), "c": c.astype(int)}
    hidden = {name: np.where(rng.random(4000) < 0.2, -1, own) for name, own in columns.items()}
    net.fit(hidden, tolerance=1e-7, max_iterations=300)
    np.testing.assert_allclose(net["on"].probabilities, [0.8, 0.5], atol=0.05)
    np.testing.assert_allclose(net["c"].weights, [2.0], atol=0.25)


# --- forms of data, and states that nobody declared ---

FORMS = {
    "lists": {"a": ["x", None, "y", "x"], "b": [0, 1, None, 1]},
    "floats": {"a": ["x", None, "y", "x"], "b": np.array([0, 1, np.nan, 1])},
    "masked": {"a": ["x", None, "y", "x"], "b": np.ma.masked_array([0, 1, 7, 1], [0, 0, 1, 0])},
    "pandas": pd.DataFrame({"a": ["x", None, "y", "x"], "b": [0, 1, np.nan, 1]}),
    "pandas category": pd.DataFrame({"a": pd.Categorical(["x", None, "y", "x"]), "b": pd.array([0, 1, None, 1])}),
    "polars": pl.DataFrame({"a": ["x", None, "y", "x"], "b": [0, 1, None, 1]}),
    "Arrow": pa.table({"a": pa.array(["x", None, "y", "x"]).dictionary_encode(), "b": [0, 1, None, 1]}),
    "empty cells": pa.table({"a": ["x", "", "y", "x"], "b": [0, 1, None, 1]}),
}


@pytest.mark.parametrize("form", FORMS)
def test_states_are_those_of_the_values_that_are_there(form):
    net = fd.BayesNet.from_edges([("a", "b")]).fit(FORMS[form])
    assert dict(net.states) == {"a": ("x", "y"), "b": ("0", "1")}
    declared = fd.BayesNet.from_edges([("a", "b")], states={"a": ["x", "y"], "b": range(2)}).fit(FORMS["lists"])
    assert same(net, declared)


def test_unknown_labels_are_left_out_with_missing_values_in_other_rows():
    net = fd.BayesNet.from_edges([("a", "b")], states={"a": ["x", "y"], "b": ["no", "yes"]})
    data = {"a": ["x", None, "z", "y", "x"], "b": ["no", "yes", "no", None, "maybe"]}
    with pytest.warns(
        UserWarning, match="2 of 5 rows hold a label that is no state and were left out: column 'a', row 2"
    ):
        net.fit(data, unknown="drop", sample_weight=[1, 2, 9, 1, 9])
    kept = fd.BayesNet.from_edges([("a", "b")], states={"a": ["x", "y"], "b": ["no", "yes"]})
    assert same(
        net, kept.fit({name: [own[i] for i in (0, 1, 3)] for name, own in data.items()}, sample_weight=[1, 2, 1])
    )
    with pytest.raises(KeyError, match="'z' is no state"):
        kept.fit(data)


def test_what_cannot_be_learnt():
    net = fd.BayesNet.from_edges([("a", "b")], states={"b": ["no", "yes"]})
    with pytest.raises(ValueError, match=r"column 'a' has no values: name its states, as in from_edges\(..., states="):
        net.fit({"a": [None, None], "b": ["no", "yes"]})
    with pytest.raises(KeyError, match="no column 'a'; only discrete variables whose states are declared"):
        net.fit({"b": ["no", "yes"]})
    with pytest.raises(KeyError, match="'c'"):
        net.fit({"a": [0, 1], "c": ["no", "yes"]})
    net = fd.BayesNet.from_edges([("a", "b")], states={"a": [0, 1], "b": [0, 1]})
    nothing = {"a": [None, None], "b": [None, None]}
    with pytest.raises(ValueError, match="a row of positive weight in which something is observed"):
        net.fit(nothing)
    with pytest.raises(ValueError, match="a row of positive weight"):
        net.fit({"a": [0, None]}, sample_weight=[0, 0])
    with pytest.raises(ValueError, match=r"sample_weight must be between 0 and .* nan in row 1"):
        net.fit({"a": [0, None]}, sample_weight=[1, np.nan])
    with pytest.raises(ValueError, match=r"shape \(2,\), got shape \(3,\)"):
        net.fit({"a": [0, None]}, sample_weight=[1, 1, 1])
    with pytest.raises(ValueError, match="y is ignored, but some variables are hidden"):
        net.fit({"a": [0, None], "b": [0, 1]}, [0, 1])
    with pytest.raises(ValueError, match="codes of 'a' run from 0 to 1"):
        net.fit({"a": [0, 2], "b": [None, 1]})
    assert not net.is_fitted


# --- stopping, going on ---


def test_history_is_the_trace_of_the_objective():
    net = random_net(9)
    rows = partial_rows(net, 200, 9, 0.3)
    learnt = fd.BayesNet.from_edges(net.edges, net.names, net.states).fit(rows, tolerance=1e-6)
    history = learnt.history
    assert [record["epoch"] for record in history] == list(range(len(history)))
    losses = np.array([record["train"] for record in history])
    assert (np.diff(losses) <= 0.0).all() and 0.0 <= losses[-2] - losses[-1] <= 1e-6
    used = rows[(rows >= 0).any(axis=1)]
    assert history[-1]["log_likelihood"] == pytest.approx(learnt.log_prob(used).mean(), rel=1e-9)
    prior = sum(np.log(table).sum() for table in tables(learnt)) / len(used)
    assert -history[-1]["train"] == pytest.approx(history[-1]["log_likelihood"] + prior, rel=1e-9)


def test_max_iterations_warns_and_resume_gives_the_same_numbers():
    columns, _ = latent_classes(300)
    edges = [("class", name) for name in columns]
    fresh = lambda: fd.BayesNet.from_edges(edges, states={"class": range(3)})  # noqa: E731
    whole, parts = fresh(), fresh()
    with pytest.warns(UserWarning, match=r"EM stopped after max_iterations=9 .* fit\(\.\.\., resume=True\) goes on"):
        whole.fit(columns, seed=0, max_iterations=9, tolerance=0.0)
    with pytest.warns(UserWarning, match="max_iterations=4"):
        parts.fit(columns, seed=0, max_iterations=4, tolerance=0.0)
    with pytest.warns(UserWarning, match="max_iterations=5"):
        parts.fit(columns, resume=True, max_iterations=5, tolerance=0.0)
    assert same(whole, parts)
    drop = lambda net: [{**record, "seconds": 0.0} for record in net.history]  # noqa: E731
    assert drop(whole) == drop(parts)


def test_resume_needs_parameters_under_which_the_rows_are_possible():
    net = fd.BayesNet({"a": fd.Bernoulli(0.0), "b": fd.CPT(["a"], [[0.5, 0.5], [0.5, 0.5]])})
    with pytest.raises(ValueError, match="parameters under which row 1 of the data is impossible"):
        net.fit({"a": [0, 1, None], "b": [0, None, 1]}, resume=True)
    net.fit({"a": [0, 0, None], "b": [0, None, 1]}, resume=True)  # possible, if not under the prior
    assert net["a"].table[1] > 0.0 and np.isfinite(net.history[-1]["train"])
    with pytest.raises(fd.NotFittedError):
        fd.BayesNet.from_edges([("a", "b")], states={"a": [0, 1]}).fit({"b": [0, 1]}, resume=True)


def test_ctrl_c_leaves_the_network_as_it_was(monkeypatch):
    net = random_net(10)
    rows = partial_rows(net, 100, 10, 0.3)
    net.fit(rows)
    before, history = tables(net), net.history
    real, calls = TableExpectation.expected, iter(range(2))

    def interrupted(self, conditionals):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return real(self, conditionals)

    monkeypatch.setattr(TableExpectation, "expected", interrupted)
    with pytest.raises(KeyboardInterrupt):
        net.fit(rows[:50], tolerance=0.0)
    assert all(own is then for own, then in zip(tables(net), before, strict=True)) and net.history == history


@pytest.mark.parametrize("n_states", [255, 256, 300])
def test_any_number_of_states(n_states):
    codes = np.r_[np.arange(n_states), np.full(5, n_states - 1)]
    column = pd.array([*codes, None], dtype="Int64")
    net = fd.BayesNet.from_edges([("a", "b")], states={"a": range(n_states), "b": ["no", "yes"]})
    net.fit({"a": column, "b": [*(["no", "yes"] * n_states)[: len(codes)], "yes"]}, prior=0.0, tolerance=1e-9)
    assert net["a"].table[-1] >= 6 / (n_states + 6) - 1e-9 and net["a"].table[0] == pytest.approx(1 / (n_states + 6))


def test_weights_of_any_size_give_the_same_start():
    columns, _ = latent_classes(400)
    edges = [("class", name) for name in columns]
    fits = [
        fd.BayesNet.from_edges(edges, states={"class": range(3)}).fit(
            columns, seed=0, prior=0.0, sample_weight=np.full(400, weight), tolerance=1e-4, max_iterations=500
        )
        for weight in (1.0, 1e-6)
    ]
    for one, other in zip(*map(tables, fits), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


def test_functions_stay_and_say_what_is_possible():
    same_codes = fd.Deterministic(["a", "b"], lambda a, b: (a == b).astype(int), states=["no", "yes"])
    net = fd.BayesNet({"a": fd.Bernoulli(0.5), "b": fd.Bernoulli(0.5), "same": same_codes})
    rows = {"a": [0, 1, 1, None, None, 0], "b": [0, 1, 0, 1, 0, None], "same": [1, 1, 0, 1, 0, 0]}
    learnt = net.fit(rows, prior=0.0, tolerance=1e-9)
    np.testing.assert_allclose(learnt["a"].table, [2 / 6, 4 / 6], atol=1e-3)
    np.testing.assert_allclose(learnt["b"].table, [3 / 6, 3 / 6], atol=1e-3)
    with pytest.raises(ValueError, match="row 1 of the data is impossible"):
        net.fit({"a": [0, 0, None], "b": [0, 0, 1], "same": [1, 0, 1]})


def test_a_bar_counts_steps(capsys):
    pytest.importorskip("tqdm")
    net = random_net(11)
    net.fit(partial_rows(net, 60, 11, 0.3), progress=True, max_iterations=50)
    assert "steps" in capsys.readouterr().err


def test_curves_of_steps():
    pytest.importorskip("matplotlib")
    net = random_net(12)
    net.fit(partial_rows(net, 60, 12, 0.3))
    assert fd.plot.training_curves(net) is not None
