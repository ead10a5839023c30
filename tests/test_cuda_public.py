"""Public verbs on a GPU, end to end: what is drawn there is what the CPU draws, and nothing is copied unasked."""

from __future__ import annotations

import numpy as np
import pytest
from device_array import DeviceArray, counted_copies

import fastdgm as fd
from fastdgm.inference import cuda_scores
from fastdgm.runtime.cuda_queue import CudaQueue

pytestmark = pytest.mark.gpu

N = 12


@pytest.fixture(scope="module")
def net():
    return fd.example("asia")


@pytest.fixture(scope="module")
def x(net):
    return net.sample(N, seed=0)


def forms(x: fd.Samples) -> dict[str, object]:
    """Rows on the card in every form that is no CudaSamples."""
    rows = np.asarray(x)
    return {
        "codes by column": DeviceArray(rows),
        "rows": DeviceArray(np.ascontiguousarray(rows)),
        "integers": DeviceArray(np.ascontiguousarray(rows, np.int64)),
        "floats": DeviceArray(np.asfortranarray(rows, np.float32)),
        "mapping": {name: DeviceArray(column) for name, column in x.items()},
    }


def test_samples_stay_there_and_are_those_of_the_cpu(net):
    x = net.sample(50, seed=3, start=7, device="cuda")
    assert (np.asarray(x.to("cpu")) == np.asarray(net.sample(50, seed=3, start=7))).all()
    scores = net.log_prob(x)
    np.testing.assert_allclose(scores.copy_to_host(), net.log_prob(x.to("cpu")), rtol=1e-12)


def test_rows_after_an_intervention(net):
    x = net.sample(N, seed=3, do={"smoke": "yes"}, device="cuda")
    assert (np.asarray(x.to("cpu")) == np.asarray(net.sample(N, seed=3, do={"smoke": "yes"}))).all()


def test_pieces_are_the_rows_of_one_call(net):
    pieces = list(net.iter_samples(20, 8, seed=5, start=1, device="cuda"))
    assert [(len(piece), piece.start) for piece in pieces] == [(8, 1), (8, 9), (4, 17)]
    rows = np.concatenate([np.asarray(piece.to("cpu")) for piece in pieces])
    assert (rows == np.asarray(net.sample(20, seed=5, start=1))).all()


@pytest.mark.parametrize("form", forms(fd.example("asia").sample(1, seed=0)))
def test_every_form_of_rows_is_scored(net, x, form):
    found = net.log_prob(forms(x)[form])
    np.testing.assert_allclose(found.copy_to_host(), net.log_prob(x), rtol=1e-12)


def test_terms_by_variable(net, x):
    found = net.log_prob(DeviceArray(np.asarray(x)), per_variable=True)
    assert found.shape == (N, 8)
    np.testing.assert_allclose(found.copy_to_host(), net.log_prob(x, per_variable=True), rtol=1e-12)
    codes = np.asarray(x).astype(int)
    codes[4, 2] = -1
    with pytest.raises(fd.MissingValuesError, match=r"per_variable=True needs complete rows: .* 'smoke' in row 4"):
        net.log_prob(DeviceArray(codes), per_variable=True)


def test_rows_of_our_own_are_never_copied_and_never_waited_for(net, monkeypatch):
    x = net.sample(N, seed=0, device="cuda")
    net.log_prob(x)  # plans
    counts = counted_copies(monkeypatch)
    again = net.sample(N, seed=1, device="cuda")
    net.score_samples(again)
    net.log_prob(again, per_variable=True)
    assert not counts


@pytest.mark.parametrize("form", forms(fd.example("asia").sample(1, seed=0)))
def test_of_other_rows_one_flag_is_read(net, x, form, monkeypatch):
    data = forms(x)[form]
    net.log_prob(data)  # plans
    counts = counted_copies(monkeypatch)
    net.log_prob(data)
    assert counts == {"read_flags": 1}


def test_plans_are_uploaded_once_and_dropped_with_the_parameters(x, monkeypatch):
    net = fd.BayesNet(fd.example("asia").conditionals)
    counts = counted_copies(monkeypatch)
    net.sample(2, device="cuda")
    first = counts["to_device"]
    net.sample(2, device="cuda")
    assert counts["to_device"] == first > 0
    net.fit(x)
    net.sample(2, device="cuda")
    assert counts["to_device"] > first


OPTIONS = {
    "n_importance": 5,
    "return_std_error": True,
    "return_info": True,
    "method": "weighted",
}


@pytest.mark.parametrize("option", OPTIONS)
def test_options_without_loops_are_refused_by_name(net, option):
    x = net.sample(3, device="cuda")
    with pytest.raises(TypeError, match=rf'log_prob\({option}=.* has no loops for GPUs: copy .* x\.to\("cpu"\)'):
        net.log_prob(x, **{option: OPTIONS[option]})
    if option == "method":
        with pytest.raises(TypeError, match="sample"):
            net.sample(3, given={"smoke": "yes"}, method="weighted", device="cuda")


def test_what_is_wrong_is_said_as_on_the_cpu(net, x):
    codes = np.asarray(x).astype(int)
    codes[3, 5] = 4
    for data in (codes, codes[:, :5], {"smoke": codes[:, 0], "tub": codes[:3, 0]}, {"other": codes[:, 0]}):
        there = {k: DeviceArray(v) for k, v in data.items()} if isinstance(data, dict) else DeviceArray(data)
        with pytest.raises((ValueError, KeyError)) as expected:
            net.log_prob(data)
        with pytest.raises(type(expected.value)) as found:
            net.log_prob(there)
        assert str(found.value) == str(expected.value)


def test_too_much_for_the_card(net, x, monkeypatch):
    monkeypatch.setattr(CudaQueue, "free_bytes", lambda queue: 1 << 30)
    with pytest.raises(ValueError, match=r"sampling 10{9} rows .* needs 80{9} bytes .* of cuda:0, 1073741824 .* free"):
        net.sample(10**9, device="cuda")


def test_rows_are_read_in_pieces_where_they_do_not_fit(net, x, monkeypatch):
    expected = net.log_prob(x)
    monkeypatch.setattr(cuda_scores, "SMALL", 0)
    monkeypatch.setattr(CudaQueue, "free_bytes", lambda queue: 80)
    counts = counted_copies(monkeypatch)
    found = net.log_prob(forms(x)["integers"])
    assert counts["read_flags"] == 3  # 96 bytes of codes, in pieces of half of what is free
    np.testing.assert_allclose(found.copy_to_host(), expected, rtol=1e-12)
    net.log_prob(forms(x)["codes by column"])  # in one piece, where they are
    assert counts["read_flags"] == 4


def test_an_allocator_that_does_not_tell_what_is_free(monkeypatch):
    from numba import cuda

    def refuse(self) -> None:
        raise NotImplementedError

    monkeypatch.setattr(type(cuda.current_context()), "get_memory_info", refuse)
    assert CudaQueue().free_bytes() is None
