"""Networks of tables learnt from rows on a GPU: the tables of the CPU, by one copy of the counts."""

from __future__ import annotations

import numpy as np
import pytest
from device_array import DeviceArray, counted_copies

import fastdgm as fd

pytestmark = pytest.mark.gpu

N = 41
NET = fd.example("asia")
ROWS = NET.sample(N, seed=5)
CODES = np.asarray(ROWS)


def again() -> fd.BayesNet:
    return fd.BayesNet(NET.conditionals)


def assert_equal(one: fd.BayesNet, other: fd.BayesNet, tolerance: float = 0.0) -> None:
    for name in one.names:
        np.testing.assert_allclose(one[name].table, other[name].table, rtol=tolerance)


@pytest.mark.parametrize("prior", [0.0, 1.0, "bdeu"])
def test_tables_are_those_of_the_cpu(monkeypatch, prior):
    x = NET.sample(N, seed=5, device="cuda")
    copies = counted_copies(monkeypatch)
    assert_equal(again().fit(x, prior=prior), again().fit(ROWS, prior=prior))
    assert copies["to_host"] == 1  # the counts


def test_arrays_of_any_layout_are_counted():
    for rows in (CODES, np.asfortranarray(CODES.astype(np.int64))):
        assert_equal(again().fit(DeviceArray(rows)), again().fit(ROWS))


def test_whole_weights_count_exactly_and_others_but_for_rounding():
    whole, others = np.arange(N) % 3.0, np.linspace(0.1, 2.0, N)
    assert_equal(
        again().fit(DeviceArray(CODES), sample_weight=DeviceArray(whole)), again().fit(ROWS, sample_weight=whole)
    )
    found = again().fit(DeviceArray(CODES), sample_weight=DeviceArray(others))
    assert_equal(found, again().fit(ROWS, sample_weight=others), 1e-12)


def test_chunks_add_up():
    net = again()
    for begin in (0, 20):
        net.partial_fit(DeviceArray(CODES[begin : begin + 21]))
    expected = again()
    for begin in (0, 20):
        expected.partial_fit(CODES[begin : begin + 21])
    assert_equal(net, expected)


def test_states_of_samples_are_learnt_and_those_of_bare_codes_refused():
    structure = fd.BayesNet.from_edges(NET.edges, nodes=NET.names)
    assert_equal(structure.fit(NET.sample(N, seed=5, device="cuda")), again().fit(ROWS))
    with pytest.raises(ValueError, match="states"):
        fd.BayesNet.from_edges(NET.edges, nodes=NET.names).fit(DeviceArray(CODES))


def test_bad_rows_leave_the_network_as_it_was():
    net, codes = again(), CODES.copy()
    codes[17, 3] = 9
    before = net.conditionals
    with pytest.raises(ValueError, match=f"{net.names[3]}.*17|17.*{net.names[3]}"):
        net.fit(DeviceArray(codes))
    assert dict(net.conditionals) == dict(before)


def test_tables_beside_numbers():
    net = fd.BayesNet({"a": fd.Bernoulli(0.3), "b": fd.CPT(["a"], [[0.9, 0.1], [0.2, 0.8]]),
                       "x": fd.Normal.given(["b"], mean=[0.0, 1.0], std=[1.0, 2.0])})  # fmt: skip
    rows = {name: np.asarray(column) for name, column in net.sample(N, seed=2).items()}
    on_card = {name: DeviceArray(column) for name, column in rows.items()}
    found, expected = fd.BayesNet(net.conditionals).fit(on_card), fd.BayesNet(net.conditionals).fit(rows)
    for name in ("a", "b"):
        assert (found[name].table == expected[name].table).all()
