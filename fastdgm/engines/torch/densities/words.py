"""The random numbers of one variable of a network: Philox words by row, never torch's generator."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from ....data.cuda_arrays import queue_of
from ....runtime.cuda_launch import launch_on
from ....runtime.cuda_queue import CudaQueue
from ....runtime.pieces import cell_ranges, run_ranges
from ..card import numba_view
from ..noise import LOOPS

CELLS_PER_PIECE = 1 << 18


class Words(NamedTuple):
    """The random words of one variable: rows ``start`` to ``start + n`` of a key's stream, from ``first`` on."""

    key: int
    start: int
    n: int
    first: int

    def uniforms(self, count: int, like: torch.Tensor) -> torch.Tensor:
        """(n, count) float64 in (0, 1), on the device of ``like``."""
        return self._filled("uniforms", count, torch.float64, like.device)

    def normals(self, count: int, like: torch.Tensor) -> torch.Tensor:
        """(n, count) standard normal numbers of the type and device of ``like``; those that ``sample`` draws by."""
        kind = torch.float64 if like.dtype == torch.float64 else torch.float32
        return self._filled("normals", count, kind, like.device).to(like)

    def _filled(self, verb: str, count: int, kind: torch.dtype, device: torch.device) -> torch.Tensor:
        """By the twin where the device is a GPU, by the loop and a copy where it is another."""
        if device.type == "cuda":
            out = torch.empty((count, self.n), dtype=kind, device=device)
            self.fill_on_card(verb, out, queue_of(out))
        else:
            out = torch.empty((count, self.n), dtype=kind)
            self._fill(verb, out)
        return out.T.contiguous().to(device)

    def _fill(self, verb: str, out: torch.Tensor) -> None:
        numbers, words = out.numpy(), self._scalars()

        def work(begin: int, end: int) -> None:
            LOOPS[verb, "cpu"](begin, end, *words, numbers)

        run_ranges(work, cell_ranges(self.n, len(out), CELLS_PER_PIECE))

    def fill_on_card(self, verb: str, out: torch.Tensor, queue: CudaQueue) -> None:
        """Fill (count, n), which is on the queue's card; nothing is waited for."""
        from ..noise_cuda import LOOPS as TWINS  # imports numba.cuda

        launch_on(queue, TWINS[verb, "cuda"], self.n, *self._scalars(), numba_view(out))

    def _scalars(self) -> tuple[np.uint64, ...]:
        return tuple(np.uint64(word % 2**64) for word in (self.key, self.start, self.first))
