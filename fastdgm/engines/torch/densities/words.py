"""The random numbers of one variable of a network: Philox words by row, never torch's generator."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from ....runtime.pieces import cell_ranges, run_ranges
from ..noise import LOOPS

CELLS_PER_PIECE = 1 << 18


class Words(NamedTuple):
    """The random words of one variable: rows ``start`` to ``start + n`` of a key's stream, from ``first`` on."""

    key: int
    start: int
    n: int
    first: int

    def uniforms(self, count: int) -> torch.Tensor:
        """(n, count) float64 in (0, 1)."""
        return self._filled("uniforms", count, torch.float64)

    def normals(self, count: int, like: torch.Tensor) -> torch.Tensor:
        """(n, count) standard normal numbers of the type and device of ``like``; those that ``sample`` draws by."""
        kind = torch.float64 if like.dtype == torch.float64 else torch.float32
        return self._filled("normals", count, kind).to(like)

    def _filled(self, verb: str, count: int, kind: torch.dtype) -> torch.Tensor:
        out = torch.empty((count, self.n), dtype=kind)
        numbers = out.numpy()

        def work(begin: int, end: int) -> None:
            key, start, first = (np.uint64(word % 2**64) for word in (self.key, self.start, self.first))
            LOOPS[verb, "cpu"](begin, end, key, start, first, numbers)

        run_ranges(work, cell_ranges(self.n, count, CELLS_PER_PIECE))
        return out.T.contiguous()
