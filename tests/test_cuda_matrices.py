"""Matrices on a GPU: the twins that narrow, check and add up, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from device import run

from fastdgm.engines.cuda_matrices import LOOPS
from fastdgm.kernels.matrices_cuda import NOTHING

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore:overflow encountered")]  # NumPy's, in the simulator

X = np.array([[0, 1, 2], [2, 1, 0], [0, 3, -1], [1, 1, 7]])


def first_wrong(x, n_states):
    """The first cell that is none of 0 .. n_states - 1."""
    wrong = np.flatnonzero(~np.isin(x, np.arange(n_states)))
    return wrong[0] if len(wrong) else NOTHING


def new_flags():
    flags = np.zeros(3, np.int64)
    run(LOOPS["clear flags", "cuda"], 3, flags)
    assert (flags == NOTHING).all()
    return flags


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.float32])
@pytest.mark.parametrize("n_states", [3, 4, 8])
def test_codes(dtype, n_states):
    x, flags, out = X.astype(dtype), new_flags(), np.full((8, 3), 9, np.uint8)
    run(LOOPS["check codes", "cuda"], x.size, x, n_states, flags, 1)
    assert flags.tolist() == [NOTHING, first_wrong(x, n_states), NOTHING]
    run(LOOPS["load codes", "cuda"], out.size, x, 2, n_states, flags, 2, out)
    assert flags[2] == flags[1]
    inside = (x >= 0) & (x < n_states)
    assert (out == np.repeat(np.where(inside, x, 0), 2, axis=0)).all()


def test_fractions_and_missing_values_are_no_codes():
    for value in (0.5, np.nan, np.inf, 2.0**40):
        flags = new_flags()
        run(LOOPS["check codes", "cuda"], 2, np.array([[0.0, value]]), 3, flags, 0)
        assert flags[0] == 1


def test_reals():
    x, flags, out = np.array([[1.5, 2.0], [np.inf, 0.0], [1e300, 0.0]]), new_flags(), np.empty((3, 2), np.float32)
    run(LOOPS["load reals", "cuda"], out.size, x, 1, flags, 0, out)
    assert (out == x.astype(np.float32)).all()
    assert flags[0] == np.flatnonzero(~np.isfinite(out))[0]


def test_uniforms():
    x, flags, out = np.array([[0.0, 0.25], [1 - 2**-53, 1.0]]), new_flags(), np.empty((2, 2))
    run(LOOPS["load uniforms", "cuda"], out.size, x, 0.75, flags, 0, out)
    assert flags[0] == 3
    assert (out.ravel()[:3] == np.clip(x.ravel()[:3], 2.0**-65, 0.75)).all()


def test_rows_without_a_number():
    scores, flags = np.array([[-1.0, 0.0], [-np.inf, 0.0], [0.0, np.nan], [np.inf, 0.0]]), new_flags()
    run(LOOPS["check scores", "cuda"], scores.size, scores, flags, 0)
    run(LOOPS["check undefined", "cuda"], 4, np.array([False, True, True, False]), flags, 1)
    assert flags.tolist() == [np.flatnonzero(~(scores < np.inf).all(axis=1))[0], 1, NOTHING]


def test_sums():
    values, sums = np.random.default_rng(0).normal(size=23), np.empty(4)
    run(LOOPS["partial sums", "cuda"], 4, values, sums)
    np.testing.assert_allclose(sums.sum(), np.sum(values), rtol=1e-12)
