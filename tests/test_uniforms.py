"""Uniforms: Philox words by row and position alone, inside (0, 1), equal to the oracle's."""

from __future__ import annotations

import numpy as np
import pytest
import reference_ar as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from fastdgm.kernels.uniforms import fill_uniforms, uniform32, uniform64, uniforms_cpu

pytestmark = [pytest.mark.kernel, pytest.mark.generic_cpu, pytest.mark.slow]

TYPES = [np.float32, np.float64]


@njit
def run(key, row, first, words, out):
    fill_uniforms(key, row, first, words, out)


@njit
def from_words(high, low):
    return uniform32(high, low), uniform64(high, low)


def fill(key, row, first, n_words, n, dtype):
    """(n, n_words)."""
    out = np.full((n_words, n), np.nan, dtype)
    run(np.uint64(key), np.uint64(row), np.int64(first), np.zeros((8, n), np.uint32), out)
    return out.T


@pytest.mark.parametrize("dtype", TYPES)
@settings(max_examples=10)
@given(
    key=st.integers(0, 2**64 - 1),
    row=st.one_of(st.integers(0, 2**64 - 300), st.integers(2**32 - 200, 2**32 + 3)),
    block=st.integers(0, 5),
    n_words=st.integers(1, 11),
    n=st.integers(1, 200),
)
def test_uniforms_are_those_of_the_oracle(key, row, block, n_words, n, dtype):
    expected = reference.uniforms(key, row, n, 4 * block + n_words, dtype)[:, 4 * block :]
    assert (fill(key, row, 4 * block, n_words, n, dtype) == expected).all()


def test_the_kernel_for_modules():
    out = np.empty((6, 50))
    uniforms_cpu(np.uint64(5), np.uint64(2**32 - 7), np.empty((8, 50), np.uint32), out)
    assert (reference.uniforms(5, 2**32 - 7, 50, 6, np.float64) == out.T).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_they_are_the_64_bits_rounded(dtype):
    """Half a unit in the last place; in float32 long first words stand alone, which costs at most another 2**-32."""
    u = fill(3, 10, 0, 8, 100_000, dtype).astype(np.float64)
    exact = reference.exact_numbers(3, 10, 100_000, 8).astype(np.float64) * 2.0**-64
    alone = np.where((exact >= 2.0**-8) & (dtype is np.float32), 2.0**-32, 0.0)
    assert (np.abs(u - exact) <= 0.5001 * np.finfo(dtype).eps * exact + alone + 2.0**-65).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_short_first_words_are_refined(dtype):
    """Small uniforms have as many digits as large ones: they are no multiples of 2**-32."""
    u = fill(0, 0, 0, 4, 2**16, dtype).astype(np.float64)
    small = u[u < 2.0**-12]
    assert 30 < small.size < 130
    assert ((small * 2**32) % 1 != 0).mean() > 0.8


def test_never_zero_nor_one():
    single, double = from_words(np.uint32(0), np.uint32(0))
    assert (single, double) == (np.float32(2.0**-65), 2.0**-65)
    single, double = from_words(np.uint32(2**32 - 1), np.uint32(2**32 - 1))
    assert (single, double) == (1 - 2.0**-24, 1 - 2.0**-53)


@pytest.mark.parametrize("dtype", TYPES)
def test_they_are_uniform(dtype):
    u = fill(7, 0, 0, 4, 50_000, dtype)
    counts = np.stack([np.bincount((column * 16).astype(int), minlength=16) for column in u.T])
    assert (((counts - 3125) ** 2 / 3125).sum(axis=1) < 37.7).all()  # p = 0.001 at 15 degrees
    assert np.abs(np.corrcoef(u.T) - np.eye(4)).max() < 0.02
