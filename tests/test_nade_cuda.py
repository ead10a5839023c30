"""NADE on a GPU by its public verbs, and its gradients there: on a card, or in numba's simulator (--device sim)."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from device import run
from test_nade import random_nade

from fastdgm.autoregressive.nade import NADE

pytestmark = pytest.mark.gpu

N = 6  # no multiple of the rows of a team


@pytest.fixture(scope="module")
def loops():
    from fastdgm.engines.nade.loops_cuda import LOOPS

    return LOOPS


def to_card(array):
    from numba import cuda

    return cuda.to_device(np.ascontiguousarray(array))


def close(model):
    return {"rtol": 1e-12, "atol": 1e-12} if model.dtype == np.float64 else {"rtol": 1e-5, "atol": 1e-5}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("activation", "scale"), [("sigmoid", 1.0), ("sigmoid", 200.0), ("relu", 1.0)])
def test_log_prob(activation, scale, dtype):
    model = random_nade(6, 3, activation=activation, dtype=dtype, scale=scale)  # large ones: pre-activations are kept
    x = np.random.default_rng(0).integers(0, 2, (N, 6)) if scale == 1.0 else model.sample(N, seed=0)
    found = model.log_prob(to_card(x))
    tolerance = close(model) if scale == 1.0 else {"rtol": 1e-4, "atol": 1e-3}
    np.testing.assert_allclose(found.copy_to_host(), model.log_prob(x), **tolerance)
    terms = model.log_prob(to_card(x), per_variable=True)
    np.testing.assert_allclose(terms.copy_to_host(), model.log_prob(x, per_variable=True), **tolerance)


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_more_hidden_units_than_one_warp_keeps(activation):
    model = random_nade(3, 70, activation=activation, dtype=np.float64, scale=0.3)
    x = np.random.default_rng(0).integers(0, 2, (3, 3))
    np.testing.assert_allclose(model.log_prob(to_card(x)).copy_to_host(), model.log_prob(x), rtol=1e-12)


OPTIONS = [
    {},
    {"temperature": 0.5, "top_p": 0.8},
    {"top_k": 1},
    {"temperature": 1e300},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("n_given", [0, 2])
def test_samples(n_given, options):
    model = random_nade(5, 3, dtype=np.float64)
    prefix = (np.arange(4).reshape(2, 2)[:, :n_given] % 2).astype(np.uint8)
    own = {"uniforms": np.random.default_rng(0).random((N, 5)), "n_per_row": 3, "return_log_prob": True, **options}
    expected = model.sample(prefix=prefix, **own)
    found = model.sample(prefix=to_card(prefix), **own) if n_given else None
    if found is None:
        del own["n_per_row"]
        found = model.sample(N, device="cuda", **own)
        expected = model.sample(N, **own)
    assert (found[0].copy_to_host() == expected[0]).all()
    assert len(found) == len(expected)
    for ours, theirs in zip(found[1:], expected[1:], strict=True):
        np.testing.assert_allclose(ours.copy_to_host(), theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_samples_by_random_words(dtype):
    model, start = random_nade(5, 3, dtype=dtype), 2**32 - 3
    found = model.sample(N, seed=2**63 + 1, start=start, device="cuda").copy_to_host()
    assert (found == model.sample(N, seed=2**63 + 1, start=start)).all()


def test_new_parameters_are_uploaded():
    model = random_nade(4, 3, dtype=np.float64)
    x = np.random.default_rng(0).integers(0, 2, (N, 4))
    before = model.log_prob(to_card(x)).copy_to_host()
    model.fit(x, epochs=1, progress=False)
    after = model.log_prob(to_card(x)).copy_to_host()
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, model.log_prob(x), rtol=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy, in the simulator
def test_rows_without_a_probability_are_refused():
    W = np.full((3, 2), 3e38, np.float32)  # two ones are infinite, and zero times that is no number
    model = NADE.from_parameters(W, 0 * W, W[:, 0], W[0], activation="relu")
    x = np.ones((2, 3), np.uint8)
    with pytest.raises(ValueError, match="row 0"):
        model.log_prob(x)
    with pytest.raises(ValueError, match="row 0"):
        model.log_prob(to_card(x))


def test_too_many_hidden_units_are_refused():
    from fastdgm.engines.nade.cuda_plan import cuda_plan_of

    model = random_nade(1, 2049)
    with pytest.raises(TypeError, match="2048 hidden units, this one has 2049"):
        cuda_plan_of(model.parameters, "sigmoid", model.order)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_gradients(activation, dtype):
    from fastdgm.engines.nade.cuda_train import CudaGradients
    from fastdgm.runtime.cuda_queue import CudaQueue

    model = random_nade(4, 3, activation=activation, dtype=dtype)
    x, weights = np.random.default_rng(0).integers(0, 2, (N, 4)).astype(np.uint8), np.linspace(-1, 1, N).astype(dtype)
    queue = CudaQueue()
    sums = CudaGradients(queue, model.parameters, activation, model.order)
    log_prob = sums.run(to_card(x), to_card(weights))
    np.testing.assert_allclose(log_prob.copy_to_host(), model.log_prob(x), **close(model))
    found, (_, expected, _) = sums.to_host(sums.total), model.gradients(x, weights)
    for name, own in expected.items():
        np.testing.assert_allclose(found[name], own, err_msg=name, **close(model))


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_steps_are_those_of_the_cpu(activation):
    from fastdgm.data.placement import Placement
    from fastdgm.engines.nade.cuda_train import CudaNADEStepper
    from fastdgm.engines.nade.train import NADEStepper
    from fastdgm.engines.training import Step
    from fastdgm.runtime.cuda_queue import CudaQueue

    model, placement = random_nade(4, 3, activation=activation, dtype=np.float64), Placement("numba", CudaQueue())
    x, order = np.random.default_rng(0).integers(0, 2, (N, 4)).astype(np.uint8), np.array([5, 0, 3, 1, 4, 2])
    own = dict(model.parameters), activation, model.order
    here, there = NADEStepper(*own), CudaNADEStepper(placement.cuda, *own, placement.empty)
    rows = SimpleNamespace(x=to_card(x))
    there.shuffle(order)
    for number, first in enumerate((0, 4)):
        step = Step(number + 1, 0.1, 0.9, 0.999, 1e-8, 0.01)
        batch = np.ascontiguousarray(x[order[first : first + 4]])
        assert there.step(rows, first, len(batch), step) == pytest.approx(here.step(batch, step))
    assert there.log_prob(rows) == pytest.approx(here.log_prob(x).sum()) and there.is_finite()
    for name, expected in here.parameters.items():
        np.testing.assert_allclose(there.result()[name], expected, rtol=1e-9, atol=1e-7, err_msg=name)
    there.keep()
    there.step(rows, 0, 4, step)
    np.testing.assert_allclose(there.result()["W"], here.parameters["W"], rtol=1e-9, atol=1e-7)


def test_parts_are_added_in_order(loops):
    parts = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    total = np.zeros(5, np.float32)
    run(loops["sum parts", "cuda"], 5, parts, total)
    assert (total == (parts[0] + parts[1]) + parts[2]).all()
