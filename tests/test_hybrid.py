"""Discrete and real variables in one network, from end to end: drawn, scored, learnt, asked, written and read."""

from __future__ import annotations

import numpy as np
import pytest
from shared_data import shared

import fastdgm as fd


def clinic():
    """Tables, linear Gaussians, a logistic variable and roots of other kinds in one network."""
    return fd.BayesNet(
        {
            "sick": fd.Bernoulli(0.3),
            "ward": fd.CPT(["sick"], [[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]], states=["a", "b", "c"]),
            "age": fd.Normal(50, 15),
            "fever": fd.LinearGaussian(["sick", "age"], intercept=[36.6, 38.0], coefficients=[0.005], std=[0.3, 0.7]),
            "dose": fd.LinearGaussian(["fever", "ward"], [1, 2, 3], [[0.1], [0.2], [0.3]], std=0.2),
            "wait": fd.Exponential(0.5),
            "seen": fd.Logistic(["ward", "fever", "wait"], weights=[0.5, 1.0, 0.2, -0.4], bias=-7.0),
            "room": fd.Uniform(0, 10),
        }
    )


def test_rows_do_not_depend_on_chunks_threads_or_start():
    net, n = clinic(), 50_000
    x = net.sample(n, seed=5)
    parts = list(net.iter_samples(n, chunk=7_001, seed=5))
    with fd.num_threads(1):
        alone = net.sample(1000, seed=5, start=49_000)
    for name in net.names:
        assert (np.concatenate([part[name] for part in parts]) == x[name]).all()
        assert (alone[name] == x[name][-1000:]).all()


def test_log_prob_is_the_sum_of_its_terms_for_every_form_of_the_rows():
    net = clinic()
    x = net.sample(2000, seed=1, dtype=np.float64)
    expected = net.log_prob(x)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(net.log_prob(x, per_variable=True).sum(axis=1), expected, rtol=1e-12)
    for data in (x.to_pandas(), x.to_arrow(), np.asarray(x), {name: x[name] for name in net.names}):
        np.testing.assert_allclose(net.log_prob(data), expected, rtol=1e-12)
    np.testing.assert_allclose(net.log_prob(net.sample(2000, seed=1)), expected, rtol=1e-4)


def test_what_was_drawn_is_learnt_back():
    net = clinic()
    x = net.sample(200_000, seed=2)
    learnt = clinic().fit(x.to_pandas(), prior=0.0)
    assert abs(learnt.log_prob(x).mean() - net.log_prob(x).mean()) < 1e-3
    np.testing.assert_allclose(learnt["fever"].intercept, [36.6, 38.0], atol=0.03)
    np.testing.assert_allclose(learnt["dose"].coefficients[:, 0], [0.1, 0.2, 0.3], atol=0.02)
    np.testing.assert_allclose(learnt["seen"].weights, net["seen"].weights, atol=0.1)
    assert learnt["wait"].rate == pytest.approx(0.5, rel=0.02)


def test_the_same_network_from_a_file(tmp_path):
    net = clinic()
    fd.write(net, tmp_path / "clinic.safetensors")
    again = fd.read(tmp_path / "clinic.safetensors")
    x, y = net.sample(100, seed=3), again.sample(100, seed=3)
    assert all((x[name] == y[name]).all() for name in net.names)
    assert repr(again) == repr(net)


def test_bayes_rule_through_real_variables():
    net = clinic()
    x = net.sample(500, seed=4, dtype=np.float64)
    joint = np.stack([net.log_prob({**dict(x.items()), "sick": np.full(500, k)}) for k in (0, 1)], axis=1)
    expected = np.exp(joint - np.logaddexp(*joint.T)[:, None])
    rest = {name: x[name] for name in net.names if name != "sick"}
    np.testing.assert_allclose(net.predict_proba(rest, "sick"), expected, atol=1e-12)
    assert (net.predict(rest, "sick") == expected.argmax(axis=1)).all()
    np.testing.assert_allclose(net.log_prob(rest), np.logaddexp(*joint.T), rtol=1e-12)


def test_a_real_network_of_vines():
    path = shared("clg/sangiovese.json")
    with pytest.warns(UserWarning, match="'Treatment'"):
        net = fd.read(path)
    frame = net.sample(20_000, seed=0).to_pandas()
    learnt = fd.BayesNet.from_edges(net.edges, nodes=net.names).fit(frame)
    assert learnt.n_parameters == net.n_parameters == 259
    assert 0 < learnt.log_prob(frame).mean() - net.log_prob(frame).mean() < 0.02
