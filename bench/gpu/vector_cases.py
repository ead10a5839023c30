"""The twins of the loops over normal vectors, on a mixture of eight."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case import Case

from fastdgm.engines.multivariate.loops import LOOPS as CPU
from fastdgm.engines.multivariate.loops_cuda import LOOPS
from fastdgm.engines.multivariate.plan import drawing_components, scoring_components
from fastdgm.kernels.multivariate import Vector

SEED = np.uint64(2**63 + 1)
K = 8


def vector_cases(n: int, d: int) -> Iterator[Case]:
    """Drawing, scoring and adding up n rows of d numbers."""
    rng, single = np.random.default_rng(0), np.dtype(np.float32)
    root = rng.normal(size=(K, d, 2 * d))
    mean, covariance = rng.normal(size=(K, d)), root @ root.swapaxes(1, 2) / d
    codes = rng.integers(0, K, (1, n)).astype(np.uint8)
    parents, strides = np.zeros(1, np.int64), np.ones(1, np.int64)
    drawn = Vector(drawing_components(mean, covariance, single), parents, strides, 0, 0)
    scored = Vector(scoring_components(mean, covariance, single), parents, strides, 0, 0)
    empty, reals = np.zeros((d, n), single), np.zeros((d, n), single)
    draw = (SEED, np.uint64(0), drawn, codes)
    CPU["sample", "cpu"](0, n, *draw, reals)
    yield Case(
        "vector sample", LOOPS["sample", "cuda"], draw, (empty,), (reals,), 1e-3, n, n * d, reals.nbytes,
        lambda: CPU["sample", "cpu"](0, n, *draw, empty.copy()), n * d,
    )  # fmt: skip
    out = np.zeros(n)
    CPU["log_prob", "cpu"](0, n, scored, codes, reals, out)
    yield Case(
        "vector log_prob", LOOPS["log_prob", "cuda"], (scored, codes, reals), (np.zeros(n),), (out,), 1e-5, n, n * d,
        reals.nbytes, lambda: CPU["log_prob", "cpu"](0, n, scored, codes, reals, np.zeros(n)),
    )  # fmt: skip
    verb, components, terms = "log_prob of components", scored.components, np.zeros((K, n))
    CPU[verb, "cpu"](0, n, components, 0, reals, terms)
    yield Case(
        "vector log_prob of components", LOOPS[verb, "cuda"], (components, 0, reals), (np.zeros((K, n)),), (terms,),
        1e-5, n, n * d, reals.nbytes + terms.nbytes,
        lambda: CPU[verb, "cpu"](0, n, components, 0, reals, np.zeros((K, n))),
    )  # fmt: skip
