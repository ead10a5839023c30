"""The twins of what torch modules need: the gradient of linear Gaussians, and blocks of random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from case import Case

import fastdgm as fd
from fastdgm.engines.gaussian.gradient import Layout, Parameters, gradient
from fastdgm.engines.gaussian.loops_cuda import LOOPS as GAUSSIAN
from fastdgm.engines.torch.noise import LOOPS as NOISE_CPU
from fastdgm.engines.torch.noise_cuda import LOOPS as NOISE
from fastdgm.kernels.gaussian_gradient import GaussianSums

SEED = 2**63 + 1


def gradient_cases(n: int, n_vars: int) -> Iterator[Case]:
    """By the data and all parameters of a chain of linear Gaussians with two parents each."""
    first = {"x0": fd.Normal(0, 1), "x1": fd.LinearGaussian(["x0"], 1, [0.5], 1)}
    others = {f"x{v}": fd.LinearGaussian([f"x{v - 1}", f"x{v - 2}"], 0.1, [0.5, -0.3], 1) for v in range(2, n_vars)}
    net = fd.BayesNet({**first, **others})
    codes, reals = net._program.sample(n, SEED, 0, np.float64)
    plan, weights = net._program.scoring[0].make_plan(reals.dtype), np.full(n, 1.0)  # type: ignore[attr-defined]
    layout = Layout(*(getattr(plan, field) for field in Layout._fields))
    parameters = Parameters(plan.intercept, plan.slope, np.log(plan.std))
    cpu = partial(gradient, layout, parameters, codes, reals, weights, True)
    by_reals, by_parameters = cpu()
    sums = GaussianSums(*(np.zeros_like(own) for own in by_parameters))
    yield Case(
        "gaussian gradient", GAUSSIAN["gradient", "cuda"], (plan, codes, reals, weights),
        (np.zeros_like(reals), sums), (by_reals, *(None for _ in sums)), 1e-5, n, reals.size, 2 * reals.nbytes, cpu,
    )  # fmt: skip


def noise_cases(n: int, count: int) -> Iterator[Case]:
    """Uniforms and normal numbers of some words of each row."""
    for name, verb, dtype in (
        ("noise uniforms", "uniforms", np.float64),
        ("noise normals", "normals", np.float32),
    ):
        cpu = partial(_filled, NOISE_CPU[verb, "cpu"], count, n, dtype)
        expected = cpu()
        words = np.uint64(SEED), np.uint64(0), np.uint64(2)
        yield Case(
            name, NOISE[verb, "cuda"], words, (np.zeros_like(expected),), (expected,), 1e-5, n,
            expected.size, expected.nbytes, cpu, expected.size * (2 if dtype is np.float64 else 1),
        )  # fmt: skip


def _filled(loop: Callable[..., Any], count: int, n: int, dtype: type) -> np.ndarray:
    out = np.empty((count, n), dtype)
    loop(0, n, np.uint64(SEED), np.uint64(0), np.uint64(2), out)
    return out
