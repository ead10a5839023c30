"""The twins of the loops over real scalars: a chain of linear Gaussians with two parents each, and a few roots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from case import Case

import fastdgm as fd
from fastdgm.engines.gaussian.cuda_plan import packed as packed_gaussians
from fastdgm.engines.gaussian.loops_cuda import LOOPS as GAUSSIAN
from fastdgm.engines.roots.cuda_plan import packed as packed_roots
from fastdgm.engines.roots.loops_cuda import LOOPS as ROOTS

SEED = 2**63 + 1


GAUSSIAN_NAMES = ("gaussian sample", "gaussian log_prob", "gaussian log_prob per variable")
ROOT_NAMES = ("root sample", "root log_prob", "root log_prob per variable")


def gaussian_cases(n: int, n_vars: int) -> Iterator[Case]:
    """Sampling and scoring of n rows of a network of linear Gaussians."""
    first = {"x0": fd.Normal(0, 1), "x1": fd.LinearGaussian(["x0"], 1, [0.5], 1)}
    others = {f"x{v}": fd.LinearGaussian([f"x{v - 1}", f"x{v - 2}"], 0.1, [0.5, -0.3], 1) for v in range(2, n_vars)}
    net = fd.BayesNet({**first, **others})
    values = net._program.sample(n, SEED, 0)
    yield from _cases(GAUSSIAN_NAMES, (GAUSSIAN, packed_gaussians), net, values.reals, tuple(values))


def root_cases(n: int) -> Iterator[Case]:
    """The same of uniform, exponential and Laplace variables."""
    net = fd.BayesNet({"u": fd.Uniform(-1, 2), "e": fd.Exponential(3), "l": fd.Laplace(1, 0.3)})
    reals = net._program.sample(n, SEED, 0).reals
    yield from _cases(ROOT_NAMES, (ROOTS, packed_roots), net, reals, (reals,))


def _cases(
    names: Sequence[str], family: tuple, net: fd.BayesNet, reals: np.ndarray, data: tuple[np.ndarray, ...]
) -> Iterator[Case]:
    (loops, packed), n, cells = family, reals.shape[1], reals.size
    (engine,) = net._program.scoring
    plan, x = packed(engine.make_plan(reals.dtype)), net.sample(n, seed=SEED)
    key, start = np.uint64(SEED), np.uint64(0)
    yield Case(
        names[0], loops["sample", "cuda"], (key, start, plan, *data[:-1]), (np.zeros_like(reals),), (reals,), 1e-3,
        n, cells, reals.nbytes, lambda: net.sample(n, seed=SEED), cells,
    )  # fmt: skip
    total, terms = net.log_prob(x), net.log_prob(x, per_variable=True).T.copy()
    yield Case(
        names[1], loops["log_prob", "cuda"], (plan, *data), (np.zeros(n),), (total,), 1e-5, n, cells,
        reals.nbytes + total.nbytes, lambda: net.log_prob(x),
    )  # fmt: skip
    yield Case(
        names[2], loops["log_prob per variable", "cuda"], (plan, engine.numbers, *data), (np.zeros_like(terms),),
        (terms,), 1e-5, n, cells, reals.nbytes + terms.nbytes, lambda: net.log_prob(x, per_variable=True),
    )  # fmt: skip
