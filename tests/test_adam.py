"""The Adam update against its formula and against torch, for both float types, on the CPU and as CUDA twin."""

from __future__ import annotations

import importlib.util
import os
from types import SimpleNamespace

import numba
import numpy as np
import pytest

from fastdgm.engines.training import Step
from fastdgm.kernels import adam

TOLERANCE = {"float32": 1e-6, "float64": 1e-13}
SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"


def step(number: int, weight_decay: float = 0.03) -> Step:
    return Step(number, 0.01, 0.9, 0.999, 1e-8, weight_decay)


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
        expected = formula(*(a.astype(np.float64) for a in (parameter, gradient, first, second)), step(number))
        adam.adam_cpu(0, parameter.size, parameter, gradient, first, second, *step(number).scalars())
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
        adam.adam_cpu(0, parameter.size, parameter, gradient, first, second, *step(number, weight_decay).scalars())
    np.testing.assert_allclose(parameter, theirs.detach().numpy(), rtol=0, atol=50 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_any_split_into_ranges_gives_the_same_bits(dtype):
    gradient = gradients(dtype, 1)[0]
    whole, pieces = state(dtype), state(dtype)
    adam.adam_cpu(0, 1003, whole[0], gradient, *whole[1:], *step(3).scalars())
    for begin, end in [(500, 1003), (0, 1), (1, 7), (7, 500), (4, 4)]:
        adam.adam_cpu(begin, end, pieces[0], gradient, *pieces[1:], *step(3).scalars())
    for one, other in zip(whole, pieces, strict=True):
        assert one.tobytes() == other.tobytes()


def test_a_range_leaves_the_rest_alone():
    parameter, first, second = state("float64", 10)
    before = parameter.copy()
    adam.adam_cpu(3, 5, parameter, np.ones(10), first, second, *step(1).scalars())
    assert ((parameter != before) == [False] * 3 + [True] * 2 + [False] * 5).all()


def has_gpu() -> bool:
    from numba import cuda

    return SIMULATED or cuda.is_available()


@pytest.mark.filterwarnings("ignore:.*Grid size")
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_cuda_twin(dtype):
    if not has_gpu():
        pytest.skip("no GPU: set NUMBA_ENABLE_CUDASIM=1 to run this in numba's simulator")
    from numba import cuda

    gradient = gradients(dtype, 1, 50)[0]
    own, device = state(dtype, 50), [cuda.to_device(array) for array in state(dtype, 50)]
    adam.adam_cpu(0, 50, own[0], gradient, *own[1:], *step(2).scalars())
    adam.load_cuda()["adam_cuda"][2, 4](cuda.to_device(gradient), *step(2).scalars(), *device)
    for one, other in zip(own, device, strict=True):
        np.testing.assert_allclose(one, other.copy_to_host(), rtol=2 * TOLERANCE[dtype])


@pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None,
    reason='numba-cuda is not installed: pip install "fastdgm[cuda]"',
)
@pytest.mark.skipif(SIMULATED, reason="the simulator compiles nothing")
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_cuda_twin_compiles(dtype, monkeypatch):
    from numba import cuda
    from numba.cuda import dispatcher
    from numba.types import float64, void

    monkeypatch.setattr(dispatcher, "get_current_device", lambda: SimpleNamespace(compute_capability=(8, 0)))
    array = numba.types.Array(getattr(numba.types, dtype), 1, "C")
    twin = adam.load_cuda()["adam_cuda"]
    ptx, _ = cuda.compile_ptx(twin.py_func, void(array, *[float64] * 7, array, array, array), cc=(8, 0))
    assert ".visible .entry" in ptx
    assert "st.global" in ptx
