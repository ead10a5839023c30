"""NADE's CUDA twins against its CPU loops: on a GPU, or in numba's simulator (--device sim)."""

from __future__ import annotations

import numpy as np
import pytest
from device import run
from test_nade import random_nade

from fastdgm.engines.nade.plan import plan_of
from fastdgm.kernels.nade import NEVER_SURE, NADEDraw
from fastdgm.kernels.outputs import Draws, Scores

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def loops():
    from fastdgm.engines.nade.loops_cuda import LOOPS

    return LOOPS


def scratch(plan, n):
    return np.full((2 * plan.c.size, n), np.nan, plan.c.dtype)


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_log_prob(loops, activation):
    model = random_nade(4, 3, activation=activation, dtype=np.float64)
    plan = plan_of(model.parameters, activation, model.order)
    x = model.sample(6, seed=0)
    scores = Scores(np.empty(6), np.empty(x.shape), scratch(plan, 6))
    run(loops["log_prob", "cuda"], 6, plan, x, scores)
    np.testing.assert_allclose(scores.terms, model.log_prob(x, per_variable=True), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(scores.log_prob, model.log_prob(x), rtol=1e-12)


def draw_on_device(loops, model, draw):
    plan = plan_of(model.parameters, "sigmoid", model.order)
    totals = np.empty((2, 6))
    draws = Draws(np.zeros((6, 4), np.uint8), *totals, np.ones(6, np.bool_), scratch(plan, 6))
    run(loops["sample", "cuda"], 6, plan, draw, draws)
    assert not draws.undefined.any()
    return draws


@pytest.mark.parametrize(("temperature", "top_p", "n_given"), [(1.0, None, 0), (0.5, 0.8, 2)])
def test_samples(loops, temperature, top_p, n_given):
    model = random_nade(4, 3, dtype=np.float64)
    uniforms = np.random.default_rng(0).random((6, 4))
    prefix = (np.arange(12).reshape(6, 2)[:, :n_given] % 2).astype(np.uint8)
    options = {"temperature": temperature, "top_p": top_p, "uniforms": uniforms}
    expected, log_prob = model.sample(prefix=prefix, return_log_prob=True, **options)[:2]
    sure = NEVER_SURE if top_p is None else top_p
    draw = NADEDraw(np.uint64(0), np.uint64(0), temperature, sure, prefix, 1, uniforms, True)
    draws = draw_on_device(loops, model, draw)
    assert (draws.values == expected).all()
    np.testing.assert_allclose(draws.log_prob, log_prob, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_samples_by_random_words(loops, dtype):
    model, start = random_nade(4, 3, dtype=dtype), 2**32 - 3
    one = dtype(1)
    empty = np.empty((1, 0), np.uint8), 6, np.empty((0, 4), dtype)
    draw = NADEDraw(np.uint64(2**63 + 1), np.uint64(start), one, dtype(NEVER_SURE), *empty, True)
    draws = draw_on_device(loops, model, draw)
    assert (draws.values == model.sample(6, seed=2**63 + 1, start=start)).all()
