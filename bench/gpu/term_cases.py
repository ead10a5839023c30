"""The twins that add up the terms of several engines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case import Case

from fastdgm.engines.program_loops_cuda import LOOPS


def term_cases(n: int) -> Iterator[Case]:
    """Numbers of n rows added to others, and set to 0."""
    term, out = np.random.default_rng(0).normal(size=(2, n))
    added, begun = out + term, out.copy()
    yield Case("terms add", LOOPS["add", "cuda"], (term,), (begun,), (added,), 1e-15, n, n, 24 * n, lambda: out + term)
    zeros = np.zeros(n)
    yield Case("terms clear", LOOPS["clear", "cuda"], (), (out.copy(),), (zeros,), 0, n, n, 8 * n, zeros.copy)
