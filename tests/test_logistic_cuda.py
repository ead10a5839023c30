"""CUDA twins of the loops over weighted sums: the same words, and sums that differ by their rounding only."""

from __future__ import annotations

import numpy as np
import pytest
from device import run
from logistic_nets import beside_reals, discrete_net

from fastdgm.data.blocks import Part

pytestmark = pytest.mark.gpu


def packed(plan):
    """As the twins read it."""
    from fastdgm.engines.logistic.cuda_plan import packed

    return packed(plan)


@pytest.fixture(scope="module")
def loops():
    from fastdgm.engines.logistic.loops_cuda import LOOPS

    return LOOPS


def test_samples(loops):
    net, n, start = discrete_net(), 60, 2**32 - 20
    x = net.sample(n, seed=2**63 + 1, start=start)
    codes, reals = x.block.copy(), np.empty((0, n), np.float32)
    for segment in net._program.segments:
        is_table = type(segment.engine).__name__ == "TableEngine"
        for plan in [] if is_table else segment.engine.plans("sample", np.dtype(np.float32)):
            codes[plan.row] = 0
            run(loops["sample", "cuda"], n, np.uint64(2**63 + 1), np.uint64(start), packed(plan), codes, reals)
    assert (codes == x.block).all()  # no uniform of these rows lies on a threshold


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_samples_and_log_prob_beside_reals(loops, dtype):
    n = 50
    _, engine, values = beside_reals(dtype, n)
    engine.sample(0, n, 5, 100, values)
    codes = values.codes.copy()
    codes[1:] = 0
    for plan in engine.plans("sample", values.reals.dtype):
        run(loops["sample", "cuda"], n, np.uint64(5), np.uint64(100), packed(plan), codes, values.reals)
    assert (codes == values.codes).all()
    expected, expected_terms = np.empty(n), np.zeros((6, n))
    engine.log_prob(0, n, Part("columns", codes, 0, values.reals), expected)
    engine.log_prob_per_variable(0, n, Part("columns", codes, 0, values.reals), expected_terms)
    found, terms = np.zeros(n), np.zeros((6, n))
    for plan in engine.plans("score", values.reals.dtype):
        term = np.empty(n)
        run(loops["log_prob", "cuda"], n, packed(plan), codes, values.reals, term)
        found += term
        run(loops["log_prob per variable", "cuda"], n, packed(plan), codes, values.reals, terms)
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(found, expected, rtol=tolerance)
    np.testing.assert_allclose(terms, expected_terms, rtol=tolerance)


def test_sums_that_are_no_numbers(loops):
    _, engine, values = beside_reals(np.float32, 4)
    values.reals[1, 2] = np.nan  # infinities would warn in the simulator
    codes = values.codes.copy()
    first, *_ = engine.plans("sample", values.reals.dtype)
    run(loops["sample", "cuda"], 4, np.uint64(5), np.uint64(0), packed(first), codes, values.reals)
    assert codes[1, 2] == 1  # the last state
