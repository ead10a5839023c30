"""Public verbs on a GPU, end to end: what is drawn there is what the CPU draws, and nothing is copied unasked."""

from __future__ import annotations

import numpy as np
import pytest

import fastdgm as fd

pytestmark = pytest.mark.gpu


def test_samples_stay_there_and_are_those_of_the_cpu():
    net = fd.example("asia")
    x = net.sample(50, seed=3, start=7, device="cuda")
    assert (np.asarray(x.to("cpu")) == np.asarray(net.sample(50, seed=3, start=7))).all()
    scores = net.log_prob(x)
    np.testing.assert_allclose(scores.copy_to_host(), net.log_prob(x.to("cpu")), rtol=1e-12)
