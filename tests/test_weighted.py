"""Likelihood weighting: estimated answers of networks of tables, against exact ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_given_tables import agrees, posterior

import fastdgm as fd
from fastdgm.data.evidence_rows import as_evidence, given_evidence
from fastdgm.inference.weighted import WeightedInference, WeightedSampling

ASIA = fd.example("asia")
SCHEMA = ASIA._program.schema
KNOWN = {"dysp": "yes", "smoke": ["yes", "no"], "xray": np.array([0.3, 0.9])}


def partial_rows(net: fd.BayesNet, n: int, missing: float, seed: int = 0) -> pd.DataFrame:
    frame = net.sample(n, seed=seed).to_pandas()
    return frame.mask(np.random.default_rng(seed).random(frame.shape) < missing)


def within(found: np.ndarray, expected: np.ndarray, error: np.ndarray, times: float = 5.0) -> bool:
    return bool((np.abs(found - expected) <= times * error + 1e-12).all())


def test_log_evidence():
    block = as_evidence(partial_rows(ASIA, 60, 0.5), SCHEMA)
    exact, found = (
        ASIA._exact.log_evidence(block),
        WeightedInference(ASIA._program).log_evidence(block, WeightedSampling(20_000, 1)),
    )
    assert within(found.value, exact, found.std_error)
    assert (found.n_effective > 10).all() and (found.std_error < 0.3).all()
    z = (found.value - exact)[found.std_error > 0] / found.std_error[found.std_error > 0]
    assert 0.6 < z.std() < 1.5  # the errors are what they say


def test_marginals_and_joint_tables():
    block = given_evidence(KNOWN, SCHEMA)
    weighted, sampling = WeightedInference(ASIA._program), WeightedSampling(50_000, 2)
    likelihoods = {SCHEMA.rows["dysp"]: np.array([1.0, 0.0]), SCHEMA.rows["xray"]: np.array([0.3, 0.9])}
    table = posterior(ASIA, likelihoods)[0].reshape((2,) * 8)
    found = weighted.marginals(block, sampling)
    for v in range(8):
        own = slice(weighted.first_cell[v], weighted.first_cell[v + 1])
        expected = table.sum(axis=tuple(u for u in range(8) if u != v))
        assert within(found.value[own, 0], expected, found.std_error[own, 0])
    dysp = weighted.first_cell[SCHEMA.rows["dysp"]]
    assert found.value[dysp : dysp + 2, 0].tolist() == pytest.approx([1.0, 0.0]) and not found.std_error[dysp, 0]
    joint = weighted.joint(block, ["bronc", "lung"], sampling)
    axes = [SCHEMA.rows[name] for name in ("lung", "bronc")]
    expected = table.sum(axis=tuple(u for u in range(8) if u not in axes)).T  # bronc comes after lung
    assert within(joint.value.reshape(2, 2), expected, joint.std_error.reshape(2, 2))
    assert joint.value.sum() == pytest.approx(1.0)


def test_draws():
    likelihoods = {SCHEMA.rows["dysp"]: np.array([1.0, 0.0]), SCHEMA.rows["xray"]: np.array([0.3, 0.9])}
    expected, _ = posterior(ASIA, likelihoods)
    frame = pd.DataFrame({"dysp": ["yes"] * 3000})
    block = given_evidence({"dysp": frame["dysp"], "xray": np.array([0.3, 0.9])}, SCHEMA)
    codes, log_evidence = WeightedInference(ASIA._program).draws(block, WeightedSampling(2000, 3), 0, 2)
    assert codes.shape == (8, 6000) and (log_evidence.n_effective > 100).all()
    assert agrees(codes, [2] * 8, expected)


def test_answers_depend_on_seed_row_and_sample_alone(monkeypatch):
    frame = partial_rows(ASIA, 40, 0.5)
    block, sampling = as_evidence(frame, SCHEMA), WeightedSampling(500, 4)
    weighted = WeightedInference(ASIA._program)
    log_p, shares = weighted.log_evidence(block, sampling), weighted.marginals(block, sampling)
    draws, _ = weighted.draws(block, sampling, 5, 3)
    first = as_evidence(frame[:7], SCHEMA)
    np.testing.assert_array_equal(weighted.log_evidence(first, sampling).value, log_p.value[:7])
    np.testing.assert_array_equal(weighted.draws(first, sampling, 5, 3)[0], draws[:, :21])
    monkeypatch.setattr("fastdgm.inference.weighted.COLUMNS_AT_ONCE", 1000)
    for threads in (1, 3):
        with fd.num_threads(threads):
            np.testing.assert_array_equal(weighted.log_evidence(block, sampling).value, log_p.value)
            np.testing.assert_array_equal(weighted.marginals(block, sampling).value, shares.value)
            np.testing.assert_array_equal(weighted.draws(block, sampling, 5, 3)[0], draws)
    assert not np.array_equal(weighted.log_evidence(block, WeightedSampling(500, 5)).value, log_p.value)


def test_draws_of_rows_are_those_of_any_split():
    frame = partial_rows(ASIA, 6, 0.5)
    options = {"n_per_row": 4, "seed": 0, "method": "weighted", "n_samples": 500}
    together = np.asarray(ASIA.sample(given=frame, **options))
    for i in range(6):
        own = ASIA.sample(given=frame[i : i + 1], start=4 * i, **options)
        np.testing.assert_array_equal(own, together[4 * i : 4 * i + 4])
    known = {"dysp": "yes"}
    options = {"given": known, "seed": 0, "method": "weighted", "n_samples": 500}
    whole = np.asarray(ASIA.sample(10, **options))
    np.testing.assert_array_equal(ASIA.sample(6, start=4, **options), whole[4:])
    far = ASIA.sample(given=frame, n_per_row=1, start=2**40 - 6, seed=0, method="weighted", n_samples=500)
    assert far.shape == (6, 8)


def test_rows_that_nothing_explains():
    block = as_evidence(pd.DataFrame({"either": ["no", "yes"], "lung": ["yes", "yes"]}), SCHEMA)
    weighted, sampling = WeightedInference(ASIA._program), WeightedSampling(100, 0)
    found = weighted.log_evidence(block, sampling)
    assert found.value[0] == -np.inf and found.n_effective[0] == 0 and np.isfinite(found.value[1])
    shares = weighted.marginals(block, sampling)
    assert np.isnan(shares.value[:, 0]).all() and np.isfinite(shares.value[:, 1]).all()


def test_the_verbs_of_networks_of_tables():
    frame = partial_rows(ASIA, 30, 0.5, seed=3)
    options = {"method": "weighted", "n_samples": 20_000, "seed": 0, "return_info": True}
    value, info = ASIA.log_prob(frame, **options)
    assert within(value, ASIA.log_prob(frame), info.std_error) and info.effective_sample_size.shape == (30,)
    value, info = ASIA.predict_proba(frame, "smoke", **options)
    assert within(value, ASIA.predict_proba(frame, "smoke"), info.std_error) and info.std_error.shape == (30, 2)
    value, info = ASIA.marginals(frame, **options)
    for name, exact in ASIA.marginals(frame).items():
        assert within(value[name], exact, info.std_error[name])
    table, info = ASIA.posterior(["lung", "bronc"], given={"xray": "yes"}, do={"smoke": "no"}, **options)
    exact = ASIA.posterior(["lung", "bronc"], given={"xray": "yes"}, do={"smoke": "no"})
    assert within(table.table, exact.table, info.std_error) and table.names == exact.names
    del options["return_info"]
    np.testing.assert_array_equal(ASIA.log_prob(frame, **options), ASIA.log_prob(frame, **options))
    log_p, error = ASIA.log_prob(frame, return_std_error=True, **options)
    assert log_p.shape == error.shape == (30,)
    rows = ASIA.sample(given=frame, n_per_row=2, **options)
    kept = np.repeat(frame.notna().to_numpy(), 2, axis=0)
    assert (np.asarray(rows)[kept] == np.repeat(np.asarray(ASIA.sample(30, seed=3)), 2, axis=0)[kept]).all()
    fixed = ASIA.sample(5000, given=KNOWN, do={"smoke": "no"}, seed=1, method="weighted")
    assert abs((fixed["lung"] == 0).mean() - ASIA.posterior(["lung"], KNOWN, {"smoke": "no"})["yes"]) < 0.03


def test_exact_answers_have_infinitely_many_samples():
    frame = partial_rows(ASIA, 5, 0.5)
    for value, info in (ASIA.log_prob(frame, return_info=True), ASIA.predict_proba(frame, "lung", return_info=True)):
        assert info.std_error.shape == value.shape and not info.std_error.any()
        assert np.isinf(info.effective_sample_size).all()
    value, info = ASIA.marginals(frame, return_info=True)
    assert not info.std_error["lung"].any() and value["lung"].shape == (5, 2)


def test_beside_real_variables_it_is_importance_sampling():
    net = fd.BayesNet(
        {"z": fd.Bernoulli(0.3), "s": fd.Exponential(1.0), "y": fd.Logistic(["z", "s"], [1.0, 1.5], -1.0)}
    )
    value, info = net.log_prob({"y": [0, 1]}, method="weighted", n_samples=500, seed=0, return_info=True)
    expected, error = net.log_prob({"y": [0, 1]}, n_importance=500, return_std_error=True, seed=0)
    np.testing.assert_array_equal(value, expected)
    np.testing.assert_array_equal(info.std_error, error)
    value, info = net.predict_proba({"y": [0, 1]}, "z", method="weighted", n_samples=500, seed=0, return_info=True)
    np.testing.assert_array_equal(value, net.predict_proba({"y": [0, 1]}, "z", n_importance=500, seed=0))
    assert np.isnan(info.std_error).all() and (info.effective_sample_size > 10).all()
    for verb in (lambda: net.marginals({"y": [0]}, method="weighted"), lambda: net.posterior(["z"], method="weighted")):
        with pytest.raises(ValueError, match="is of networks of discrete variables"):
            verb()


def test_a_network_that_is_too_large_for_exact_answers():
    """A grid of pairs of 40 variables: its junction tree has 2**40 cells."""
    n = 40
    pairs = {
        f"y{i}_{j}": fd.CPT([f"x{i}", f"x{j}"], [[[0.5, 0.5], [0.45, 0.55]]] * 2) for i in range(n) for j in range(i)
    }
    net = fd.BayesNet({**{f"x{i}": fd.Bernoulli(0.5) for i in range(n)}, **pairs})
    known = {name: [1] for name in list(pairs)[:100]}
    value, info = net.log_prob(known, method="weighted", n_samples=4000, seed=0, return_info=True)
    assert np.isfinite(value).all() and 0 < info.std_error[0] < 0.2
    with pytest.raises(ValueError, match="weighted"):
        net.sample(3, given=dict.fromkeys(pairs, 1))


def test_few_samples_that_count_are_told_of():
    net = fd.BayesNet({"x": fd.Bernoulli(4e-4), "y": fd.CPT(["x"], [[1 - 1e-7, 1e-7], [0.1, 0.9]])})
    for verb in (
        lambda: net.log_prob({"y": [1]}, method="weighted", seed=0),
        lambda: net.predict_proba({"y": [1]}, "x", method="weighted", seed=0),
        lambda: net.marginals({"y": [1]}, method="weighted", seed=0),
        lambda: net.posterior(["x"], {"y": 1}, method="weighted", seed=0),
        lambda: net.sample(5, given={"y": 1}, method="weighted", seed=0),
    ):
        with pytest.warns(UserWarning, match="the weights of n_samples=10000 samples are worth fewer") as caught:
            verb()
        assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("verb", "error", "told"),
    [
        (lambda: ASIA.log_prob([[0] * 8], method="gibbs"), ValueError, 'method is "exact" or "weighted"'),
        (lambda: ASIA.sample(3, given={"dysp": 0}, method="w"), ValueError, 'method is "exact" or "weighted"'),
        (lambda: ASIA.sample(3, method="weighted"), ValueError, "is of what is given="),
        (lambda: ASIA.log_prob([[0] * 8], method="weighted", n_samples=0), ValueError, "n_samples must be at least 1"),
        (
            lambda: ASIA.log_prob([[0] * 8], method="weighted", per_variable=True),
            ValueError,
            "per_variable= does not go",
        ),
        (lambda: ASIA.log_prob([[0] * 8], method="weighted", given=["lung"]), ValueError, "given= does not go"),
        (lambda: ASIA.predict_proba([[0] * 8], "lung", method="weighted", n_importance=3), ValueError, "n_importance="),
        (lambda: ASIA.predict_proba([[0] * 8], "lungs", method="weighted"), KeyError, "no variable 'lungs'"),
        (lambda: ASIA.posterior(["lung"], return_info=True), ValueError, "what is exact has no errors"),
        (lambda: ASIA.log_prob([[9] * 8], method="weighted"), ValueError, "codes of 'asia'"),
    ],
)
def test_bad_input(verb, error, told):
    with pytest.raises(error, match=told):
        verb()


def test_unexplained_rows():
    rows = {"either": ["no", "yes"], "lung": ["yes", "yes"]}
    for verb in (
        lambda **more: ASIA.predict_proba(rows, "smoke", method="weighted", n_samples=200, seed=0, **more),
        lambda **more: ASIA.marginals(rows, method="weighted", n_samples=200, seed=0, **more)["smoke"],
    ):
        with pytest.raises(fd.ImpossibleEvidenceError, match=r"row 0 has no .*all of its samples have weight 0"):
            verb()
        with pytest.warns(UserWarning, match="in 1 of 2 rows"):
            found = verb(impossible="nan")
        assert np.isnan(found[0]).all() and np.isfinite(found[1]).all()


def test_known_numbers_stay_in_the_range_of_the_data():
    net = fd.BayesNet({"z": fd.Bernoulli(0.5), "r": fd.Normal.given(["z"], mean=[0, 1], std=[1, 1])})
    with pytest.raises(ValueError, match="within the range of float32: 'r' is 1e\\+300"):
        net.sample(2, given={"r": 1e300}, method="weighted")
