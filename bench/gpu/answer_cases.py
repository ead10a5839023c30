"""What verbs make of exact answers on a GPU."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case import Case

from fastdgm.engines.junction.loops_cuda import LOOPS

N_STATES = 3


def answer_cases(n: int) -> Iterator[Case]:
    """Of n rows: differences of logarithms, and most probable states of 10 variables."""
    rng = np.random.default_rng(0)
    total, given, shares = rng.normal(size=n), rng.normal(size=n), rng.random((10, n, N_STATES))
    first_cell, codes = N_STATES * np.arange(11), rng.integers(0, N_STATES, (10, n)).astype(np.uint8)
    states = shares.argmax(axis=2).astype(np.uint8)
    for verb, inputs, out, expected in (
        ("subtract", (given,), total.copy(), total - given),
        ("largest share", (shares[0].ravel(), 255), np.zeros(n, np.uint8), states[0]),
        ("modes", (first_cell, codes, shares.ravel()), np.zeros_like(codes), states),
        ("copy row", (codes, n - 1), np.zeros((10, 1), np.uint8), codes[:, -1:]),
        ("widen", (codes,), np.zeros(codes.shape, np.uint16), codes.astype(np.uint16)),
    ):
        n_bytes = expected.nbytes + sum(own.nbytes for own in inputs if isinstance(own, np.ndarray) and own.size > 99)
        tolerance = 1e-12 if verb == "subtract" else 0

        def run(verb: str = verb) -> None:
            np.subtract(total, given) if verb == "subtract" else shares.argmax(axis=2)

        yield Case(verb, LOOPS[verb, "cuda"], inputs, (out,), (expected,), tolerance, n, expected.size, n_bytes, run)
