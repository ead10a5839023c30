"""Round trips through pyAgrum, and its own inference on what it got from us."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
from interop_nets import assert_same, awkward_net, marginals
from shared_data import shared_files

import fastdgm as fd


@pytest.fixture(scope="module")
def pyagrum():
    return pytest.importorskip("pyagrum", reason="pyAgrum is not installed")


def test_a_round_trip_keeps_everything(pyagrum):
    net = awkward_net()
    assert_same(net, fd.from_pyagrum(net.to_pyagrum()))


@pytest.mark.parametrize("file", shared_files("bif/*.bif.gz"), ids=lambda file: file.stem)
def test_round_trips_of_real_networks(pyagrum, file):
    net = fd.read(file)
    assert_same(net, fd.from_pyagrum(net.to_pyagrum()))


def test_pyagrum_infers_our_marginals(pyagrum):
    net = awkward_net()
    engine = pyagrum.LazyPropagation(net.to_pyagrum())
    for name, expected in marginals(net).items():
        assert engine.posterior(name).tolist() == pytest.approx(expected.tolist(), abs=1e-12)


def test_networks_made_by_pyagrum(pyagrum):
    model = pyagrum.fastBN("a[0,2]->b{no|yes}<-c[1.5,2,3]; a->d")
    net = fd.from_pyagrum(model)
    assert net.states["a"] == ("0", "1", "2")
    assert net.states["c"] == tuple(model.variable("c").labels())
    for codes in itertools.product(range(3), range(2), range(2)):
        row = dict(zip("abc", codes, strict=True))
        place = tuple(row[parent] for parent in net.parents["b"])
        assert net["b"].table[place][row["b"]] == pytest.approx(model.cpt("b")[row], abs=1e-15)


def test_a_table_that_was_never_filled(pyagrum):
    model = pyagrum.BayesNet()
    model.add(pyagrum.LabelizedVariable("a", "", ["no", "yes"]))
    with pytest.raises(ValueError, match="table of 'a': every row of a table sums to 1, got 0"):
        fd.from_pyagrum(model)


def test_one_warning_for_all_tables_with_few_digits_points_at_the_caller(pyagrum):
    model = pyagrum.fastBN("A[3]->B[3];C[3]->D[3]")
    for name in "ABCD":
        model.cpt(name)[:] = np.full(model.cpt(name).toarray().shape, 0.3333)
    with pytest.warns(UserWarning, match="from_pyagrum: rows of 4 tables are off .*'A'.*'B'.*'C'.*'D'") as caught:
        net = fd.from_pyagrum(model)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert np.allclose(net["B"].table, 1 / 3, rtol=0, atol=1e-15)


# --- linear Gaussians ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clg():
    return pytest.importorskip("pyagrum.clg", reason="pyAgrum, or what its CLG needs, is not installed")


NORMALS = fd.BayesNet(
    {
        "c": fd.LinearGaussian(["b", "a"], -1, [0.5, -2], 0.25),
        "a": fd.Normal(1, 2),
        "b": fd.LinearGaussian(["a"], 0.1, [1e-9], 0),
        "539": fd.Normal(0, 1),
    }
)


def test_linear_gaussians_both_ways(clg):
    model = NORMALS.to_pyagrum()
    assert type(model) is clg.CLG
    assert (model.variable("c").mu(), model.variable("c").sigma(), model.coefArc("a", "c")) == (-1, 0.25, -2)
    again = fd.from_pyagrum(model)
    assert again.names == NORMALS.names
    assert again["c"] == fd.LinearGaussian(["a", "b"], -1, [-2, 0.5], 0.25)  # parents in the order of declaration
    assert all(again[name] == NORMALS[name] for name in ("a", "b", "539"))


def test_pyagrum_infers_our_normals(clg):
    net = fd.BayesNet({"a": fd.Normal(1, 2), "b": fd.LinearGaussian(["a"], 3, [0.5], 1)})
    found = clg.CLGVariableElimination(net.to_pyagrum()).posterior("b")
    assert (found.mu(), found.sigma()) == pytest.approx((3.5, 2**0.5))


def test_linear_gaussians_that_are_refused(clg):
    a = fd.Normal(0, 1)
    with pytest.raises(ValueError, match="has no coefficient of 0, got that of 'a' for 'b'"):
        fd.BayesNet({"a": a, "b": fd.LinearGaussian(["a"], 1, [0], 1)}).to_pyagrum()
    with pytest.raises(TypeError, match="needs tables, variable 'x' has a LinearGaussian"):
        fd.BayesNet({"a": fd.Bernoulli(0.5), "x": fd.Normal.given(["a"], 0, 1)}).to_pyagrum()
    with pytest.raises(TypeError, match="needs linear Gaussians, variable 'x' has a Laplace"):
        fd.BayesNet({"x": fd.Laplace(0, 1)}).to_pyagrum()
    model = clg.CLG()
    model.add(clg.GaussianVariable("x", float("nan"), 1))
    with pytest.raises(ValueError, match="parameters of 'x': intercept must be finite"):
        fd.from_pyagrum(model)


def test_what_is_no_model():
    with pytest.raises(TypeError, match=r"takes a pyagrum\.BayesNet or a pyagrum\.clg\.CLG, got dict"):
        fd.from_pyagrum({})


def test_a_missing_pyagrum_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyagrum", None)
    with pytest.raises(ImportError, match="pip install"):
        awkward_net().to_pyagrum()


def test_conversion_needs_tables(pyagrum):
    with pytest.raises(fd.NotFittedError):
        fd.BayesNet.from_edges([("a", "b")]).to_pyagrum()
