"""CUDA twins of the loops over real scalars against these."""

from __future__ import annotations

import numpy as np
import pytest
from device import run
from real_nets import random_hybrid

import fastdgm as fd
from fastdgm.engines.gaussian.run import GaussianEngine
from fastdgm.engines.roots.run import RootEngine

pytestmark = pytest.mark.gpu

TYPES = [np.float32, np.float64]
POINTS = fd.BayesNet(
    {"d": fd.Bernoulli(0.5), "y": fd.Normal(1, 2), "x": fd.LinearGaussian(["d", "y"], [0, 1], [0.3], [0, 0.5])}
)
ROOTS = fd.BayesNet({"u": fd.Uniform(-1, 2), "e": fd.Exponential(3), "l": fd.Laplace(1, 0.3), "p": fd.Laplace(0.1, 0)})
CASES = {
    "hybrid": (random_hybrid(4, 6), GaussianEngine),
    "points": (POINTS, GaussianEngine),
    "roots": (ROOTS, RootEngine),
}


def case(name, dtype):
    """Loops, the engine, its plan and that of its twins, blocks of 40 rows, and the arguments that stand for data."""
    from fastdgm.engines.gaussian.cuda_plan import packed as packed_gaussians
    from fastdgm.engines.gaussian.loops_cuda import LOOPS as GAUSSIAN
    from fastdgm.engines.roots.cuda_plan import packed as packed_roots
    from fastdgm.engines.roots.loops_cuda import LOOPS as ROOT

    net, kind = CASES[name]
    values = net._program.sample(40, 9, 2**32 - 20, dtype)
    engine = next(own.engine for own in net._program.segments if type(own.engine) is kind)
    plan = engine.make_plan(np.dtype(dtype))
    if kind is RootEngine:
        return ROOT, engine, (plan, packed_roots(plan)), values, values[1:]
    return GAUSSIAN, engine, (plan, packed_gaussians(plan)), values, tuple(values)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", CASES)
def test_samples_are_those_of_the_cpu(name, dtype):
    loops, _, (plan, own), values, data = case(name, dtype)
    expected = values.reals.copy()
    values.reals[plan.row] = np.nan
    run(loops["sample", "cuda"], 40, np.uint64(9), np.uint64(2**32 - 20), own, *data)
    np.testing.assert_allclose(values.reals, expected, rtol=1e-5 if dtype is np.float32 else 1e-12, atol=1e-6)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", CASES)
def test_log_prob_is_that_of_the_cpu(name, dtype):
    loops, engine, (plan, own), values, data = case(name, dtype)
    n_vars = len(engine.members.conditionals)
    if name == "points":
        values.reals[engine.members.rows[2], :5] = 7
    expected, out = np.empty((n_vars, 40)), np.zeros((n_vars, 40))
    expected[:] = 0
    from fastdgm.data.blocks import Part

    part = Part("columns", values.codes, 0, values.reals)
    engine.score_each(0, 40, plan, part, expected)
    run(loops["log_prob per variable", "cuda"], 40, own, engine.numbers, *data, out)
    np.testing.assert_allclose(out, expected, rtol=1e-5 if dtype is np.float32 else 1e-12, atol=1e-6)
    total = np.empty(40)
    run(loops["log_prob", "cuda"], 40, own, *data, total)
    np.testing.assert_allclose(total, out.sum(axis=0), rtol=1e-12)
