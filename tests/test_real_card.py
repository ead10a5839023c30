"""What only a real card shows: streams, other libraries' memory, many cells, several cards, a sanitizer.

``pytest -m gpu --device cuda`` runs these with all other tests of twins; the simulator has none of it and skips them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastdgm as fd

pytestmark = [pytest.mark.gpu, pytest.mark.card]

N = 100_000
SCRIPT = Path(__file__).with_name("card_script.py")
SANITIZER = shutil.which("compute-sanitizer")
NEAR = 1e-5  # how close to a threshold a uniform lies where rows of a float-driven model may differ


def to_card(array):
    from numba import cuda

    return cuda.to_device(np.ascontiguousarray(array))


def linear_gaussian():
    return fd.BayesNet(
        {
            "k": fd.Categorical([0.2, 0.3, 0.5]),
            "x": fd.LinearGaussian(["k"], [0.0, 2.0, -1.0], np.empty((3, 0)), [1.0, 0.5, 2.0]),
            "y": fd.LinearGaussian(["x"], 0.5, [0.8], 0.7),
        }
    )


# --- the same rows ---


@pytest.mark.parametrize("name", fd.example_names())
def test_rows_of_tables_are_those_of_the_cpu_to_the_last_bit(name):
    net, n = fd.example(name), 20_000
    x = net.sample(n, seed=3, start=2**33 - 7, device="cuda")
    right = net.sample(n, seed=3, start=2**33 - 7)
    assert (x.to("cpu").block == right.block).all()
    np.testing.assert_allclose(net.log_prob(x).copy_to_host(), net.log_prob(right), rtol=1e-12)


@pytest.mark.parametrize(
    "model",
    [fd.MADE(100, (64,), seed=1), fd.FVSBN(100, seed=1), fd.NADE(100, 64, seed=1)],
    ids=["MADE", "FVSBN", "NADE"],
)
def test_rows_of_networks_differ_only_at_thresholds(model):
    n = 20_000
    uniforms = np.random.default_rng(0).random((n, 100))
    there = model.sample(n, uniforms=to_card(uniforms), device="cuda").copy_to_host()
    here = model.sample(n, uniforms=uniforms)
    rows = np.flatnonzero((there != here).any(axis=1))
    assert len(rows) < n / 100
    if len(rows):
        first = (there[rows] != here[rows]).argmax(axis=1)
        terms = model.log_prob(here[rows], per_variable=True)[np.arange(len(rows)), first]
        chance = np.exp(terms)  # of what the CPU drew
        one = np.where(here[rows, first] == 1, chance, 1 - chance)
        drawn = uniforms[rows, first]
        assert (np.minimum(np.abs(drawn - one), np.abs(drawn - (1 - one))) < NEAR).all()
    np.testing.assert_allclose(model.log_prob(to_card(here)).copy_to_host(), model.log_prob(here), rtol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_real_numbers_are_those_of_the_cpu(dtype):
    net = linear_gaussian()
    x = net.sample(N, seed=4, dtype=dtype, device="cuda")
    right = net.sample(N, seed=4, dtype=dtype)
    for name in net.names:
        np.testing.assert_allclose(x[name].copy_to_host(), right[name], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(net.log_prob(x).copy_to_host(), net.log_prob(right), rtol=1e-4, atol=1e-4)


def test_rows_with_missing_values():
    net, random = fd.example("alarm"), np.random.default_rng(0)
    x = np.asarray(net.sample(2000, seed=0))
    x = np.where(random.random(x.shape) < 0.2, np.uint8(255), x)
    np.testing.assert_allclose(net.log_prob(to_card(x)).copy_to_host(), net.log_prob(x), rtol=1e-9)


# --- arrays of other libraries ---


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_arrays_of_numba(dtype, order):
    from numba import cuda

    net = fd.example("alarm")
    rows = np.asarray(net.sample(N, seed=1))
    there = cuda.to_device(np.asarray(rows, dtype, order=order))
    np.testing.assert_allclose(net.log_prob(there).copy_to_host(), net.log_prob(rows), rtol=1e-12)


@pytest.fixture
def torch():
    found = pytest.importorskip("torch")
    if not found.cuda.is_available():
        pytest.skip("this torch has no CUDA")
    return found


def test_torch_on_a_stream_of_its_own(torch):
    """The rows are written on the stream, after a while, and must be there when they are scored."""
    net = fd.example("alarm")
    rows = np.array(net.sample(N, seed=1))  # a copy: torch warns of arrays that are read-only
    stream = torch.cuda.Stream()
    source, x = torch.from_numpy(rows).cuda(), torch.zeros(rows.shape, dtype=torch.uint8, device="cuda")
    net.log_prob(x)  # compiled
    torch.cuda.synchronize()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(100_000_000)
        x.copy_(source)
        scores = net.log_prob(x)
        doubled = 2 * scores
    stream.synchronize()
    assert scores.is_cuda and scores.dtype == torch.float64 and scores.device == x.device
    np.testing.assert_allclose(doubled.cpu().numpy(), 2 * net.log_prob(rows), rtol=1e-12)


def test_samples_for_torch(torch):
    net = fd.example("alarm")
    like = torch.empty(0, device="cuda")
    with torch.cuda.stream(torch.cuda.Stream()):
        x = net.sample(N, seed=1, like=like)
        torch.cuda.current_stream().synchronize()
    assert isinstance(x, torch.Tensor) and x.is_cuda
    assert (x.cpu().numpy() == np.asarray(net.sample(N, seed=1))).all()


def test_memory_of_torch_is_used_and_given_back(torch):
    net, like = fd.example("alarm"), torch.empty(0, device="cuda")
    net.sample(10, seed=0, like=like)
    before = torch.cuda.memory_allocated()
    x = net.sample(N, seed=0, like=like)
    assert torch.cuda.memory_allocated() - before >= 37 * N
    del x
    assert torch.cuda.memory_allocated() <= before + 4096


@pytest.mark.parametrize("make", [lambda: fd.MADE(50, (32,), seed=1), lambda: fd.NADE(50, 32, seed=1)])
def test_models_take_and_give_tensors(torch, make):
    model = make()
    x = model.sample(1000, seed=2)
    tensor = torch.from_numpy(x).cuda()
    scores, drawn = model.log_prob(tensor), model.sample(1000, seed=2, like=tensor)
    assert scores.is_cuda and drawn.is_cuda
    np.testing.assert_allclose(scores.cpu().numpy(), model.log_prob(x), rtol=1e-4)
    assert (drawn.cpu().numpy() != x).any(axis=1).mean() < 0.01


def test_cupy_on_a_stream_of_its_own():
    cupy = pytest.importorskip("cupy")
    net = fd.example("alarm")
    rows = np.asarray(net.sample(N, seed=1))
    with cupy.cuda.Stream(non_blocking=True) as stream:
        x = cupy.asarray(rows)
        scores = net.log_prob(x)
        drawn = net.sample(N, seed=1, like=x)
        stream.synchronize()
        assert isinstance(scores, cupy.ndarray) and isinstance(drawn, cupy.ndarray)
        np.testing.assert_allclose(cupy.asnumpy(scores), net.log_prob(rows), rtol=1e-12)
        assert (cupy.asnumpy(drawn) == rows).all()


# --- sizes ---


def free_bytes():
    from numba import cuda

    return cuda.current_context().get_memory_info().free


def test_more_than_2_to_the_31_cells():
    net, n = fd.example("alarm"), 2**31 // 37 + 1000
    if free_bytes() < 2 * 37 * n:
        pytest.skip("too little memory on this card")
    x = net.sample(n, seed=5, device="cuda")
    scores, last = net.log_prob(x)[n - 500 :].copy_to_host(), x[n - 500 :].to("cpu")
    right = net.sample(500, seed=5, start=n - 500)
    assert (last.block == right.block).all()
    np.testing.assert_allclose(scores, net.log_prob(right), rtol=1e-12)


def test_too_many_rows_are_refused_and_the_card_is_used_again():
    net = fd.example("alarm")
    with pytest.raises(ValueError, match="are free"):
        net.sample(2 * free_bytes() // 37, seed=0, device="cuda")
    assert len(net.sample(1000, seed=0, device="cuda").to("cpu")) == 1000


def test_a_second_card():
    from numba import cuda

    if len(cuda.gpus) < 2:
        pytest.skip("one card only")
    net = fd.example("alarm")
    x = net.sample(1000, seed=1, device="cuda:1")
    assert x.device == "cuda:1"
    right = net.sample(1000, seed=1)
    assert (x.to("cpu").block == right.block).all()
    np.testing.assert_allclose(x.placement.cuda.to_host(net.log_prob(x)), net.log_prob(right), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.skipif(SANITIZER is None, reason="no compute-sanitizer on PATH")
@pytest.mark.parametrize("tool", ["memcheck", "racecheck"])
def test_a_sanitizer_finds_nothing(tool):
    command = [SANITIZER, "--tool", tool, "--error-exitcode", "9", sys.executable, str(SCRIPT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
