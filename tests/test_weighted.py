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
    before = fd.get_num_threads()
    for threads in (1, 3):
        fd.set_num_threads(threads)
        try:
            np.testing.assert_array_equal(weighted.log_evidence(block, sampling).value, log_p.value)
            np.testing.assert_array_equal(weighted.marginals(block, sampling).value, shares.value)
            np.testing.assert_array_equal(weighted.draws(block, sampling, 5, 3)[0], draws)
        finally:
            fd.set_num_threads(before)
    assert not np.array_equal(weighted.log_evidence(block, WeightedSampling(500, 5)).value, log_p.value)


def test_rows_that_nothing_explains():
    block = as_evidence(pd.DataFrame({"either": ["no", "yes"], "lung": ["yes", "yes"]}), SCHEMA)
    weighted, sampling = WeightedInference(ASIA._program), WeightedSampling(100, 0)
    found = weighted.log_evidence(block, sampling)
    assert found.value[0] == -np.inf and found.n_effective[0] == 0 and np.isfinite(found.value[1])
    shares = weighted.marginals(block, sampling)
    assert np.isnan(shares.value[:, 0]).all() and np.isfinite(shares.value[:, 1]).all()
