"""What follows from what is known: one variable, several, all, against every joint state listed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from brute_force import Listed, partial_rows
from hypothesis import given
from hypothesis import strategies as st
from random_nets import nets, random_net

import fastdgm as fd

ASIA = fd.example("asia")
CLOSE = {"rtol": 1e-9, "atol": 1e-13}
seeds = st.integers(0, 2**31)


@given(nets(max_vars=5), seeds, st.sampled_from([0.2, 0.5, 0.9]))
def test_log_prob_sums_over_all_that_is_missing(net, seed, rate):
    rows = partial_rows(net, 12, rate, seed)
    np.testing.assert_allclose(net.log_prob(rows), Listed(net).log_p(rows), rtol=1e-11, atol=1e-13)


@given(nets(max_vars=5), seeds, st.sampled_from([0.2, 0.5, 0.9]))
def test_posteriors_of_one_variable(net, seed, rate):
    rows, listed = partial_rows(net, 8, rate, seed), Listed(net)
    for v, name in enumerate(net.names):
        found = net.predict_proba(rows, name)
        others = rows.copy()
        others[:, v] = -1
        expected = [listed.table([name], listed.weights(row)) for row in others]
        np.testing.assert_allclose(found, expected, **CLOSE)
        codes = net.predict(rows, name)
        np.testing.assert_array_equal(codes, found.argmax(axis=1))


@given(nets(max_vars=5), seeds)
def test_marginals_are_certain_where_observed(net, seed):
    rows, listed = partial_rows(net, 8, 0.4, seed), Listed(net)
    found = net.marginals(rows)
    assert list(found) == list(net.names)
    for v, (name, own) in enumerate(found.items()):
        np.testing.assert_allclose(own, [listed.table([name], listed.weights(row)) for row in rows], **CLOSE)
        observed = rows[:, v] >= 0
        np.testing.assert_array_equal(own[observed], np.eye(own.shape[1])[rows[observed, v]])


@given(nets(max_vars=5), seeds)
def test_joint_posteriors_in_the_order_asked_for(net, seed):
    rng = np.random.default_rng(seed)
    order = [str(name) for name in rng.permutation(list(net.names))]
    n_asked = int(rng.integers(1, len(order) + 1))
    asked, others = order[:n_asked], order[n_asked:]
    row = partial_rows(net, 1, 0.3, seed)[0]
    known = {name: int(row[net.names.index(name)]) for name in others if row[net.names.index(name)] >= 0}
    row = np.array([known.get(name, -1) for name in net.names])
    listed = Listed(net)
    found = net.posterior(asked, given=known)
    np.testing.assert_allclose(found.table, listed.table(asked, listed.weights(row)), **CLOSE)
    assert found.names == tuple(asked) and all(found.states[name] == net.states[name] for name in asked)


@given(nets(max_vars=4, max_states=4), seeds)
def test_soft_evidence_and_sets_of_states(net, seed):
    rng = np.random.default_rng(seed)
    name, *others = net.names
    likelihoods = {own: rng.random(len(net.states[own])) + 0.01 for own in others[:2]}
    listed = Listed(net)
    nothing = np.full(len(net), -1)
    expected = listed.table([name], listed.weights(nothing, likelihoods))
    np.testing.assert_allclose(net.posterior([name], given=likelihoods).table, expected, **CLOSE)
    if others:
        allowed = [k for k in range(len(net.states[others[0]])) if k != 1]
        weights = listed.weights(nothing, {others[0]: np.isin(np.arange(len(net.states[others[0]])), allowed)})
        if weights.sum() > 0:
            found = net.posterior([name], given={others[0]: allowed})
            np.testing.assert_allclose(found.table, listed.table([name], weights), **CLOSE)


@given(nets(max_vars=5), seeds)
def test_log_prob_given_some(net, seed):
    rng = np.random.default_rng(seed)
    rows, listed = partial_rows(net, 8, 0.2, seed), Listed(net)
    names = [name for name in net.names if rng.random() < 0.5]
    known = rows.copy()
    known[:, [v for v, name in enumerate(net.names) if name not in names]] = -1
    expected = listed.log_p(rows) - listed.log_p(known)
    np.testing.assert_allclose(net.log_prob(rows, given=names), expected, rtol=1e-10, atol=1e-12)


def test_under_interventions():
    found = ASIA.posterior(["lung", "xray"], given={"dysp": "yes"}, do={"smoke": "yes"})
    expected = ASIA.do({"smoke": "yes"}).posterior(["lung", "xray"], given={"dysp": "yes"})
    np.testing.assert_array_equal(found.table, expected.table)
    assert found.condition == "dysp=yes, do(smoke=yes)"
    assert ASIA.posterior(["smoke"], given={"lung": "yes"})["yes"] == pytest.approx(0.05 / 0.055)
    assert ASIA.posterior(["smoke"], do={"lung": "yes"})["yes"] == pytest.approx(0.5)


# --- complete rows, and rows beside others ---


def test_a_row_has_the_same_answer_beside_any_others():
    net = random_net(3, 8)
    rows = partial_rows(net, 300, 0.3, 1)
    complete = np.asarray(net.sample(100, seed=2)).astype(np.int64)
    mixed = np.concatenate([rows[:50], complete, rows[50:]])
    turned = np.random.default_rng(0).permutation(len(mixed))
    for name in net.names[:3]:
        found = net.predict_proba(mixed, name)
        assert (net.predict_proba(complete, name) == found[50:150]).all()
        assert (net.predict_proba(mixed[turned], name) == found[turned]).all()
        assert (net.predict_proba(mixed[7:8], name) == found[7]).all()
        with fd.num_threads(2):
            assert (net.predict_proba(mixed, name) == found).all()
    every = net.marginals(mixed)
    for name, own in net.marginals(mixed[turned]).items():
        assert (own == every[name][turned]).all()


def test_forms_of_data_agree():
    pd = pytest.importorskip("pandas")
    rows = partial_rows(ASIA, 40, 0.4)
    expected = ASIA.predict_proba(rows, "lung")
    labels = {
        name: [None if code < 0 else ASIA.states[name][code] for code in rows[:, v]]
        for v, name in enumerate(ASIA.names)
    }
    floats = np.where(rows < 0, np.nan, rows)
    for data in (labels, pd.DataFrame(labels), floats, np.ma.masked_array(rows, rows < 0)):
        assert (ASIA.predict_proba(data, "lung") == expected).all()
        assert (ASIA.marginals(data)["lung"][rows[:, 3] < 0] == ASIA.marginals(rows)["lung"][rows[:, 3] < 0]).all()
    shown = ASIA.predict(labels, "lung", labels=True)
    assert shown.tolist() == [ASIA.states["lung"][k] for k in expected.argmax(axis=1)]


def test_likelihoods_of_rows_are_a_column():
    """Soft evidence that is all on one state is that state; one number for all states says nothing."""
    likelihoods = {"xray": np.array([[0.3, 0.7], [2.0, 0.0], [0.5, 0.5]]), "smoke": ["yes", "no", None]}
    found = ASIA.predict_proba(likelihoods, "lung")
    listed = Listed(ASIA)
    rows = np.full((3, 8), -1)
    rows[:, ASIA.names.index("smoke")] = [0, 1, -1]
    for row, own, p in zip(rows, likelihoods["xray"], found, strict=True):
        np.testing.assert_allclose(p, listed.table(["lung"], listed.weights(row, {"xray": own})), **CLOSE)
    np.testing.assert_allclose(ASIA.marginals(likelihoods)["lung"], found, **CLOSE)
    weights = [listed.weights(row, {"xray": own}).sum() for row, own in zip(rows, likelihoods["xray"], strict=True)]
    np.testing.assert_allclose(ASIA.log_prob(likelihoods), np.log(weights), rtol=1e-12)
    others = {name: [0, 0, 1] for name in ASIA.names if name not in likelihoods}
    assert ASIA.predict_proba({**others, **likelihoods}, "lung").shape == (3, 2)
    both = [ASIA.log_prob({**others, "smoke": [0, 1, 1], "xray": [k] * 3}) for k in range(2)]
    expected = np.logaddexp(*(both + np.log(np.maximum(likelihoods["xray"].T, 1e-300))))
    found = ASIA.log_prob({**others, "smoke": [0, 1, 1], "xray": likelihoods["xray"]})
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_marginals_of_rows_in_logarithms_sum_to_one():
    given = {"either": "no", "lung": np.array([1e300, 1e-300]), "tub": np.array([1e300, 1e-320])}
    rows = {name: np.array([own]) for name, own in given.items() if name != "either"} | {"either": ["no"]}
    for name, own in ASIA.marginals(rows).items():
        np.testing.assert_allclose(own.sum(axis=1), 1.0, rtol=5e-16)
        assert ((own >= 0.0) & (own <= 1.0)).all()
        if name not in given:
            assert ASIA.predict_proba(rows, name).sum() == pytest.approx(1.0, abs=5e-16)


def test_nothing_known_is_the_prior():
    found = ASIA.predict_proba({"smoke": [None, None]}, "lung")
    assert found[0] == pytest.approx(ASIA.posterior(["lung"]).table, abs=1e-14)
    assert ASIA.log_prob({"smoke": [None, None]}).tolist() == pytest.approx([0.0, 0.0], abs=1e-14)


def test_no_rows():
    assert ASIA.predict_proba({"smoke": []}, "lung").shape == (0, 2)
    assert ASIA.marginals({"smoke": []})["lung"].shape == (0, 2)
    assert ASIA.log_prob({"smoke": []}, given=["smoke"]).shape == (0,)


@pytest.mark.parametrize("real", [False, True])
def test_tables_without_columns_do_not_say_how_many_rows(real):
    conditionals = {"k": fd.Bernoulli(0.3), "c": fd.CPT(["k"], [[0.5, 0.5], [0.2, 0.8]])}
    net = fd.BayesNet({**conditionals, "x": fd.Normal(0, 1)} if real else conditionals)
    asks = [net.log_prob, net.marginals, net.outlier_scores, net.impute, lambda own: net.predict_proba(own, "k")]
    for ask in asks:
        for data in ({}, pd.DataFrame(index=range(3))):
            with pytest.raises(KeyError, match="the data has none of"):
                ask(data)
    if real:
        assert net.predict_proba({"x": [0.5]}, "k").shape == (1, 2)  # real ones alone are rows


def test_tensors_come_back_as_tensors():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    rows = partial_rows(ASIA, 10, 0.4)
    found = ASIA.marginals(torch.from_numpy(rows))
    assert all(torch.is_tensor(own) for own in found.values())
    assert (found["lung"].numpy() == ASIA.marginals(rows)["lung"]).all()
    assert torch.is_tensor(ASIA.log_prob(torch.from_numpy(rows), given=["smoke"]))
    assert torch.is_tensor(ASIA.predict(torch.from_numpy(rows), "lung"))


def test_discrete_conditionals_of_any_kind():
    net = fd.BayesNet(
        {
            "a": fd.Bernoulli(0.3),
            "b": fd.Categorical([0.2, 0.5, 0.3]),
            "c": fd.Logistic(["a", "b"], [1.0, -0.5, 0.7], bias=-0.2),
            "d": fd.NoisyOr(["a", "c"], [0.8, 0.6], leak=0.1),
        }
    )
    every = np.array(list(np.ndindex(2, 3, 2, 2)))
    p = np.exp(net.log_prob(every))
    lines = (every[:, 3] == 1) & (every[:, 1] == 2)
    expected = [p[lines & (every[:, 2] == k)].sum() / p[lines].sum() for k in range(2)]
    assert net.posterior(["c"], given={"d": True, "b": 2}).table == pytest.approx(expected, abs=1e-13)
    assert net.predict_proba([[-1, 2, -1, 1]], "c")[0] == pytest.approx(expected, abs=1e-13)


# --- impossible evidence ---

IMPOSSIBLE = {"asia": [None, "yes"], "lung": ["yes", "yes"], "either": ["yes", "no"], "smoke": ["yes", None]}


def test_impossible_rows_are_named_with_what_cannot_be_together():
    assert ASIA.log_prob(IMPOSSIBLE)[1] == -np.inf
    for ask in (
        lambda: ASIA.predict_proba(IMPOSSIBLE, "bronc"),
        lambda: ASIA.predict(IMPOSSIBLE, "bronc"),
        lambda: ASIA.marginals(IMPOSSIBLE),
        lambda: ASIA.log_prob(IMPOSSIBLE, given=["lung", "either", "asia"]),
    ):
        with pytest.raises(fd.ImpossibleEvidenceError, match=r"row 1 has no .*: lung=yes and either=no has"):
            ask()
    with pytest.raises(ValueError, match=r"there is no posterior of .*lung=yes and either=no"):
        ASIA.posterior(["bronc"], given={"lung": "yes", "either": "no"})
    assert ASIA.predict_proba(IMPOSSIBLE, "either")[1].tolist() == [1.0, 0.0]  # its own value does not count


def test_impossible_rows_as_nan():
    found = ASIA.predict_proba(IMPOSSIBLE, "bronc", impossible="nan")
    assert np.isnan(found[1]).all() and not np.isnan(found[0]).any()
    assert (found[0] == ASIA.predict_proba(IMPOSSIBLE, "bronc", impossible="nan")[0]).all()
    assert ASIA.predict(IMPOSSIBLE, "bronc", impossible="nan").tolist() == [0, 255]
    assert ASIA.predict(IMPOSSIBLE, "bronc", impossible="nan", labels=True).tolist() == ["yes", None]
    assert all(np.isnan(own[1]).all() for own in ASIA.marginals(IMPOSSIBLE, impossible="nan").values())
    given_some = ASIA.log_prob(IMPOSSIBLE, given=["lung", "either"], impossible="nan")
    assert np.isfinite(given_some[0]) and np.isnan(given_some[1])
    assert ASIA.log_prob(IMPOSSIBLE, given=["lung"])[1] == -np.inf


def test_a_complete_impossible_row():
    net = fd.BayesNet({"y": fd.Bernoulli(0.4), "x": fd.CPT(["y"], [[1.0, 0.0], [1.0, 0.0]]), "w": fd.Bernoulli(0.5)})
    rows = {"y": [0, 0, None], "x": [0, 1, 1], "w": [0, 1, None]}
    with pytest.raises(fd.ImpossibleEvidenceError, match=r"row 1 has no posterior of 'y'.*: x=1 has probability 0"):
        net.predict_proba(rows, "y")
    found = net.predict_proba(rows, "y", impossible="nan")
    assert np.isnan(found).tolist() == [[False] * 2, [True] * 2, [True] * 2]


@given(seeds)
def test_rows_are_impossible_wherever_the_conflict_is(seed):
    net = net_with_zeros(seed)
    rows = np.indices((2,) * 5).reshape(5, -1).T
    p = np.exp(net.log_prob(rows)).reshape((2,) * 5)
    scores = net.outlier_scores(rows, impossible="nan")
    for v, name in enumerate(net.names):
        others = np.broadcast_to(p.sum(axis=v, keepdims=True), p.shape).ravel()
        for data in (rows, np.concatenate([rows[:, :v], np.full((len(rows), 1), -1), rows[:, v + 1 :]], axis=1)):
            found = net.predict_proba(data, name, impossible="nan")
            assert (np.isnan(found).all(axis=1) == (others == 0)).all()
            with np.errstate(invalid="ignore"):
                expected = (p / p.sum(axis=v, keepdims=True)).ravel()
            np.testing.assert_allclose(found[np.arange(len(rows)), rows[:, v]], expected, rtol=1e-9)
        assert (np.isnan(scores[:, v]) == (others == 0)).all()
        if not others.all():
            for ask in (net.predict_proba, net.predict):
                with pytest.raises(fd.ImpossibleEvidenceError, match=f"row {int(np.argmin(others > 0))} has no "):
                    ask(rows, name)


def net_with_zeros(seed):
    """Five variables, each below two others at most, half of whose rows of tables are certain."""
    rng = np.random.default_rng(seed)
    parts = {}
    for i in range(5):
        parents = [f"x{j}" for j in range(i) if rng.random() < 0.4][:2]
        first = rng.choice([0.0, 1.0, 0.3, 0.6], size=(2,) * len(parents))
        parts[f"x{i}"] = fd.CPT(parents, np.stack([first, 1 - first], axis=-1))
    return fd.BayesNet(parts)


def test_a_complete_row_whose_conflict_is_far_from_the_target():
    row = {"tub": ["no"], "smoke": ["yes"], "lung": ["yes"], "bronc": ["no"], "either": ["no"], "xray": ["no"]}
    for rows in ({**row, "dysp": ["no"]}, {**row, "dysp": [None]}):
        with pytest.raises(fd.ImpossibleEvidenceError, match="lung=yes and either=no"):
            ASIA.predict_proba(rows, "asia")
        assert ASIA.predict({**rows}, "asia", impossible="nan").tolist() == [255]


def test_a_conflict_is_as_small_as_can_be():
    parity = np.indices((2, 2, 2)).sum(axis=0) % 2
    roots = {name: fd.Bernoulli(0.5) for name in ("x0", "x1", "x2", "n")}
    net = fd.BayesNet({**roots, "parity": fd.CPT(["x0", "x1", "x2"], np.stack([1 - parity, parity], axis=-1))})
    with pytest.raises(fd.ImpossibleEvidenceError, match=r": x0=True and x1=False and x2=True and parity=1 has"):
        net.marginals([[1, 0, 1, 0, 1]])


# --- beside real variables ---


def mixed() -> fd.BayesNet:
    rng = np.random.default_rng(0)
    return fd.BayesNet(
        {
            "z": fd.Categorical([0.2, 0.5, 0.3]),
            "h": fd.CPT(["z"], rng.dirichlet([1, 1], 3)),
            "x": fd.Normal.given(["h"], mean=[-1, 2], std=[1, 0.5]),
            "y": fd.LinearGaussian(["x", "z"], [0.0, 1.0, -1.0], [[1.0], [0.5], [2.0]], [1.0, 0.7, 0.4]),
        }
    )


def by_listing(net, x, y, names, likelihoods=None):
    table = np.zeros((3, 2))
    for z, h in np.ndindex(3, 2):
        table[z, h] = np.exp(net.log_prob({"z": [z], "h": [h], "x": [x], "y": [y]})[0])
    for name, own in (likelihoods or {}).items():
        table *= np.asarray(own)[:, None] if name == "z" else np.asarray(own)
    table /= table.sum()
    return {("z",): table.sum(axis=1), ("h", "z"): table.T, ("h",): table.sum(axis=0)}[names]


def test_discrete_posteriors_given_real_values():
    net, known = mixed(), {"x": 0.7, "y": 1.1}
    for names in (("z",), ("h", "z")):
        found = net.posterior(names, given=known)
        np.testing.assert_allclose(found.table, by_listing(net, 0.7, 1.1, names), **CLOSE)
    assert repr(net.posterior(["z"], given=known)).startswith("P(z | x=0.7, y=1.1)")
    prior = net.posterior(["z"])
    assert prior.table == pytest.approx([0.2, 0.5, 0.3])


def test_likelihoods_beside_real_values():
    net = mixed()
    soft = {"z": np.array([0.1, 2.0, 0.4])}
    found = net.posterior(["h"], given={"x": 0.7, "y": 1.1, **soft})
    np.testing.assert_allclose(found.table, by_listing(net, 0.7, 1.1, ("h",), soft), **CLOSE)
    found = net.posterior(["h"], given={"x": 0.7, "y": 1.1, "z": [0, 2]})
    np.testing.assert_allclose(found.table, by_listing(net, 0.7, 1.1, ("h",), {"z": [1, 0, 1]}), **CLOSE)


def test_marginals_and_conditional_densities_beside_reals():
    net = mixed()
    data = {"z": [0, None, None], "x": [0.3, 0.7, None], "y": [0.1, 1.1, 2.0]}
    found = net.marginals(data)
    assert list(found) == ["z", "h"] and found["z"][0].tolist() == [1.0, 0.0, 0.0]
    np.testing.assert_allclose(found["z"][1], by_listing(net, 0.7, 1.1, ("z",)), **CLOSE)
    np.testing.assert_allclose(found["h"], net.predict_proba(data, "h"), **CLOSE)
    expected = net.log_prob(data) - net.log_prob({"y": data["y"]})
    np.testing.assert_allclose(net.log_prob(data, given=["y"]), expected, rtol=1e-12)


# --- what makes no sense ---


@pytest.mark.parametrize(
    ("ask", "error", "text"),
    [
        (lambda: ASIA.posterior(["lung"], given={"lung": "yes"}), ValueError, "'lung' is given a value"),
        (lambda: ASIA.posterior(["lung"], do={"lung": "yes"}), ValueError, "'lung' is set to a value by do"),
        (lambda: ASIA.posterior([]), ValueError, "at least one"),
        (lambda: ASIA.posterior(["lung"], {"tub": 0}, {"tub": 1}), ValueError, "given and do must agree"),
        (lambda: mixed().posterior(["z"], {"x": 0.0}, {"x": 1.0}), ValueError, "given and do must agree"),
        (lambda: ASIA.posterior(["lung", "lung"]), ValueError, "distinct"),
        (lambda: ASIA.posterior("lung"), TypeError, r"write \['lung'\]"),
        (lambda: ASIA.posterior(["lungs"]), KeyError, "did you mean 'lung'"),
        (lambda: ASIA.posterior(["lung"], given={"xrays": "yes"}), KeyError, "did you mean 'xray'"),
        (lambda: ASIA.posterior(["lung"], given={"xray": "maybe"}), KeyError, "'maybe' is no state of 'xray'"),
        (lambda: ASIA.posterior(["lung"], given=["xray"]), TypeError, "given is a mapping"),
        (lambda: ASIA.posterior(["lung"], given={"xray": np.array([0, 1, 1])}), ValueError, "values of 3 rows"),
        (lambda: ASIA.posterior(["lung"], given={"xray": np.array([0.5, -1.0])}), ValueError, "not negative"),
        (lambda: ASIA.posterior(["lung"], given={"xray": np.array([0.0, 0.0])}), ValueError, "all zero"),
        (lambda: ASIA.posterior(["lung"], given={"xray": np.array([0.5])}), ValueError, "one number for each"),
        (lambda: mixed().posterior(["z", "x"]), ValueError, r"\['x'\] are real"),
        (lambda: mixed().posterior(["z"], given={"h": np.array([0, 1, 1])}), ValueError, "values of 3 rows"),
        (lambda: ASIA.predict_proba(ASIA.sample(3), "lung", impossible="none"), ValueError, '"error" or "nan"'),
        (lambda: ASIA.marginals(ASIA.sample(3), impossible=None), ValueError, '"error" or "nan"'),
        (lambda: ASIA.log_prob(ASIA.sample(3), impossible="nan"), ValueError, "a rule for given="),
        (lambda: ASIA.log_prob(ASIA.sample(3), given=["lung"], per_variable=True), ValueError, "leave per_variable="),
        (lambda: ASIA.log_prob(ASIA.sample(3), given=["lungs"]), KeyError, "no variable 'lungs'"),
        (lambda: ASIA.log_prob({"smoke": [None]}, per_variable=True), KeyError, "no column"),
        (
            lambda: ASIA.log_prob([[-1] * 8], per_variable=True),
            fd.MissingValuesError,
            "per_variable=True needs complete rows",
        ),
        (lambda: ASIA.predict_proba({"smoke": [0], "lungs": [1]}, "tub"), KeyError, "lungs"),
    ],
)
def test_questions_that_make_no_sense(ask, error, text):
    with pytest.raises(error, match=text):
        ask()


def test_tables_too_large_are_refused_before_they_are_made():
    net = fd.BayesNet({f"x{i}": fd.Bernoulli(0.5) for i in range(40)})
    with pytest.raises(ValueError, match=r"has 1,099,511,627,776 configurations, at most 2\*\*24"):
        net.posterior(list(net.names))
