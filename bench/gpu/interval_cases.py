"""The twin of the loop over intervals of the normal distribution."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case import Case

from fastdgm.engines.intervals.loops import LOOPS as CPU
from fastdgm.engines.intervals.loops_cuda import LOOPS


def interval_cases(n: int) -> Iterator[Case]:
    """Intervals of width 1 about n normal numbers."""
    middle, out, verb = np.random.default_rng(0).normal(size=n) * 3, np.empty(n), "log mean density"
    CPU[verb, "cpu"](0, n, middle, 1.0, out)
    yield Case(
        "log mean density", LOOPS[verb, "cuda"], (middle, 1.0), (np.zeros(n),), (out,), 1e-12, n, n, 16 * n,
        lambda: CPU[verb, "cpu"](0, n, middle, 1.0, np.empty(n)),
    )  # fmt: skip
