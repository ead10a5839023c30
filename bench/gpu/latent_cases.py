"""The twins of the sums over hidden variables: a tree of them, and the posterior of every configuration."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case import Case

from fastdgm.engines.elimination.loops import LOOPS as CPU_LOOPS
from fastdgm.engines.elimination.loops_cuda import LOOPS
from fastdgm.engines.elimination.plan import elimination


def elimination_cases(n: int) -> Iterator[Case]:
    """A hidden variable above four others of eight states each, all of them with something observed below."""
    names = ["top", "a", "b", "c", "d"]
    scopes = [("top",), *(("top", name) for name in names[1:]), *((name,) for name in names[1:])]
    made = elimination(scopes, dict.fromkeys(names, 8))
    terms = np.full((made.n_terms, n), np.nan)
    n_inputs = sum(own.rows.size for own in made.inputs)
    terms[:n_inputs] = np.random.default_rng(0).normal(0.0, 3.0, (n_inputs, n))
    sums, shares = terms.copy(), np.empty_like(terms)

    def log_sums() -> None:
        CPU_LOOPS["log sums", "cpu"](0, n, made.plan, sums)

    def posterior() -> None:
        CPU_LOOPS["posterior", "cpu"](0, n, made.plan, sums, shares)

    log_sums()
    posterior()
    n_bytes = 8 * (n_inputs + 1) * n
    for verb, inputs, out, expected, cpu in (
        ("log sums", (made.plan,), terms, sums, log_sums),
        ("posterior", (made.plan, sums), np.empty_like(terms), shares, posterior),
    ):
        twin = LOOPS[verb, "cuda"]
        yield Case(f"hidden {verb}", twin, inputs, (out,), (expected,), 1e-12, n, terms.size, n_bytes, cpu)
