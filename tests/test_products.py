"""Products of small matrices: right for every shape, every element one chain of additions whatever is beside it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from fastdgm.kernels.products import LANES, Matrix, Size, add_product, add_rows
from fastdgm.kernels.vectors import REGISTER_BYTES

pytestmark = [pytest.mark.kernel, pytest.mark.generic_cpu, pytest.mark.slow]

TYPES = [np.float32, np.float64]


@njit
def run(a, matrix, x, x_row, c, c_row, size):
    add_product(a, matrix, x, x_row, c, c_row, size)


@njit
def run_few(a, matrix, x, x_row, c, c_row, size):
    add_rows(a, matrix, x, x_row, c, c_row, size)


def multiply(weights, x, c, transposed=False, loops=run):
    """c + weights . x by the kernel, embedded in larger arrays whose margins must not change."""
    m, depth = weights.shape
    flat = np.full(7 + weights.size + 20, np.nan, weights.dtype)
    flat[7 : 7 + weights.size] = (weights.T if transposed else weights).ravel()
    matrix = Matrix(7, 1, m) if transposed else Matrix(7, depth, 1)
    sources = np.full((depth + 3, x.shape[1]), np.nan, x.dtype)
    sources[2 : 2 + depth] = x
    target = np.full((m + 5, x.shape[1]), 77, c.dtype)
    target[4 : 4 + m] = c
    loops(flat, matrix, sources, 2, target, 4, Size(m, depth, x.shape[1]))
    assert (target[:4] == 77).all()
    assert (target[4 + m :] == 77).all()
    return target[4 : 4 + m]


def random_problem(m, depth, width, dtype, seed=0):
    random = np.random.default_rng(seed)
    return tuple(random.normal(size=shape).astype(dtype) for shape in ((m, depth), (depth, width), (m, width)))


@pytest.mark.parametrize("dtype", TYPES)
@settings(max_examples=30)
@given(m=st.integers(0, 40), depth=st.integers(0, 30), blocks=st.integers(1, 5), transposed=st.booleans())
def test_products_are_those_of_numpy(m, depth, blocks, transposed, dtype):
    weights, x, c = random_problem(m, depth, blocks * LANES, dtype)
    expected = c.astype(np.float64) + weights.astype(np.float64) @ x.astype(np.float64)
    scale = np.abs(c) + np.abs(weights) @ np.abs(x)
    error = np.abs(multiply(weights, x, c, transposed) - expected)
    assert (error <= (depth + 1) * np.finfo(dtype).eps * scale).all()


@pytest.mark.parametrize("dtype", TYPES)
@settings(max_examples=20)
@given(m=st.integers(1, 30), depth=st.integers(0, 20), blocks=st.integers(1, 4))
def test_rows_and_lanes_do_not_depend_on_their_neighbours(m, depth, blocks, dtype):
    weights, x, c = random_problem(m, depth, blocks * LANES, dtype, seed=1)
    together = multiply(weights, x, c)
    for i in range(m):
        for j in range(0, blocks * LANES, LANES):
            lanes = slice(j, j + LANES)
            assert (multiply(weights[i : i + 1], x[:, lanes], c[i : i + 1, lanes]) == together[i, lanes]).all()


@pytest.mark.parametrize("dtype", TYPES)
@settings(max_examples=20)
@given(m=st.integers(1, 9), depth=st.integers(0, 20), blocks=st.integers(1, 9))
def test_the_version_for_few_rows_gives_the_same_bits(m, depth, blocks, dtype):
    problem = random_problem(m, depth, blocks * LANES, dtype, seed=3)
    assert (multiply(*problem, loops=run_few) == multiply(*problem)).all()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("split", [0, 1, 5, 17])
def test_sources_may_come_in_several_products(dtype, split):
    weights, x, c = random_problem(19, 17, 3 * LANES, dtype)
    first = multiply(np.ascontiguousarray(weights[:, :split]), x[:split], c)
    assert (multiply(np.ascontiguousarray(weights[:, split:]), x[split:], first) == multiply(weights, x, c)).all()


def test_every_element_is_one_chain_in_the_order_of_its_sources():
    weights, x, c = random_problem(13, 9, LANES, np.float64, seed=2)
    result = multiply(weights, x, c)
    for i, j in np.ndindex(result.shape):
        total = float(c[i, j])
        for k in range(9):
            if REGISTER_BYTES:  # fused: one rounding
                total = float(Fraction(float(weights[i, k])) * Fraction(float(x[k, j])) + Fraction(total))
            else:
                total = total + float(weights[i, k]) * float(x[k, j])
        assert result[i, j] == total


@pytest.mark.parametrize("dtype", TYPES)
def test_infinities_stay_in_their_lane(dtype):
    weights, x, c = random_problem(7, 5, LANES, dtype)
    x[2, 3] = np.inf
    result = multiply(weights, x, c)
    assert np.isinf(result[:, 3]).all()
    assert np.isfinite(np.delete(result, 3, axis=1)).all()
