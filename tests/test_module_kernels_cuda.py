"""CUDA twins of the loops over parameters that modules gave: the same words and formulas as the CPU loops."""

from __future__ import annotations

import numpy as np
import pytest
from device import run
from module_vectors import FIRST, KEY, START, features_case, vector

from fastdgm.engines.torch.neural_loops import LOOPS as CPU_LOOPS

pytestmark = pytest.mark.gpu
N = 24


@pytest.fixture(scope="module")
def loops():
    from fastdgm.engines.torch.neural_loops_cuda import LOOPS

    return LOOPS


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("family", ["bernoulli", "categorical", "normal", "mixture"])
def test_twins(loops, family, dtype):
    own = vector(family, dtype, N, 3)
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    run(loops[f"sample {family}", "cuda"], N, np.uint64(KEY), np.uint64(START), own.cells, own.parameters, own.block)
    np.testing.assert_allclose(own.block[own.own].T, own.drawn(), rtol=tolerance, atol=tolerance)
    found = np.zeros(FIRST + N)
    run(loops[f"log_prob {family}", "cuda"], N, own.cells, own.parameters, own.block, found)
    terms = own.terms(own.block[own.own].T.astype(np.float64), *own.parts)
    np.testing.assert_allclose(found[FIRST:], terms.sum(axis=1), rtol=10 * tolerance, atol=tolerance)
    assert {("log_prob " + family, "cpu"), ("sample " + family, "cpu")} <= set(CPU_LOOPS)


def test_features(loops):
    plan, codes, reals, expected = features_case(N)
    out = np.full(expected.shape, np.nan)
    run(loops["features", "cuda"], N, plan, FIRST, codes, reals, out)
    np.testing.assert_array_equal(out, expected.astype(np.float32))


def test_parameters_that_are_none(loops):
    for family, mark in (("bernoulli", 2), ("categorical", 3), ("mixture", np.nan)):
        own = vector(family, np.float32, N, 2)
        own.parts[0][5, 1] = np.nan
        arguments = np.uint64(KEY), np.uint64(START), own.cells, own.parameters, own.block
        run(loops[f"sample {family}", "cuda"], N, *arguments)
        np.testing.assert_equal(own.block[own.own][1, 5], mark)


@pytest.mark.parametrize("part", range(3))
def test_densities_that_are_none(loops, part):
    """Terms of a mixture that are all NaN are no density of 0."""
    own, out = vector("mixture", np.float32, N, 2), np.zeros(FIRST + N)
    own.block[own.own] = 0
    own.parts[part][5, 1] = np.nan
    run(loops["log_prob mixture", "cuda"], N, own.cells, own.parameters, own.block, out)
    assert np.flatnonzero(np.isnan(out[FIRST:])).tolist() == [5]
