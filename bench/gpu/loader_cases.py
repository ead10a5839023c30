"""The loader of arrays that are on the card: rows and columns of an example's codes, and what is wrong in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from case import Case

import fastdgm as fd
from fastdgm.data.boundary import as_network_block
from fastdgm.data.cuda_loading import LOOPS
from fastdgm.kernels.tiles_cuda import NOTHING_FOUND, CellPlan

SEED = 5


def loader_cases(name: str, n: int) -> Iterator[Case]:
    """Rows of uint8, and of int64, as columns; columns that stay; labels in another order; a block of one value."""
    net = fd.example(name)
    columns = net.sample(n, seed=SEED).block
    k = len(columns)
    n_states = np.array([len(own) for own in net.states.values()], np.int32)
    plan = CellPlan(0, k, np.arange(k, dtype=np.int32), n_states, np.zeros(k, np.uint8))
    nothing = np.full(2, NOTHING_FOUND)

    def case(verb: str, of: str, inputs: tuple[Any, ...], outputs: tuple[Any, ...], expected: tuple[Any, ...]) -> Case:
        n_bytes = sum(own.nbytes for own in (*inputs, *outputs) if isinstance(own, np.ndarray) and own.ndim == 2)
        return Case(
            f"{of} {verb}", LOOPS[verb], inputs, outputs, expected, 0.0, n, n * k, n_bytes, lambda: read(rows, net)
        )

    rows, absent = np.ascontiguousarray(columns.T), np.uint8(255)
    for dtype in ("uint8", "int64"):
        own, marker = rows.astype(dtype), np.dtype(dtype).type(255 if dtype == "uint8" else -1)
        outputs = np.zeros_like(columns), nothing.copy()
        yield case("load rows", f"{name} {dtype}", (plan, marker, absent, own), outputs, (columns, nothing))
    wide = np.asfortranarray(rows.astype(np.int64))
    outputs = np.zeros_like(columns), nothing.copy()
    yield case("load columns", name, (plan, np.int64(-1), absent, wide), outputs, (columns, nothing))
    yield case("check columns", name, (plan, absent, np.asfortranarray(rows)), (nothing.copy(),), (nothing,))
    swapped = np.where(columns < 2, 1 - columns, columns)
    order = np.array([1, 0, *range(2, n_states.max())], np.int32)
    yield case("relabel", name, (plan, order), (columns.copy(), nothing.copy()), (swapped, nothing))
    yield case("fill", name, (absent,), (np.zeros_like(columns),), (np.full_like(columns, absent),))
    yield case("reset flags", name, (), (np.zeros(2, np.int64),), (nothing,))


def read(rows: np.ndarray, net: fd.BayesNet) -> Any:
    """The CPU's way from rows to columns."""
    return as_network_block(rows, net._program.schema).read(0, len(rows))
