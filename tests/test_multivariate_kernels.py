"""Loops over normal vectors against the oracle, on the CPU and on a device."""

from __future__ import annotations

import numpy as np
import pytest
import reference_multivariate as reference
from device import run

from fastdgm.engines.multivariate.loops import LOOPS
from fastdgm.engines.multivariate.plan import drawing_components, scoring_components
from fastdgm.kernels.multivariate import PANEL, Vector
from fastdgm.kernels.products import LANES, ROWS

pytestmark = pytest.mark.kernel

FEW = 40  # rows for twins
N = 1100  # over two groups, and no multiple of anything
SIZES = [1, 2, 7, 25]
TYPES = [np.dtype(np.float32), np.dtype(np.float64)]


def components(d, k, seed=0):
    """Means (k, d) and covariances (k, d, d), one of them diagonal."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(k, d, d + 3))
    covariance = root @ root.swapaxes(1, 2) / d
    covariance[-1] = np.diag(np.diag(covariance[-1]))
    return rng.normal(size=(k, d)) * 3, covariance


def rows_of(d, dtype, n=N, seed=1):
    """Reals (d + 2, n) whose rows from 1 on are the vector, and codes of two parents with 2 and 3 states."""
    rng = np.random.default_rng(seed)
    reals = rng.normal(size=(d + 2, n)).astype(dtype) * 2
    codes = np.stack([rng.integers(0, 2, n), rng.integers(0, 9, n), rng.integers(0, 3, n)]).astype(np.uint8)
    return codes, reals


def vector_of(make, d, dtype, word=5):
    """Six components, chosen by rows 0 and 2 of the codes; the vector is in rows 1 .. d + 1 of the reals."""
    mean, covariance = components(d, 6)
    return Vector(make(mean, covariance, dtype), np.array([0, 2]), np.array([3, 1]), 1, word), mean, covariance


def chosen(codes):
    return 3 * codes[0].astype(int) + codes[2]


def tolerance(dtype, reference_values):
    return (1e-5 if dtype == np.float32 else 1e-12) * (1 + np.abs(reference_values))


def test_panels_fit():
    assert PANEL % ROWS == 0 and LANES % 16 == 0


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("d", SIZES)
def test_log_prob(d, dtype):
    codes, reals = rows_of(d, dtype)
    vector, mean, covariance = vector_of(scoring_components, d, dtype)
    component = chosen(codes)
    out = np.full(N, 3.0)
    LOOPS["log_prob", "cpu"](0, N, vector, codes, reals, out)
    x = reals[1:-1].T.astype(float)
    every = np.stack([reference.log_prob(x, m, s) for m, s in zip(mean, covariance, strict=True)])
    expected = 3.0 + every[component, np.arange(N)]
    assert (np.abs(out - expected) <= tolerance(dtype, expected)).all()
    parts = np.full(N, 3.0)
    for begin in range(0, N, 37):
        LOOPS["log_prob", "cpu"](begin, min(begin + 37, N), vector, codes, reals, parts)
    assert (parts == out).all()

    terms = np.empty((6, N))
    LOOPS["log_prob of components", "cpu"](0, N, vector.components, 1, reals, terms)
    assert (np.abs(terms - every) <= tolerance(dtype, every)).all()
    assert (3.0 + terms[component, np.arange(N)] == out).all()
    LOOPS["log_prob of components", "cpu"](33, 40, vector.components, 1, reals, terms)
    assert (3.0 + terms[component, np.arange(N)] == out).all()


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("d", SIZES)
def test_samples(d, dtype):
    codes, reals = rows_of(d, dtype)
    before = reals.copy()
    vector, mean, covariance = vector_of(drawing_components, d, dtype)
    key, start = np.uint64(7), np.uint64(2**32 - 600)  # the low half of the row's number wraps
    LOOPS["sample", "cpu"](0, N, key, start, vector, codes, reals)
    standard = drawing_components(np.zeros((1, d)), np.eye(d)[None], dtype)
    noise = np.zeros_like(reals)
    LOOPS["sample", "cpu"](0, N, key, start, Vector(standard, np.zeros(0, int), np.zeros(0, int), 1, 5), codes, noise)
    expected, component = np.empty((N, d)), chosen(codes)
    for c in range(6):
        own = component == c
        expected[own] = reference.draws(noise[1:-1, own].T.astype(float), mean[c], covariance[c])
    np.testing.assert_allclose(reals[1:-1].T, expected, rtol=0, atol=2e-5 if dtype == np.float32 else 1e-12)
    assert (reals[[0, -1]] == before[[0, -1]]).all()
    parts = before.copy()
    for begin in range(0, N, 37):
        LOOPS["sample", "cpu"](begin, min(begin + 37, N), key, start, vector, codes, parts)
    assert (parts == reals).all()


def test_codes_out_of_range_are_no_crash():
    codes, reals = rows_of(3, np.float64)
    codes[0] = 255
    vector, *_ = vector_of(scoring_components, 3, np.dtype(float))
    out = np.zeros(N)
    LOOPS["log_prob", "cpu"](0, N, vector, codes, reals, out)
    assert np.isfinite(out).all()


def test_far_out_is_impossible_and_never_nan():
    mean, covariance = components(3, 6)
    vector = Vector(
        scoring_components(mean, covariance * 1e-30, np.dtype(np.float32)), np.zeros(0, int), np.zeros(0, int), 0, 0
    )
    out = np.zeros(2)
    reals = np.array([[1e38, 1.0], [-1e38, 0], [1e38, 0]], np.float32)
    LOOPS["log_prob", "cpu"](0, 2, vector, np.zeros((0, 2), np.uint8), reals, out)
    assert out[0] == -np.inf and out[1] < -1e20


def test_parameters_beyond_the_type():
    mean, covariance = components(2, 1)
    with pytest.raises(ValueError, match="leave the range of float32"):
        drawing_components(mean * 1e300, covariance, np.dtype(np.float32))


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_twin_of_log_prob(dtype):
    from fastdgm.engines.multivariate.loops_cuda import LOOPS as CUDA_LOOPS

    codes, reals = rows_of(7, dtype, n=FEW)
    vector, *_ = vector_of(scoring_components, 7, dtype)
    expected, found = np.ones(FEW), np.ones(FEW)
    LOOPS["log_prob", "cpu"](0, FEW, vector, codes, reals, expected)
    run(CUDA_LOOPS["log_prob", "cuda"], FEW, vector, codes, reals, found)
    assert (np.abs(found - expected) <= tolerance(dtype, expected)).all()


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_twin_of_log_prob_of_components(dtype):
    from fastdgm.engines.multivariate.loops_cuda import LOOPS as CUDA_LOOPS

    _, reals = rows_of(7, dtype, n=FEW)
    vector, *_ = vector_of(scoring_components, 7, dtype)
    expected, found = np.ones((6, FEW)), np.ones((6, FEW))
    LOOPS["log_prob of components", "cpu"](0, FEW, vector.components, 1, reals, expected)
    run(CUDA_LOOPS["log_prob of components", "cuda"], FEW, vector.components, 1, reals, found)
    assert (np.abs(found - expected) <= tolerance(dtype, expected)).all()


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_twin_of_samples(dtype):
    from fastdgm.engines.multivariate.loops_cuda import LOOPS as CUDA_LOOPS

    codes, reals = rows_of(7, dtype, n=FEW)
    found = reals.copy()
    vector, *_ = vector_of(drawing_components, 7, dtype)
    LOOPS["sample", "cpu"](0, FEW, np.uint64(3), np.uint64(9), vector, codes, reals)
    run(CUDA_LOOPS["sample", "cuda"], FEW, np.uint64(3), np.uint64(9), vector, codes, found)
    np.testing.assert_allclose(found, reals, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-5)
