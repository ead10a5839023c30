"""The twin of moments: four real variables under discrete parents of their own, weighted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case import Case

from fastdgm.engines.moments.loops import LOOPS as CPU_LOOPS
from fastdgm.engines.moments.loops_cuda import LOOPS
from fastdgm.engines.moments.plan import Family, Strata

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
    begun = np.zeros(strata.n_sums)  # the twin takes the shifts that it finds
    for s, own in enumerate(strata.strata):
        records = slice(*(int(i) for i in strata.plan.record_start[s : s + 2]))
        shape, shifts = (own.n_configurations, own.record), slice(2, 2 + len(own.columns))
        begun[records].reshape(shape)[:, shifts] = expected[records].reshape(shape)[:, shifts]
    inputs, n_bytes = (strata.plan, codes, reals, weights), codes.nbytes + reals.nbytes + weights.nbytes
    twin = LOOPS["moments", "cuda"]
    yield Case("moments", twin, inputs, (begun,), (expected,), 1e-9, n, 7 * n, n_bytes, moments)
