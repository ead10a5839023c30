"""NADE's CUDA twins against its CPU loops: on a GPU, or in numba's simulator (NUMBA_ENABLE_CUDASIM=1)."""

from __future__ import annotations

import numpy as np
import pytest
from test_cuda import launch, why_not
from test_nade import random_nade

from fastdgm.engines.nade.plan import plan_of
from fastdgm.kernels import nade as kernels

pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
    pytest.mark.filterwarnings("ignore:.*Grid size"),
]


@pytest.fixture(scope="module")
def twins():
    return kernels.load_cuda()


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_log_prob(twins, activation):
    model = random_nade(4, 3, activation=activation, dtype=np.float64)
    plan = plan_of(model.parameters, activation, model.order)
    x = model.sample(6, seed=0)
    terms = np.empty(x.shape)
    scratch = np.empty((2, plan.c.size, len(x)))
    weights = plan.W, plan.V, plan.b, plan.c
    launch(twins["nade_log_prob_cuda"], plan.mode, plan.order, *weights, x, scratch, terms)
    np.testing.assert_allclose(terms, model.log_prob(x, per_variable=True), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("temperature", "top_p", "n_given"), [(1.0, None, 0), (0.5, 0.8, 2)])
def test_samples(twins, temperature, top_p, n_given):
    model = random_nade(4, 3, dtype=np.float64)
    plan = plan_of(model.parameters, "sigmoid", model.order)
    uniforms = np.random.default_rng(0).random((6, 4))
    prefix = np.arange(12).reshape(6, 2)[:, :n_given] % 2
    expected = model.sample(prefix=prefix, temperature=temperature, top_p=top_p, uniforms=uniforms)
    x = np.zeros((6, 4), np.uint8)
    x[:, model.order[:n_given]] = prefix
    sure = kernels.NEVER_SURE if top_p is None else top_p
    scratch = np.empty((2, plan.c.size, 6))
    weights = plan.W, plan.V, plan.b, plan.c
    rule = temperature, sure
    launch(twins["nade_sample_cuda"], *rule, plan.order, *weights, plan.mode, n_given, uniforms, scratch, x)
    assert (x == expected).all()
