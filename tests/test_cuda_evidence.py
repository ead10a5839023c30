"""Rows with missing values on a GPU, by public verbs: the answers, draws and errors of the CPU."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from device_array import DeviceArray, counted_copies
from random_nets import random_net

import fastdgm as fd

pytestmark = pytest.mark.gpu

N = 12


@pytest.fixture(scope="module")
def net():
    return fd.example("asia")


def rows_of(net, n=N, seed=0, share=0.4):
    """Codes, -1 where they are missing."""
    codes = np.asarray(net.sample(n, seed=seed)).astype(np.int8)
    return np.where(np.random.default_rng(seed).random(codes.shape) < share, np.int8(-1), codes)


def host(array):
    return array.copy_to_host()


def impossible_rows(net):
    """Of asia: "either" says that neither lung cancer nor tuberculosis is there, which one is."""
    rows = rows_of(net)
    rows[5, [net.names.index(name) for name in ("lung", "either")]] = 0, 1
    return rows


def test_log_prob(net, monkeypatch):
    rows = rows_of(net)
    net.log_prob(DeviceArray(rows))  # uploads
    copies = counted_copies(monkeypatch)
    found = net.log_prob(DeviceArray(rows))
    assert copies == {"read_flags": 1}
    np.testing.assert_allclose(host(found), net.log_prob(rows), rtol=1e-12)
    np.testing.assert_allclose(host(net.log_prob(DeviceArray(rows[:0]))), [])


@pytest.mark.parametrize("seed", range(3))
def test_random_networks(seed):
    net = random_net(seed, n_vars=6)
    rows = rows_of(net, seed=seed)
    np.testing.assert_allclose(host(net.log_prob(DeviceArray(rows))), net.log_prob(rows), rtol=1e-12)


def test_columns_that_are_absent(net):
    smoke = np.array([0, 1, -1])
    found = net.log_prob({"smoke": DeviceArray(smoke)})
    np.testing.assert_allclose(host(found), net.log_prob({"smoke": smoke}), rtol=1e-12)


def test_log_prob_given(net):
    rows, names = impossible_rows(net), ["lung", "either", "smoke"]
    found = net.log_prob(DeviceArray(rows), given=names, impossible="nan")
    np.testing.assert_allclose(host(found), net.log_prob(rows, given=names, impossible="nan"), rtol=1e-12)
    same_error(lambda data: net.log_prob(data, given=names), rows)


def test_posterior(net):
    rows = impossible_rows(net)
    found = net.predict_proba(DeviceArray(rows), "smoke", impossible="nan")
    np.testing.assert_allclose(host(found), net.predict_proba(rows, "smoke", impossible="nan"), rtol=1e-12)
    same_error(lambda data: net.predict_proba(data, "smoke"), rows)


def test_prediction(net):
    rows = impossible_rows(net)
    found = net.predict(DeviceArray(rows), "dysp", impossible="nan")
    np.testing.assert_array_equal(host(found), net.predict(rows, "dysp", impossible="nan"))
    assert net.predict(DeviceArray(rows_of(net)), "dysp").dtype == np.uint8


def test_marginals(net):
    rows = impossible_rows(net)
    found, expected = net.marginals(DeviceArray(rows), impossible="nan"), net.marginals(rows, impossible="nan")
    assert list(found) == list(expected)
    for name, own in expected.items():
        np.testing.assert_allclose(host(found[name]), own, rtol=1e-11, atol=1e-14)
    same_error(net.marginals, rows)


@pytest.mark.parametrize("how", ["mpe", "mode", "sample"])
def test_imputation(net, how):
    options = {"how": how} | ({"seed": 3, "start": 9, "n_per_row": 2} if how == "sample" else {})
    rows = impossible_rows(net)
    found, expected = net.impute(DeviceArray(rows), impossible="nan", **options), None
    expected = net.impute(rows, impossible="nan", **options)
    np.testing.assert_array_equal(np.asarray(found.to("cpu")), np.asarray(expected))
    assert (found.seed, found.start) == (expected.seed, expected.start)
    same_error(lambda data: net.impute(data, **options), rows)
    filled = net.impute(DeviceArray(rows_of(net)), **options)
    assert host(net.log_prob(filled)).min() > -np.inf


def test_draws_for_rows(net):
    rows = rows_of(net)
    found = net.sample(given=DeviceArray(rows), n_per_row=2, seed=1, start=4)
    expected = net.sample(given=rows, n_per_row=2, seed=1, start=4)
    np.testing.assert_array_equal(np.asarray(found.to("cpu")), np.asarray(expected))
    same_error(lambda data: net.sample(given=data), impossible_rows(net))
    with pytest.raises(ValueError, match=f"given= fixes the number of rows: {N}"):
        net.sample(3, given=DeviceArray(rows))


@pytest.mark.parametrize("do", [None, {"smoke": "yes"}])
@pytest.mark.parametrize("given", [{"dysp": "yes"}, {"dysp": ["yes", "no"], "xray": "yes"}, {"either": 1, "lung": 1}])
def test_draws_under_known_values(net, given, do):
    found = net.sample(20, given=given, do=do, seed=2, start=5, device="cuda")
    expected = net.sample(20, given=given, do=do, seed=2, start=5)
    np.testing.assert_array_equal(np.asarray(found.to("cpu")), np.asarray(expected))


def test_states_as_many_as_codes_of_a_byte():
    """Complete rows of 256 states have no code for missing values: they are copied to two bytes."""
    rng = np.random.default_rng(0)
    net = fd.BayesNet({"a": fd.CPT([], rng.dirichlet(np.ones(256))), "b": fd.CPT(["a"], rng.dirichlet([1, 1], 256))})
    rows = np.asarray(net.sample(9, seed=0)).astype(np.int16)
    rows[3, 0] = 255
    found = net.predict(DeviceArray(rows), "a")
    np.testing.assert_array_equal(host(found), net.predict(rows, "a"))
    found = net.predict_proba(DeviceArray(rows), "b")
    np.testing.assert_allclose(host(found), net.predict_proba(rows, "b"), rtol=1e-12)
    rows[4, 1] = -1
    np.testing.assert_allclose(host(net.log_prob(DeviceArray(rows))), net.log_prob(rows), rtol=1e-12)


def test_interventions(net):
    found = net.sample(20, do={"smoke": "yes"}, seed=2, device="cuda")
    np.testing.assert_array_equal(np.asarray(found.to("cpu")), np.asarray(net.sample(20, do={"smoke": "yes"}, seed=2)))


def test_rows_whose_numbers_leave_the_range_are_named():
    """A chain of hidden variables whose probabilities are tiny."""
    tiny = 1e-30
    table = [[1.0 - tiny, tiny], [tiny, 1.0 - tiny]]
    names = [f"v{i}" for i in range(40)]
    net = fd.BayesNet({"v0": fd.CPT([], [0.5, 0.5])} | {b: fd.CPT([a], table) for a, b in pairwise(names)})
    rows = np.full((4, 40), -1, np.int8)
    rows[2, ::2] = np.arange(20) % 2
    try:
        found = host(net.log_prob(DeviceArray(rows)))
    except ValueError as error:
        assert "row 2 has no log_prob on a GPU" in str(error)
    except TypeError as error:
        assert "leave the range of float64" in str(error)
    else:
        np.testing.assert_allclose(found, net.log_prob(rows), rtol=1e-12)


def test_what_has_no_loops_is_named(net):
    rows = DeviceArray(rows_of(net))
    unfitted = fd.BayesNet.from_edges(net.edges, states=net.states)
    for call, what in (
        (lambda: net.log_prob(rows, method="weighted"), r"log_prob\(method='weighted'\)"),
        (lambda: net.predict(rows, "lung", labels=True), r"predict\(labels=True\)"),
        (lambda: net.marginals(rows, return_info=True), r"marginals\(return_info=True\)"),
        (lambda: net.outlier_scores(rows), "outlier_scores"),
        (lambda: unfitted.fit(rows), r"fit of rows in which values are missing \(.*"),
        (lambda: net.sample(given=rows_of(net), device="cuda"), r"sample\(given=\) of rows of the CPU.*"),
    ):
        with pytest.raises(TypeError, match=what + r" has no loops for GPUs: copy the arrays to the CPU"):
            call()


def test_trees_that_are_too_large():
    """A grid of pairs: its tree has 2**18 cells and more."""
    parents = [f"a{i}" for i in range(20)]
    names = {name: fd.Bernoulli(0.5) for name in parents}
    coupled = {
        f"b{i}{j}": fd.CPT([parents[i], parents[j]], np.full((2, 2, 2), 0.5)) for i in range(20) for j in range(i)
    }
    net = fd.BayesNet(names | coupled)
    rows = np.full((2, len(net.names)), -1, np.int8)
    with pytest.raises(TypeError, match=r"tree of a network has at most 131072 cells.*copy the rows to the CPU"):
        net.log_prob(DeviceArray(rows))


def same_error(call, rows):
    """The same one for rows of a GPU and of the CPU."""
    with pytest.raises(fd.ImpossibleEvidenceError) as expected:
        call(rows)
    with pytest.raises(fd.ImpossibleEvidenceError) as found:
        call(DeviceArray(rows))
    assert str(found.value) == str(expected.value)
