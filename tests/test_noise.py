"""Blocks of random numbers from any word on: those of the oracles, and of the twins."""

from __future__ import annotations

import numpy as np
import pytest
import reference_ar
import reference_gaussian
from device import run

from fastdgm.engines.torch.noise import LOOPS

pytestmark = pytest.mark.kernel

START = 2**32 - 700  # the low half of the row's number wraps


def filled(verb: str, first: int, count: int, n: int, dtype: type) -> np.ndarray:
    out = np.empty((count, n), dtype)
    LOOPS[verb, "cpu"](0, n, np.uint64(5), np.uint64(START), np.uint64(first), out)
    return out


@pytest.mark.parametrize("first", [0, 5])
def test_uniforms_are_the_oracles(first):
    expected = reference_ar.uniforms(5, START, 1500, first + 6, np.float64)[:, first:]
    assert (expected == filled("uniforms", first, 6, 1500, np.float64).T).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normals_are_the_oracles(dtype):
    rows = np.arange(START, START + 1500, dtype=np.uint64)
    expected = [reference_gaussian.standard("normal", 5, rows, word, dtype) for word in range(3, 6)]
    close = {"rtol": 1e-12, "atol": 1e-14} if dtype is np.float64 else {"rtol": 1e-6, "atol": 1e-7}
    np.testing.assert_allclose(filled("normals", 3, 3, 1500, dtype), expected, **close)


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("verb", "dtype"), [("uniforms", np.float64), ("normals", np.float32), ("normals", np.float64)]
)
def test_the_twins(verb, dtype):
    from fastdgm.engines.torch.noise_cuda import LOOPS as TWINS

    expected, out = filled(verb, 2, 5, 30, dtype), np.empty((5, 30), dtype)
    run(TWINS[verb, "cuda"], 30, np.uint64(5), np.uint64(START), np.uint64(2), out)
    np.testing.assert_allclose(out, expected, rtol=1e-6 if dtype is np.float32 else 1e-13)
