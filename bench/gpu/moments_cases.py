"""The twins of moments: four real variables under discrete parents of their own, weighted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case import Case

from fastdgm.engines.moments.cuda_plan import laid_out
from fastdgm.engines.moments.loops import LOOPS as CPU_LOOPS
from fastdgm.engines.moments.loops_cuda import LOOPS
from fastdgm.engines.moments.plan import Family, Strata
from fastdgm.kernels.moments_cuda import NONE

FAMILIES = (
    Family((), (), (3,)),
    Family((0,), (2,), (3, 0)),
    Family((1,), (3,), (0, 1)),
    Family((0, 2), (2, 2), (0, 1, 2)),
)


def moments_cases(n: int) -> Iterator[Case]:
    """A conditional linear Gaussian net of three discrete and four real variables."""
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, k, n) for k in (2, 3, 2)]).astype(np.uint8)
    reals, weights = rng.normal(size=(4, n)), rng.uniform(0.5, 1.5, n)
    strata = Strata(FAMILIES)
    expected = strata.new_records()

    def moments() -> None:
        expected[:] = strata.new_records()
        CPU_LOOPS["moments", "cpu"](0, n, strata.plan, codes, reals, weights, expected)

    moments()
    rows = laid_out(strata).shift_rows
    begun = np.zeros(strata.n_sums)
    begun[rows != NONE] = expected[rows != NONE]  # the shifts, which the loop over blocks finds there
    layout, no_value = laid_out(strata), np.where(rows == NONE, 0.0, np.nan)
    blocks = layout.blocks_for(n)
    partial = np.zeros((blocks, strata.n_sums))
    twin = LOOPS["block moments", "cuda"]._replace(shared_bytes=layout.shared_bytes)
    n_bytes = codes.nbytes + reals.nbytes + weights.nbytes
    inputs = layout.plan, codes, reals, weights, begun
    yield Case("moments by block", twin, inputs, (partial,), (None,), 1e-9, n, 7 * n, n_bytes, moments)
    values = np.where(rows == NONE, 0.0, reals[np.minimum(rows, 3), 0])
    yield Case(
        "moments first values", LOOPS["first values", "cuda"], (rows, reals), (no_value,), (values,), 0, len(rows),
        len(rows), 8 * len(rows), values.copy,
    )  # fmt: skip
    parts = np.random.default_rng(1).normal(size=partial.shape)
    yield Case(
        "moments fold", LOOPS["fold", "cuda"], (parts,), (np.zeros(strata.n_sums),), (parts.sum(axis=0),), 1e-9,
        strata.n_sums, parts.size, parts.nbytes, lambda: parts.sum(axis=0),
    )  # fmt: skip
    bad = np.array([n], np.int64)
    yield Case(
        "moments first bad weight", LOOPS["first bad weight", "cuda"], (weights,), (bad,), (bad.copy(),), 0, n, n,
        weights.nbytes, lambda: (weights >= 0.0).all(),
    )  # fmt: skip
