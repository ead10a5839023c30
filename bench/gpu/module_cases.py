"""The twins of the loops over parameters that torch modules gave, on images of n rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from case import Case

from fastdgm.engines.torch.neural_loops import LOOPS as CPU_LOOPS
from fastdgm.engines.torch.neural_loops_cuda import LOOPS
from fastdgm.kernels.module_features import Features
from fastdgm.kernels.module_reals import MixtureParts, NormalParts
from fastdgm.kernels.module_tiles import Cells

KEY, START, N_STATES = np.uint64(2**63 + 1), np.uint64(0), 4
CELLS = Cells(0, 0, np.uint64(0))
VERBS = {
    "bernoulli": ("sample bernoulli", "log_prob bernoulli"),
    "categorical": ("sample categorical", "log_prob categorical"),
    "normal": ("sample normal", "log_prob normal"),
    "mixture": ("sample mixture", "log_prob mixture"),
}


def module_cases(n: int, n_cells: int) -> Iterator[Case]:
    """Sampling and scoring of every family."""
    rng = np.random.default_rng(0)
    flat, deep = (
        [rng.normal(size=shape).astype(np.float32) for _ in range(3)]
        for shape in ((n, n_cells), (n, n_cells, N_STATES))
    )
    yield _features(n, n_cells)
    parameters: dict[str, Any] = {
        "bernoulli": flat[0],
        "categorical": deep[0],
        "normal": NormalParts(*flat[:2]),
        "mixture": MixtureParts(*deep),
    }
    for family, own in parameters.items():
        block = np.zeros((n_cells, n), np.float32 if family in ("normal", "mixture") else np.uint8)
        n_bytes = sum(part.nbytes for part in own) if isinstance(own, tuple) else own.nbytes
        sample, score = VERBS[family]
        draw = partial(CPU_LOOPS[sample, "cpu"], 0, n, KEY, START, CELLS, own, drawn := block.copy())
        draw()
        yield Case(
            sample, LOOPS[sample, "cuda"], (KEY, START, CELLS, own), (block,), (drawn,), 1e-4, n, n * n_cells,
            n_bytes + block.nbytes, draw, n * n_cells,
        )  # fmt: skip
        terms = np.zeros(n)
        CPU_LOOPS[score, "cpu"](0, n, CELLS, own, drawn, terms)
        yield Case(
            score, LOOPS[score, "cuda"], (CELLS, own, drawn), (np.zeros(n),), (terms,), 1e-4, n, n * n_cells,
            n_bytes + block.nbytes, partial(CPU_LOOPS[score, "cpu"], 0, n, CELLS, own, drawn, np.zeros(n)),
        )  # fmt: skip


def _features(n: int, n_cells: int) -> Case:
    """Of as many bits as an image has."""
    rows, none = np.arange(n_cells, dtype=np.uint32), np.zeros(0, np.uint32)
    plan = Features(rows, rows, np.zeros_like(rows), none, none)
    codes, reals = np.random.default_rng(0).integers(0, 2, (n_cells, n)).astype(np.uint8), np.zeros((0, n), np.float32)
    expected = np.zeros((n, n_cells), np.float32)
    assemble = partial(CPU_LOOPS["features", "cpu"], 0, n, plan, 0, codes, reals, expected)
    assemble()
    return Case(
        "features", LOOPS["features", "cuda"], (plan, 0, codes, reals), (np.zeros_like(expected),), (expected,), 0, n,
        n * n_cells, codes.nbytes + expected.nbytes, assemble,
    )  # fmt: skip
