"""Rows in which nothing is missing have the same bits beside any others."""

from __future__ import annotations

import numpy as np
import pytest

import fastdgm as fd
from fastdgm.data.evidence_rows import as_evidence


def many_states() -> fd.BayesNet:
    rng = np.random.default_rng(0)
    tables = {"a": fd.Categorical(rng.dirichlet(np.ones(256))), "b": fd.CPT(["a"], rng.dirichlet(np.ones(3), 256))}
    return fd.BayesNet(tables)


@pytest.mark.parametrize("share", [0.02, 0.7, 1.0])
@pytest.mark.parametrize("net", [fd.example("asia"), many_states()], ids=["asia", "256 states"])
def test_complete_rows_are_scored_alike(net, share):
    n = 20_000
    x = np.asarray(net.sample(n, seed=0)).astype(np.int64)
    want = net.log_prob(x)
    rng = np.random.default_rng(1)
    incomplete = rng.random(n) >= share
    partial = x.copy()
    partial[incomplete, rng.integers(0, x.shape[1], n)[incomplete]] = -1
    found = net.log_prob(partial)
    assert (found[~incomplete] == want[~incomplete]).all()
    alone = net.log_prob(partial[incomplete])
    assert (found[incomplete] == alone).all()
    few = rng.permutation(n)[:50]
    assert (net.log_prob(partial[few]) == found[few]).all()
    assert (found >= want - 1e-9).all()
    assert (net._exact.log_evidence(as_evidence(x[few], net._program.schema)) == want[few]).all()
