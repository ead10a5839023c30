"""The twins of the loops over weighted sums, on a layer of logistic and softmax variables above bits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case import Case

import fastdgm as fd
from fastdgm.engines.logistic.cuda_plan import packed
from fastdgm.engines.logistic.loops_cuda import LOOPS

SEED = 2**63 + 1
N_BITS, N_CHILDREN = 64, 16


def logistic_cases(n: int) -> Iterator[Case]:
    """Sampling and scoring of n rows of 16 variables with 64 parents each."""
    net = _layer()
    (engine,) = (engine for engine in net._program.scoring if type(engine).__name__ == "LogisticEngine")
    x = net.sample(n, seed=SEED)
    codes, reals, cells = x.block, np.empty((0, n), np.float32), n * N_CHILDREN * N_BITS
    (segment,) = (own for own in net._program.segments if own.members[0] >= N_BITS)
    (plan,) = segment.engine.plans("sample", reals.dtype)
    key, start = np.uint64(SEED), np.uint64(0)
    begun = codes.copy()
    begun[N_BITS:] = 0
    yield Case(
        "logistic sample", LOOPS["sample", "cuda"], (key, start, packed(plan)), (begun, reals), (codes, None), 1e-5, n,
        cells, codes.nbytes, lambda: net.sample(n, seed=SEED), n * N_CHILDREN,
    )  # fmt: skip
    (plan,) = engine.plans("score", reals.dtype)
    terms = net.log_prob(x, per_variable=True).T.copy()
    terms[:N_BITS] = 0.0
    for verb, expected in (("log_prob", terms.sum(axis=0)), ("log_prob per variable", terms)):
        yield Case(
            f"logistic {verb}", LOOPS[verb, "cuda"], (packed(plan), codes, reals), (np.zeros_like(expected),),
            (expected,), 1e-9, n, cells, codes.nbytes + expected.nbytes, lambda: net.log_prob(x),
        )  # fmt: skip


def _layer() -> fd.BayesNet:
    rng = np.random.default_rng(0)
    bits = [f"x{i}" for i in range(N_BITS)]
    weights = rng.normal(size=(N_CHILDREN, N_BITS)) / 4
    own = {f"y{i}": fd.Logistic(bits, weights[i], -0.5) for i in range(N_CHILDREN - 1)}
    own["z"] = fd.Softmax(bits, rng.normal(size=(4, N_BITS)) / 4, np.zeros(4))
    return fd.BayesNet({**{name: fd.Bernoulli(0.3) for name in bits}, **own})
