"""The CUDA twin of moments against the loop."""

from __future__ import annotations

import numpy as np
import pytest
from device import run
from test_moments import FAMILIES, data

from fastdgm.engines.moments.loops import LOOPS
from fastdgm.engines.moments.plan import Strata

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def twins():
    from fastdgm.engines.moments.loops_cuda import LOOPS

    return LOOPS


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_records_are_those_of_the_loop(twins, dtype):
    codes, reals = data(50, dtype)
    weights = np.random.default_rng(4).uniform(0, 2, 50) * (np.arange(50) % 5 != 3)
    strata = Strata(FAMILIES)
    on_cpu = strata.new_records()
    LOOPS["moments", "cpu"](0, 50, strata.plan, codes, reals, weights, on_cpu)
    sums = np.zeros(strata.n_sums)
    for s, own in enumerate(strata.strata):  # the twin takes the shifts that it finds
        records = slice(*(int(i) for i in strata.plan.record_start[s : s + 2]))
        shape, shifts = (own.n_configurations, own.record), slice(2, 2 + len(own.columns))
        sums[records].reshape(shape)[:, shifts] = on_cpu[records].reshape(shape)[:, shifts]
    run(twins["moments", "cuda"], 50, strata.plan, codes, reals, weights, sums)
    np.testing.assert_allclose(sums, on_cpu, rtol=1e-11, atol=1e-11)
