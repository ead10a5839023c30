"""Posteriors of one variable of complete rows on a GPU, by the tables alone."""

from __future__ import annotations

import numpy as np
import pytest
from device_array import DeviceArray, counted_copies

import fastdgm as fd

pytestmark = pytest.mark.gpu

N = 21
NET = fd.BayesNet(
    {
        "y": fd.Categorical([0.5, 0.3, 0.2]),
        "a": fd.CPT(["y"], [[1.0, 0.0], [0.5, 0.5], [1.0, 0.0]]),
        "b": fd.CPT(["y", "a"], [[[0.9, 0.1], [0.2, 0.8]], [[0.4, 0.6], [1.0, 0.0]], [[0.3, 0.7], [0.5, 0.5]]]),
    }
)
ROWS = NET.sample(N, seed=1)
CODES = np.asarray(ROWS)


@pytest.mark.parametrize("name", ["y", "a"])
def test_posteriors_of_complete_rows_are_those_of_the_cpu(monkeypatch, name):
    x = NET.sample(N, seed=1, device="cuda")
    copies = counted_copies(monkeypatch)
    found, codes = NET.predict_proba(x, name), NET.predict(DeviceArray(CODES), name)
    assert copies["to_host"] == 0
    v, n_states = NET.names.index(name), len(NET.states[name])
    joint = [np.exp(NET.log_prob(np.where(np.arange(3) == v, k, CODES))) for k in range(n_states)]
    np.testing.assert_allclose(found.copy_to_host(), np.transpose(joint / np.sum(joint, axis=0)), rtol=1e-12)
    np.testing.assert_allclose(found.copy_to_host(), NET.predict_proba(ROWS, name), rtol=1e-12)
    assert (codes.copy_to_host() == NET.predict(ROWS, name)).all()


def test_impossible_rows_are_named_or_nan():
    codes = CODES.copy()
    codes[5, 1:] = 1  # a = 1 says y = 1, which says b = 0
    with pytest.raises(fd.ImpossibleEvidenceError, match="row 5 "):
        NET.predict_proba(DeviceArray(codes), "y")
    found = NET.predict_proba(DeviceArray(codes), "y", impossible="nan").copy_to_host()
    np.testing.assert_allclose(found, NET.predict_proba(codes, "y", impossible="nan"), rtol=1e-12)
