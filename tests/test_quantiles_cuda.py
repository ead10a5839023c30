"""Normal, exponential and Laplace numbers on the device: those of the CPU's loops, bit for bit where it has FMA."""

from __future__ import annotations

import numpy as np
import pytest
from device import run
from numba import njit

from fastdgm.kernels import portable
from fastdgm.kernels.exponential import fill_exponentials
from fastdgm.kernels.laplace import fill_laplaces
from fastdgm.kernels.normal import fill_normals

pytestmark = pytest.mark.gpu

KEY, ROW, FIRST, N, WORDS = 3, 2**32 - 30, 5, 60, 4


@pytest.fixture(scope="module")
def twins():
    from quantile_twins import TWINS

    return TWINS


def on_cpu(fill, dtype):
    """(WORDS, N)"""

    @njit
    def loop(key, row, first, words, out):
        fill(key, row, first, words, out)

    out = np.empty((WORDS, N), dtype)
    loop(np.uint64(KEY), np.uint64(ROW), np.int64(FIRST), np.empty((8, N), np.uint32), out)
    return out


FILL = {"normal": fill_normals, "exponential": fill_exponentials, "laplace": fill_laplaces}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FILL)
def test_numbers_are_those_of_the_cpu(twins, name, dtype):
    out = np.empty((WORDS, N), dtype)
    run(twins[name], N, KEY, ROW, FIRST, out)
    expected = on_cpu(FILL[name], dtype)
    if portable.FUSED:
        assert (out == expected).all()
    else:
        np.testing.assert_allclose(out, expected, rtol=10 * np.finfo(dtype).eps)
