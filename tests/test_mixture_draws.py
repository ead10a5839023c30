"""Rows drawn under known values beside hidden discrete variables: exact mixtures, and weighted draws."""

from __future__ import annotations

import numpy as np
import pytest

import fastdgm as fd
from fastdgm.errors import ImpossibleEvidenceError

NET = fd.BayesNet(
    {
        "z": fd.Bernoulli(0.3),
        "k": fd.CPT(["z"], [[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]),
        "v": fd.MultivariateNormal.given(["k"], [[0, 1], [2, 0], [-1, -1]], [[1.0, 0.4], [0.4, 0.5]]),
        "a": fd.LinearGaussian(["z", "v"], [0, 1], [[1, 0.5], [-1, 0]], [0.5, 1.0]),
        "b": fd.LinearGaussian(["a", "k"], [0, 1, 2], [0.7], 0.8),
    }
)


@pytest.mark.parametrize("method", ["exact", "weighted"])
def test_they_follow_the_posterior(method):
    known = {"b": 1.5}
    x = NET.sample(30_000, given=known, seed=1, dtype=np.float64, method=method, n_samples=300_000)
    assert set(x["b"]) == {1.5}
    table = NET.posterior(["z", "k"], given=known).table
    for z, k in np.ndindex(2, 3):
        own = (x["z"] == z) & (x["k"] == k)
        assert abs(own.mean() - table[z, k]) < 0.015
        answer = NET.posterior(["v", "a"], given={**known, "z": bool(z), "k": k})
        rows = np.column_stack([x["v"][own], x["a"][own]])
        scale = np.sqrt(np.diag(answer.covariance))
        assert (np.abs(rows.mean(axis=0) - answer.mean) < 6 * scale / np.sqrt(own.sum() / 2)).all()
        assert np.abs(np.cov(rows.T) - answer.covariance).max() < 0.15 * scale.max() ** 2


def test_rows_do_not_depend_on_how_they_are_asked_for():
    for known in ({"b": 1.5}, {"a": 0.2, "k": 1}):
        whole = NET.sample(3000, given=known, seed=9, start=5)
        parts = list(NET.iter_samples(3000, chunk=701, given=known, seed=9, start=5))
        for name in NET.names:
            np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), whole[name])
    weighted = NET.sample(300, given={"b": 1.5}, seed=9, method="weighted", n_samples=500)
    later = NET.sample(100, given={"b": 1.5}, seed=9, start=200, method="weighted", n_samples=500)
    np.testing.assert_array_equal(later["v"], weighted["v"][200:])


def test_functions_stay_functions():
    net = fd.BayesNet(
        {
            "z": fd.Bernoulli(0.4),
            "x": fd.Normal.given(["z"], [0, 2], [1, 1]),
            "twice": fd.LinearGaussian(["x", "z"], [0, 1], [2], 0.0),
            "y": fd.LinearGaussian(["x"], 0, [1], 0.5),
        }
    )
    x = net.sample(2000, given={"y": 1.0}, seed=0)
    np.testing.assert_array_equal(x["twice"], np.float32(2) * x["x"] + x["z"].astype(np.float32))
    assert np.isfinite(net.log_prob(x)).all()


def test_only_discrete_variables_are_hidden():
    x = NET.sample(20_000, given={"v": [0.5, 0.5], "a": 0.3, "b": 1.0}, seed=3)
    table = NET.posterior(["z", "k"], given={"v": [0.5, 0.5], "a": 0.3, "b": 1.0}).table
    found = np.bincount(x["z"] * 3 + x["k"], minlength=6) / 20_000
    np.testing.assert_allclose(found, table.ravel(), atol=0.015)


def test_what_is_below_known_roots_is_of_any_kind():
    net = fd.BayesNet({"z": fd.Bernoulli(0.3), "u": fd.Exponential(2.0), "y": fd.Logistic(["z", "u"], [1.0, 2.0], 0.0)})
    x = net.sample(20_000, given={"z": 1}, seed=0, dtype=np.float64)
    assert set(x["z"]) == {1} and abs(x["u"].mean() - 0.5) < 0.02
    assert abs(x["y"].mean() - net.sample(20_000, do={"z": 1}, seed=1)["y"].mean()) < 0.02


def test_what_cannot_be_drawn():
    net = fd.BayesNet({"z": fd.Bernoulli(0.3), "u": fd.Exponential(2.0), "y": fd.Logistic(["z", "u"], [1.0, 2.0], 0.0)})
    with pytest.raises(ValueError, match=r"'u' has no value, and its Exponential.*weighted"):
        net.sample(3, given={"y": 1})
    x = net.sample(20_000, given={"y": 1}, seed=0, method="weighted", n_samples=100_000)
    expected = net.predict_proba({"y": [1]}, "z", method="weighted", n_samples=100_000, seed=1)
    assert abs(x["z"].mean() - expected[0, 1]) < 0.02
    many = {f"z{i}": fd.Bernoulli(0.5) for i in range(13)}
    net = fd.BayesNet({**many, "x": fd.LinearGaussian([*many], np.zeros((2,) * 13), [], 1.0)})
    with pytest.raises(ValueError, match=r"8,192 configurations, at most 4,096.*weighted"):
        net.sample(3, given={"x": 1.0})
    point = fd.BayesNet({"z": fd.Bernoulli(0.5), "x": fd.LinearGaussian(["z"], [0, 1], [], 0.0)})
    assert set(point.sample(20, given={"x": 1.0})["z"]) == {1}
    with pytest.raises(ImpossibleEvidenceError):
        point.sample(20, given={"x": 0.5})
    with pytest.raises(ImpossibleEvidenceError, match="all of its samples have weight 0"):
        point.sample(20, given={"x": 0.5}, method="weighted")
