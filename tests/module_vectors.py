"""Parameters in rows as modules give them, for the loops of the families and their CUDA twins."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import reference_neural as oracle

from fastdgm.kernels.module_features import Features
from fastdgm.kernels.module_reals import MixtureParts, NormalParts
from fastdgm.kernels.module_tiles import Cells

KEY, FIRST, ROW, WORD = 2**63 + 5, 7, 2, 6
START = 2**32 - 20  # the low half of the row number wraps


def features_case(n: int) -> tuple[Features, np.ndarray, np.ndarray, np.ndarray]:
    """A plan, blocks, and the oracle's features of their columns from FIRST on."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, (4, FIRST + n)).astype(np.uint8)
    reals = rng.normal(size=(2, FIRST + n)).astype(np.float32)
    short = [np.array(own, np.uint32) for own in ([2, 0], [0, 4], [3, 0], [1], [3])]
    codes[0] %= 2
    parents = [(codes[2], 3), (reals[1], 0), (codes[0], 0)]
    return Features(*short), codes, reals, oracle.features(parents)[FIRST:]


class Vector(NamedTuple):
    """A vector of one family beside other variables, FIRST rows of whose block come before its parameters'."""

    parts: tuple[np.ndarray, ...]  # (n, cells), (n, cells, k)
    parameters: Any  # as the loops take them
    block: np.ndarray  # nothing drawn yet
    draw: Any
    terms: Any

    @property
    def n(self) -> int:
        return len(self.parts[0])

    @property
    def n_cells(self) -> int:
        return self.parts[0].shape[1]

    @property
    def cells(self) -> Cells:
        return Cells(ROW, FIRST, np.uint64(WORD))

    @property
    def own(self) -> tuple[slice, slice]:
        return slice(ROW, ROW + self.n_cells), slice(FIRST, FIRST + self.n)

    def drawn(self) -> np.ndarray:
        """By the oracle, (n, cells)."""
        rows = np.uint64(START) + np.uint64(FIRST) + np.arange(self.n, dtype=np.uint64)
        return self.draw(*self.parts, KEY, rows, WORD)


def vector(family: str, dtype: type, n: int, n_cells: int, k: int = 3, block_type: type | None = None) -> Vector:
    rng = np.random.default_rng(0)

    def numbers(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(dtype) * dtype(1.5)

    kind = block_type or {"bernoulli": np.uint8, "categorical": np.uint16}.get(family, dtype)
    block = np.zeros((ROW + n_cells + 1, FIRST + n + 2), kind)
    if family == "bernoulli":
        logits = numbers(n, n_cells)
        return Vector((logits,), logits, block, oracle.draw_bits, oracle.bits_terms)
    if family == "categorical":
        logits = numbers(n, n_cells, k)
        return Vector((logits,), logits, block, oracle.draw_states, oracle.states_terms)
    if family == "normal":
        parts = numbers(n, n_cells), numbers(n, n_cells)
        return Vector(parts, NormalParts(*parts), block, oracle.draw_normals, oracle.normal_terms)
    parts = numbers(n, n_cells, k), numbers(n, n_cells, k), numbers(n, n_cells, k)
    return Vector(parts, MixtureParts(*parts), block, oracle.draw_mixtures, oracle.mixture_terms)
