"""Real variables learnt from rows on a GPU: the CPU's conditionals, from a copy of sums for each kind."""

from __future__ import annotations

import numpy as np
import pytest
from device_array import DeviceArray, counted_copies

import fastdgm as fd

pytestmark = pytest.mark.gpu

N = 30


def chain() -> fd.BayesNet:
    """Linear Gaussians and a normal vector."""
    return fd.BayesNet(
        {
            "a": fd.Normal(1, 2),
            "b": fd.LinearGaussian(["a"], 0.5, [2.0], 0.3),
            "c": fd.LinearGaussian(["b", "a"], -1.0, [0.5, 1.5], 1.0),
            "v": fd.MultivariateNormal([0, 1], [[1, 0.5], [0.5, 2]]),
        }
    )


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    """So that two blocks take several tiles each."""
    from fastdgm.engines.moments import cuda_plan

    monkeypatch.setattr(cuda_plan, "MOST_ROWS", 8)


def assert_alike(own: fd.BayesNet, other: fd.BayesNet) -> None:
    for name in own.names:
        for what, array in other[name].parameters().items():
            np.testing.assert_allclose(own[name].parameters()[what], array, rtol=1e-9, atol=1e-12, err_msg=name)


def columns(x: fd.Samples) -> dict[str, DeviceArray]:
    return {name: DeviceArray(np.ascontiguousarray(x[name])) for name in x.keys()}  # noqa: SIM118


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_learnt_is_what_the_cpu_learns(dtype, monkeypatch):
    x = chain().sample(N, seed=1, dtype=dtype)
    weights = np.random.default_rng(0).uniform(0, 2, N)
    expected = chain().fit(x, sample_weight=weights)
    counts = counted_copies(monkeypatch)
    found = chain().fit(columns(x), sample_weight=DeviceArray(weights))
    assert counts["to_host"] == 2  # the sums of two kinds of conditionals
    assert_alike(found, expected)


def test_rows_that_were_drawn_there_say_what_they_are():
    there = chain().sample(N, seed=2, device="cuda")
    net = fd.BayesNet.from_edges([("a", "b"), ("a", "c"), ("b", "c")], nodes=["v"])
    expected = fd.BayesNet.from_edges([("a", "b"), ("a", "c"), ("b", "c")], nodes=["v"]).fit(there.to("cpu"))
    assert_alike(net.fit(there), expected)


def test_chunks_add_up():
    x = chain().sample(N, seed=3)
    net = chain().partial_fit(x[:4])
    assert_alike(net.partial_fit(columns(x[4:])), chain().fit(x))


def test_what_has_no_loops_there_is_refused_by_name():
    x = {"y": DeviceArray(np.array([0, 1, 1], np.uint8)), "x": DeviceArray(np.array([0.5, 1.0, 2.0]))}
    net = fd.BayesNet({"x": fd.Normal(0, 1), "y": fd.Logistic(["x"], [1.0], 0.0)})
    with pytest.raises(TypeError, match="'y' is learnt on the CPU alone"):
        net.fit(x)
    with pytest.raises(TypeError, match="'x' is learnt on the CPU alone"):
        fd.BayesNet({"x": fd.Exponential(1)}).fit({"x": x["x"]})
    with pytest.raises(ValueError, match=r"do not say what states .'x'. can have"):
        fd.BayesNet.from_edges([], nodes=["x"]).fit({"x": x["x"]})


@pytest.mark.parametrize(
    ("weights", "error", "match"),
    [
        (np.ones(3), TypeError, "array of the card"),
        (DeviceArray(np.ones(2)), ValueError, "one weight per row, shape \\(3,\\), got 2"),
        (DeviceArray(np.array([1.0, -1.0, 1.0])), ValueError, "not in row 1"),
    ],
)
def test_weights_are_checked(weights, error, match):
    net, x = fd.BayesNet({"x": fd.Normal(0, 1)}), {"x": DeviceArray(np.array([0.5, 1.0, 2.0]))}
    with pytest.raises(error, match=match):
        net.fit(x, sample_weight=weights)
    with pytest.raises(TypeError, match="unknown= is about labels"):
        net.fit(x, unknown="drop")
