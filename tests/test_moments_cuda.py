"""Moments gathered on a GPU against the loop, and networks that learn from them."""

from __future__ import annotations

import numpy as np
import pytest
from test_moments import FAMILIES, data

from fastdgm.data.blocks import Part
from fastdgm.data.cuda_blocks import CudaBlock, CudaPart
from fastdgm.data.schema import Schema
from fastdgm.engines.moments.collect import collect_moments
from fastdgm.engines.moments.plan import Strata
from fastdgm.runtime.cuda_queue import CudaQueue

pytestmark = pytest.mark.gpu

N = 50
QUEUE = CudaQueue()


def collected(codes, reals, weights):
    """On the card."""
    from fastdgm.engines.moments.cuda_collect import collect_moments_on_card

    block = CudaBlock(reals.shape[1], Schema({}), CudaPart(QUEUE.to_device(codes), QUEUE.to_device(reals)))
    there = None if weights is None else QUEUE.to_device(weights)
    return collect_moments_on_card(Strata(FAMILIES), QUEUE, block, there)


@pytest.fixture
def small_tiles(monkeypatch):
    """So that two blocks take several tiles each."""
    from fastdgm.engines.moments import cuda_plan

    monkeypatch.setattr(cuda_plan, "MOST_ROWS", 8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [True, False])
def test_moments_are_those_of_the_loop(small_tiles, dtype, weighted):
    codes, reals = data(N, dtype)
    weights = np.random.default_rng(4).uniform(0, 2, N) * (np.arange(N) % 5 != 3) if weighted else None
    expected = collect_moments(Strata(FAMILIES), 0, N, Part("columns", codes, 0, reals), weights)
    found = collected(codes, reals, weights)
    for own, other in zip(found, expected, strict=True):
        for part in ("rows", "weight", "mean", "cross"):
            np.testing.assert_allclose(getattr(own, part), getattr(other, part), rtol=1e-11, atol=1e-11)
    again = collected(codes, reals, weights)
    assert all((a == b).all() for own, other in zip(found, again, strict=True) for a, b in zip(own, other, strict=True))


def test_a_first_row_far_out_costs_no_digits(small_tiles):
    codes, reals = data(N, np.float64)
    reals[:, 0] = 1e9
    weights = np.ones(N)
    weights[0] = 1e-12
    found = collected(codes, reals, weights)
    expected = collect_moments(Strata(FAMILIES), 0, N, Part("columns", codes, 0, reals), weights)
    for own, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(own.cross, other.cross, rtol=1e-9)


def test_no_rows():
    codes, reals = data(0, np.float32)
    assert all((own.rows == 0).all() for own in collected(codes, reals, None))


def test_too_many_columns_are_refused():
    from fastdgm.engines.moments.cuda_plan import laid_out
    from fastdgm.engines.moments.plan import Family

    with pytest.raises(ValueError, match="moments on a GPU are of at most 5118 real variables"):
        laid_out(Strata([Family((), (), (v,)) for v in range(6000)]))


def test_bad_weights_are_found():
    from device import run

    from fastdgm.engines.moments.loops_cuda import LOOPS

    weights, first = np.array([1.0, 0.0, -1.0, 2.0, np.nan, 1e300]), np.array([6], np.int64)
    run(LOOPS["first bad weight", "cuda"], 6, weights, first)
    assert first[0] == np.argmax(~(weights >= 0.0)) == 2
