"""The kernel gradient of linear Gaussians against the oracle, and its twin against the kernel."""

from __future__ import annotations

import numpy as np
import pytest
import reference_gaussian as oracle
from device import run
from real_nets import columns_of, parents_of, random_hybrid

import fastdgm as fd
from fastdgm.engines.base import Members
from fastdgm.engines.gaussian import gradient as ours
from fastdgm.engines.gaussian.loops import LOOPS
from fastdgm.engines.gaussian.plan import gaussian_plan
from fastdgm.kernels.gaussian_gradient import GaussianSums
from fastdgm.runtime.threads import num_threads

pytestmark = pytest.mark.kernel

NETS = {
    "hybrid": random_hybrid(5, 16),
    "reals": random_hybrid(6, 12, discrete=0.0),
    "points": fd.BayesNet(
        {"d": fd.Bernoulli(0.5), "y": fd.Normal(1, 2), "x": fd.LinearGaussian(["d", "y"], [0, 1], [0.3], [0, 0.5])}
    ),
}


def case(name: str, n: int):
    """Network, members, plan, blocks and weights."""
    net = NETS[name]
    members = [i for i, own in enumerate(net.names) if isinstance(net[own], fd.LinearGaussian)]
    plan = gaussian_plan(Members({own: net[own] for own in net.names}, members), np.dtype(np.float64), 0)
    values = net._program.sample(n, 3, 0, np.float64)
    weights = np.random.default_rng(1).normal(size=n)
    return net, [net.names[i] for i in members], plan, values, weights


def sums_of(plan) -> GaussianSums:
    return GaussianSums(np.zeros(plan.intercept.size), np.zeros(plan.slope.size), np.zeros(plan.std.size))


@pytest.mark.parametrize("n", [1, 37, 1500])
@pytest.mark.parametrize("name", NETS)
def test_the_gradient_is_the_oracles(name, n):
    net, members, plan, values, weights = case(name, n)
    by_reals, sums = np.full(values.reals.shape, np.nan), sums_of(plan)
    frozen = [array.view() for array in (values.codes, values.reals, weights)]
    for array in frozen:
        array.flags.writeable = False
    LOOPS["gradient", "cpu"](0, n, plan, *frozen, by_reals, sums)
    columns = columns_of(net.sample(n, seed=3, dtype=np.float64))
    schema = net._program.schema
    expected = np.zeros_like(values.reals)
    for m, own in enumerate(members):
        conditional = net[own]
        arrays = conditional.intercept, conditional.coefficients, conditional.std
        by_x, by_parents, found = oracle.gaussian_gradient(
            columns[own], arrays, *parents_of(net, own, columns), weights
        )
        expected[schema.rows[own]] += by_x
        for parent, numbers in zip(conditional.real_parents, by_parents, strict=True):
            expected[schema.rows[parent]] += numbers
        table = slice(plan.table_start[m], plan.table_start[m + 1])
        slopes = slice(plan.slope_start[m], plan.slope_start[m + 1])
        for part, cells, numbers in zip(sums, (table, slopes, table), found, strict=True):
            np.testing.assert_allclose(part[cells], numbers.ravel(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(by_reals, expected, rtol=1e-11, atol=1e-11)


def test_the_reals_gradient_is_left_out_where_nobody_asks():
    _, _, plan, values, weights = case("hybrid", 200)
    layout = ours.Layout(*(getattr(plan, field) for field in ours.Layout._fields))
    parameters = ours.Parameters(plan.intercept, plan.slope, np.log(plan.std))
    with_reals = ours.gradient(layout, parameters, values.codes, values.reals, weights, True)
    without = ours.gradient(layout, parameters, values.codes, values.reals, weights, False)
    assert without[0].shape == (0, 0) and with_reals[0].shape == values.reals.shape
    for one, other in zip(with_reals[1], without[1], strict=True):
        assert (one == other).all()


def test_it_is_the_same_for_any_number_of_threads():
    _, _, plan, values, weights = case("reals", 50_000)
    layout = ours.Layout(*(getattr(plan, field) for field in ours.Layout._fields))
    parameters = ours.Parameters(plan.intercept, plan.slope, np.log(plan.std))
    found = []
    for threads in (1, 2):
        with num_threads(threads):
            found.append(ours.gradient(layout, parameters, values.codes, values.reals, weights, True))
    assert (found[0][0] == found[1][0]).all()
    assert all((one == other).all() for one, other in zip(found[0][1], found[1][1], strict=True))


@pytest.mark.gpu
@pytest.mark.parametrize("name", NETS)
def test_the_twin_has_the_same_gradient(name):
    from fastdgm.engines.gaussian.loops_cuda import LOOPS as TWINS

    _, _, plan, values, weights = case(name, 40)
    expected, sums = np.empty(values.reals.shape), sums_of(plan)
    LOOPS["gradient", "cpu"](0, 40, plan, *values, weights, expected, sums)
    by_reals, own = np.full(values.reals.shape, np.nan), sums_of(plan)
    run(TWINS["gradient", "cuda"], 40, plan, *values, weights, by_reals, own)
    np.testing.assert_allclose(by_reals, expected, rtol=1e-12, atol=1e-12)
    for one, other in zip(own, sums, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11)
