"""The Adam update against its formula and against torch, for both float types, on the CPU and as CUDA twin."""

from __future__ import annotations

import numpy as np
import pytest
from device import run

from fastdgm.engines.training import Step
from fastdgm.kernels.adam import AdamSettings, adam_cpu

pytestmark = pytest.mark.kernel

TOLERANCE = {"float32": 1e-6, "float64": 1e-13}


def settings(number: int, weight_decay: float = 0.03) -> Step:
    return Step(number, 0.01, 0.9, 0.999, 1e-8, weight_decay)


def step(number: int, weight_decay: float = 0.03) -> AdamSettings:
    return AdamSettings(*settings(number, weight_decay).scalars())


def state(dtype: str, n: int = 1003) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    parameter = np.random.default_rng(0).normal(size=n).astype(dtype)
    return parameter, np.zeros_like(parameter), np.zeros_like(parameter)


def gradients(dtype: str, n_steps: int, n: int = 1003) -> np.ndarray:
    """Of very different sizes, zero among them."""
    rng = np.random.default_rng(1)
    scale = 10.0 ** rng.integers(-6, 4, size=(n_steps, n))
    return (rng.normal(size=(n_steps, n)) * scale * (rng.random((n_steps, n)) < 0.9)).astype(dtype)


def formula(parameter, gradient, first, second, s: Step):
    first = s.beta1 * first + (1 - s.beta1) * gradient
    second = s.beta2 * second + (1 - s.beta2) * gradient**2
    mean, variance = first / (1 - s.beta1**s.number), second / (1 - s.beta2**s.number)
    return parameter - s.rate * s.weight_decay * parameter - s.rate * mean / (variance**0.5 + s.epsilon), first, second


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_formula(dtype):
    parameter, first, second = state(dtype)
    for number, gradient in enumerate(gradients(dtype, 20), start=1):
        expected = formula(*(a.astype(np.float64) for a in (parameter, gradient, first, second)), settings(number))
        adam_cpu(0, parameter.size, step(number), gradient, parameter, first, second)
        scales = np.abs(expected[0]) + 0.01, np.abs(first) + np.abs(gradient), expected[2]
        for own, oracle, scale in zip((parameter, first, second), expected, scales, strict=True):
            assert own.dtype == dtype
            assert (np.abs(own - oracle) <= TOLERANCE[dtype] * scale + np.finfo(dtype).tiny).all()


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_torch_takes_the_same_steps(dtype, weight_decay):
    torch = pytest.importorskip("torch")
    parameter, first, second = state(dtype)
    theirs = torch.tensor(parameter, requires_grad=True)
    optimiser = torch.optim.AdamW([theirs], lr=0.01, weight_decay=weight_decay)
    for number, gradient in enumerate(gradients(dtype, 50), start=1):
        theirs.grad = torch.tensor(gradient)
        optimiser.step()
        adam_cpu(0, parameter.size, step(number, weight_decay), gradient, parameter, first, second)
    np.testing.assert_allclose(parameter, theirs.detach().numpy(), rtol=0, atol=50 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_any_split_into_ranges_gives_the_same_bits(dtype):
    gradient = gradients(dtype, 1)[0]
    whole, pieces = state(dtype), state(dtype)
    adam_cpu(0, 1003, step(3), gradient, *whole)
    for begin, end in [(500, 1003), (0, 1), (1, 7), (7, 500), (4, 4)]:
        adam_cpu(begin, end, step(3), gradient, *pieces)
    for one, other in zip(whole, pieces, strict=True):
        assert one.tobytes() == other.tobytes()


def test_a_range_leaves_the_rest_alone():
    parameter, first, second = state("float64", 10)
    before = parameter.copy()
    adam_cpu(3, 5, step(1), np.ones(10), parameter, first, second)
    assert ((parameter != before) == [False] * 3 + [True] * 2 + [False] * 5).all()


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_cuda_twin(dtype):
    from fastdgm.engines.nade.loops_cuda import LOOPS

    gradient = gradients(dtype, 1, 50)[0]
    own, device = state(dtype, 50), state(dtype, 50)
    adam_cpu(0, 50, step(2), gradient, *own)
    run(LOOPS["adam", "cuda"], 50, step(2), gradient, *device)
    for one, other in zip(own, device, strict=True):
        np.testing.assert_allclose(one, other, rtol=2 * TOLERANCE[dtype])
