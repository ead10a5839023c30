"""Entropy, mutual information and outlier scores against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import Listed, partial_rows
from hypothesis import given
from hypothesis import strategies as st
from random_nets import nets

import fastdgm as fd

ASIA = fd.example("asia")
seeds = st.integers(0, 2**31)


def entropy(table):
    positive = table[table > 0]
    return -(positive * np.log(positive)).sum()


@given(nets(max_vars=5), seeds)
def test_entropy_and_mutual_information(net, seed):
    listed, rng = Listed(net), np.random.default_rng(seed)
    group = rng.integers(0, 4, len(net))
    x, y, z = ([name for name, own in zip(net.names, group, strict=True) if own == k] for k in range(3))
    if x:
        assert net.entropy(x) == pytest.approx(entropy(listed.table(x, listed.p)), abs=1e-12)
    if x and y:
        p = listed.table([*x, *y, *z], listed.p)
        axes_x, axes_y = tuple(range(len(x))), tuple(range(len(x), len(x) + len(y)))
        p_xz, p_yz = p.sum(axis=axes_y, keepdims=True), p.sum(axis=axes_x, keepdims=True)
        p_z = p_xz.sum(axis=axes_x, keepdims=True)
        some = p > 0
        ratio = (p * p_z)[some] / (p_xz * p_yz)[some]
        expected = (p[some] * np.log(ratio)).sum()
        assert net.mutual_information(x, y, given=z) == pytest.approx(expected, abs=1e-12)
        assert net.mutual_information(y, x, given=z) == pytest.approx(expected, abs=1e-12)


def test_one_name_and_normal_variables():
    net = fd.BayesNet({"a": fd.Normal(0, 2), "b": fd.LinearGaussian(["a"], 1, [0.5], std=1.0), "c": fd.Normal(0, 1)})
    correlation = 0.5 * 2 / np.sqrt(0.25 * 4 + 1)
    assert net.mutual_information("a", "b") == pytest.approx(-0.5 * np.log(1 - correlation**2))
    assert net.entropy("a") == pytest.approx(0.5 * np.log(2 * np.pi * np.e * 4))
    assert net.mutual_information(["a"], ["c"], given="b") == 0.0
    assert ASIA.mutual_information("tub", "lung") == 0.0 < ASIA.mutual_information("tub", "lung", given="either")


@given(nets(max_vars=5), seeds)
def test_outlier_scores_are_those_of_a_value_given_the_others(net, seed):
    rows, listed = partial_rows(net, 8, 0.3, seed), Listed(net)
    found = net.outlier_scores(rows)
    assert found.shape == rows.shape and (np.isnan(found) == (rows < 0)).all()
    for v in range(len(net)):
        others = rows.copy()
        others[:, v] = -1
        expected = listed.log_p(others) - listed.log_p(rows)
        known = rows[:, v] >= 0
        np.testing.assert_allclose(found[known, v], expected[known], rtol=1e-9, atol=1e-11)


def test_of_complete_rows_they_are_those_of_the_blanket():
    rows = ASIA.sample(20, seed=0)
    found = ASIA.outlier_scores(rows)
    for v, name in enumerate(ASIA.names):
        p = ASIA.predict_proba({own: rows[own] for own in ASIA.markov_blanket(name)}, name)
        np.testing.assert_allclose(found[:, v], -np.log(p[np.arange(20), rows[name]]), rtol=1e-9, atol=1e-12)


def test_impossible_values():
    rows = {"lung": ["yes"], "tub": ["no"], "either": ["no"]}
    with pytest.raises(fd.ImpossibleEvidenceError, match=r"row 0 has no outlier .*: lung=yes and either=no"):
        ASIA.outlier_scores(rows)
    found = ASIA.outlier_scores(rows, impossible="nan")[0]
    assert found[3] == found[5] == np.inf and np.isnan(found[[0, 1, 2, 4, 6, 7]]).all()


def test_beside_real_variables():
    net = fd.BayesNet({"z": fd.Bernoulli(0.3), "x": fd.Normal.given(["z"], mean=[-2, 3], std=[1, 0.5])})
    found = net.outlier_scores({"z": [0, 1, None], "x": [-2.0, -2.0, 3.0]})
    data = {"z": [0, 1], "x": [-2.0, -2.0]}
    np.testing.assert_allclose(found[:2, 0], net.log_prob({"x": data["x"]}) - net.log_prob(data), rtol=1e-12)
    np.testing.assert_allclose(found[:2, 1], net.log_prob({"z": data["z"]}) - net.log_prob(data), rtol=1e-12)
    assert np.isnan(found[2, 0]) and found[2, 1] == pytest.approx(-net.log_prob({"x": [3.0]})[0])


def test_torch_and_bad_input():
    with pytest.raises(ValueError, match="'tub' is in x and given"):
        ASIA.mutual_information("tub", "lung", given="tub")
    with pytest.raises(KeyError, match="did you mean 'lung'"):
        ASIA.entropy("lungs")
    with pytest.raises(ValueError, match="entropy is of at least one variable, got none"):
        ASIA.entropy([])
    with pytest.raises(ValueError, match="configurations, at most"):
        fd.BayesNet({f"x{i}": fd.Bernoulli(0.5) for i in range(30)}).entropy([f"x{i}" for i in range(30)])
    with pytest.raises(ValueError, match='"error" or "nan"'):
        ASIA.outlier_scores(ASIA.sample(2), impossible=0)
    with pytest.raises(fd.NotFittedError):
        fd.BayesNet.from_edges([("a", "b")]).mutual_information("a", "b")
    torch = pytest.importorskip("torch", reason="torch is not installed")
    assert torch.is_tensor(ASIA.outlier_scores(torch.zeros((2, 8), dtype=torch.int64)))
