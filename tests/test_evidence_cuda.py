"""What is made of exact answers on a GPU."""

from __future__ import annotations

import numpy as np
import pytest
from device import run

from fastdgm.engines.junction.loops_cuda import LOOPS

pytestmark = [pytest.mark.kernel, pytest.mark.gpu]

N = 20


def test_differences():
    total, given = np.random.default_rng(0).normal(size=(2, N))
    expected = np.subtract(total, given)
    given[3], expected[3] = -np.inf, np.nan
    run(LOOPS["subtract", "cuda"], N, given, total)
    np.testing.assert_array_equal(total, expected)


def test_most_probable_states():
    rng = np.random.default_rng(0)
    n_states, known = (2, 4), rng.integers(0, 2, (2, N)).astype(np.uint8)
    shares = [rng.integers(0, 3, (N, k)) / 4.0 for k in n_states]  # some alike: the first of them counts
    expected = np.array([np.argmax(own, axis=1) for own in shares])
    for own in shares:
        own[7] = np.nan
    expected[:, 7] = known[:, 7]
    found, codes = np.zeros((2, N), np.uint8), np.zeros(N, np.uint8)
    flat = np.concatenate([own.ravel() for own in shares])
    run(LOOPS["modes", "cuda"], N, np.array([0, 2, 6]), known, flat, found)
    np.testing.assert_array_equal(found, expected)
    run(LOOPS["largest share", "cuda"], N, shares[1].ravel(), 255, codes)
    expected[1, 7] = 255
    np.testing.assert_array_equal(codes, expected[1])


def test_copies():
    codes = np.random.default_rng(0).integers(0, 256, (3, N)).astype(np.uint8)
    row, wide = np.zeros((3, 1), np.uint8), np.zeros((3, N), np.uint16)
    run(LOOPS["copy row", "cuda"], 3, codes, 5, row)
    np.testing.assert_array_equal(row, np.take(codes, [5], axis=1))
    run(LOOPS["widen", "cuda"], N, codes, wide)
    np.testing.assert_array_equal(wide, codes.astype(np.uint16))
