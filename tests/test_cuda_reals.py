"""Networks with real variables on a GPU by public verbs: rows and scores of every kind of conditional are the CPU's."""

from __future__ import annotations

import numpy as np
import pytest
from device import run

import fastdgm as fd

pytestmark = pytest.mark.gpu

N, SEED, START = 24, 2**40 + 1, 2**32 - 7
PAIR = [[1.0, 0.5], [0.5, 2.0]]


def clinic() -> fd.BayesNet:
    """Conditionals of every kind that has loops for GPUs."""
    return fd.BayesNet(
        {
            "sick": fd.Bernoulli(0.3),
            "ward": fd.CPT(["sick"], [[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]], states=["a", "b", "c"]),
            "age": fd.Normal(50, 15),
            "fever": fd.LinearGaussian(["sick", "age"], intercept=[36.6, 38.0], coefficients=[0.005], std=[0.3, 0.7]),
            "dose": fd.LinearGaussian(["fever", "ward"], [1, 2, 3], [[0.1], [0.2], [0.3]], std=0.2),
            "wait": fd.Exponential(0.5),
            "room": fd.Uniform(0, 10),
            "noise": fd.Laplace(1, 0.3),
            "seen": fd.Logistic(["ward", "fever", "wait"], weights=[0.5, 1.0, 0.2, -0.4], bias=-37.0),
            "kind": fd.Softmax(["room", "seen"], [[0.1, 0.5], [0.0, 0.2], [-0.1, 0.3]], [0.0, 0.5, 1.0]),
            "alarm": fd.NoisyOr(["sick", "seen"], [0.8, 0.4], leak=0.1),
            "price": fd.Deterministic(["ward"], lambda ward: 10.0 * ward),
            "pair": fd.MultivariateNormal.given(["seen"], [[0, 1], [2, -1]], [PAIR, PAIR]),
            "late": fd.CPT(["alarm", "kind"], [[[0.9, 0.1]] * 3, [[0.2, 0.8]] * 3]),
        }
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_and_scores_are_those_of_the_cpu(dtype):
    net = clinic()
    x, there = (net.sample(N, seed=SEED, start=START, dtype=dtype, device=own) for own in ("cpu", "cuda"))
    for name in net.names:
        close = {"rtol": 1e-5 if dtype is np.float32 else 1e-11, "atol": 1e-6}
        np.testing.assert_allclose(there.to("cpu")[name], x[name], err_msg=name, **close)
    on_cpu = there.to("cpu")
    np.testing.assert_allclose(net.log_prob(there).copy_to_host(), net.log_prob(on_cpu), rtol=1e-5)
    terms = net.log_prob(there, per_variable=True).copy_to_host()
    np.testing.assert_allclose(terms, net.log_prob(on_cpu, per_variable=True), rtol=1e-5, atol=1e-6)


def test_a_function_of_python_is_refused_by_name():
    net = fd.BayesNet({"x": fd.Normal(0, 1), "y": fd.Deterministic(["x"], np.exp)})
    with pytest.raises(TypeError, match=r"the function of 'y' .* CPU"):
        net.sample(3, device="cuda")


def test_a_kind_without_loops_is_refused_by_name():
    net = fd.BayesNet({"x": fd.Normal(0, 1), "v": fd.MADE(n_vars=3, hidden=(4,), n_context=1).given(["x"])})
    with pytest.raises(TypeError, match="'v' has no loops for GPUs, as any AutoregressiveConditional"):
        net.sample(3, device="cuda")


def test_terms():
    from fastdgm.engines.program_loops_cuda import LOOPS

    term, out = np.random.default_rng(0).normal(size=(2, 11))
    expected = np.add(term, out)
    run(LOOPS["add", "cuda"], 11, term, out)
    assert (out == expected).all()
    run(LOOPS["clear", "cuda"], 11, out)
    assert (out == np.zeros(11)).all()
