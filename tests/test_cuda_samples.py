"""CudaSamples: what Samples are, on a GPU; nothing is copied from there unasked."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from device_array import DeviceArray, counted_copies, pointer_to

import fastdgm as fd

pytestmark = pytest.mark.gpu

N = 9


def weather() -> fd.BayesNet:
    """Variables of both kinds, and vectors of both."""
    return fd.BayesNet(
        {
            "rain": fd.Bernoulli(0.4),
            "heat": fd.Normal.given(["rain"], mean=[20, 10], std=[2, 1]),
            "wind": fd.MultivariateNormal([0, 1], [[1.0, 0.5], [0.5, 1.0]]),
            "sky": fd.CPT(["rain"], [[0.9, 0.1], [0.2, 0.8]], states=["blue", "grey"]),
        }
    )


@pytest.fixture(scope="module")
def pair():
    net = weather()
    return net.sample(N, seed=4, start=2, device="cuda"), net.sample(N, seed=4, start=2)


def test_what_they_are(pair):
    x, same = pair
    assert isinstance(x, fd.CudaSamples)
    assert (len(x), x.shape, x.names, x.seed, x.start) == (len(same), same.shape, same.names, 4, 2)
    assert (x.dtype, dict(x.states), x.device) == (same.dtype, dict(same.states), "cuda:0")
    assert "rain" in x and "snow" not in x
    assert [name for name, _ in x.items()] == list(same.keys()) and len(list(x.values())) == 4
    assert fd.example("asia").sample(2, device="cuda").dtype == np.uint8


def test_columns(pair):
    x, same = pair
    for name in same.names:
        column = x[name]
        assert column.shape == same[name].shape and column.dtype == same[name].dtype
        np.testing.assert_allclose(column.copy_to_host(), same[name], rtol=1e-5)
    with pytest.raises(KeyError, match="no variable 'snow'"):
        x["snow"]


@pytest.mark.parametrize(("begin", "end"), [(2, 5), (None, None), (-3, None), (7, 3), (4, 100)])
def test_slices_are_views(pair, begin, end, monkeypatch):
    x, same = pair
    counts = counted_copies(monkeypatch)
    part, expected = x[begin:end], same[begin:end]
    assert not counts
    assert (len(part), part.start, part.seed) == (len(expected), expected.start, expected.seed)
    np.testing.assert_allclose(np.asarray(part.to("cpu")), np.asarray(expected), rtol=1e-5)
    scores = weather().log_prob(part)
    np.testing.assert_allclose(scores.copy_to_host(), weather().log_prob(expected), rtol=1e-4)


def test_conversions_copy_once(pair, monkeypatch):
    x, same = pair
    counts = counted_copies(monkeypatch)
    here = x.to("cpu")
    assert isinstance(here, fd.Samples) and (here.seed, here.start) == (4, 2)
    assert counts == {"to_host": 2}  # one block of each kind
    assert x.labels("sky").tolist() == same.labels("sky").tolist()
    pytest.importorskip("pandas")
    assert (x.to_pandas()["rain"] == same.to_pandas()["rain"]).all()
    pytest.importorskip("pyarrow")
    assert x.to_arrow()["sky"].equals(same.to_arrow()["sky"])


def test_what_copies_by_accident_is_refused(pair):
    x, _ = pair
    for accident in (np.asarray, np.mean, lambda own: np.add(own, 1)):
        with pytest.raises(TypeError, match=r'x\.to\("cpu"\)'):
            accident(x)
    for accident in (list, pickle.dumps, lambda own: own[[0, 1]], lambda own: own[::2], lambda own: own[0]):
        with pytest.raises(TypeError, match=r'x\.to\("cpu"\)'):
            accident(x)
    with pytest.raises(ValueError, match="to\\(\\) takes \"cpu\", got 'cuda'"):
        x.to("cuda")


def test_what_is_shown_copies_a_few_rows(monkeypatch):
    x = fd.example("asia").sample(50, seed=0, device="cuda")
    read = []
    own = type(x.placement.cuda).to_host
    monkeypatch.setattr(type(x.placement.cuda), "to_host", lambda queue, array: read.append(array) or own(queue, array))
    first, *lines = repr(x).splitlines()
    assert first == "CudaSamples: 50 rows x 8 variables, uint8 codes, seed 0, on cuda:0"
    assert lines == repr(x.to("cpu")).splitlines()[1:]
    assert max(array.shape[1] for array in read[:2]) == 5


def test_rows_of_a_block_are_copied_without_what_lies_between(monkeypatch):
    x = fd.example("asia").sample(50, seed=0, device="cuda")
    kind, copied = type(x.blocks.codes), []
    own = kind.copy_to_host
    monkeypatch.setattr(
        kind, "copy_to_host", lambda array, **options: copied.append(array.shape) or own(array, **options)
    )
    rows = np.asarray(x[7:12].to("cpu"))
    assert copied[:8] == [(5,)] * 8
    assert (rows == np.asarray(fd.example("asia").sample(50, seed=0))[7:12]).all()


def test_rows_of_one_kind_have_the_interface():
    net = fd.example("asia")
    x = net.sample(6, seed=0, device="cuda")
    interface = x.__cuda_array_interface__
    assert (interface["shape"], interface["typestr"], interface["stream"]) == ((6, 8), "|u1", 1)
    assert interface["data"][0] == pointer_to(x.blocks.codes)
    with pytest.raises(AttributeError, match="take columns"):
        _ = weather().sample(2, device="cuda").__cuda_array_interface__


def test_samples_go_there_and_are_checked_where_they_are_used():
    net = weather()
    x = net.sample(N, seed=1)
    there = x.to("cuda")
    assert (there.seed, there.start) == (1, 0)
    np.testing.assert_allclose(net.log_prob(there).copy_to_host(), net.log_prob(x), rtol=1e-6)
    broken = fd.Samples(np.full((2, 3), 7, np.uint8), {"a": ["n", "y"], "b": ["n", "y"]}).to("cuda")
    pair = fd.BayesNet({"a": fd.CPT([], [0.5, 0.5], states=["n", "y"]), "b": fd.CPT([], [0.5, 0.5], states=["n", "y"])})
    with pytest.raises(ValueError, match=r"codes of 'a' run from 0 to 1 .*: row 0 is 7"):
        pair.log_prob(broken)


def test_like_gives_rows_of_that_library():
    net, like = weather(), DeviceArray(np.zeros(1))
    rows, expected = net.sample(N, seed=3, like=like), net.sample(N, seed=3)
    assert not isinstance(rows, fd.CudaSamples) and rows.dtype == np.float64
    np.testing.assert_allclose(rows.copy_to_host(), np.asarray(expected), rtol=1e-5)
    asia = fd.example("asia")
    codes = asia.sample(N, seed=3, like=like)
    assert (codes.copy_to_host() == np.asarray(asia.sample(N, seed=3))).all()
    assert isinstance(asia.sample(2, like=asia.sample(2, device="cuda")), fd.CudaSamples)
    assert isinstance(asia.sample(2, like=like, device="cpu"), fd.Samples)
