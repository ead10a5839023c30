"""Rows through the twins of a masked network on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels import heads
from ...kernels import made_sampling as sampling
from ...kernels.made import MaskedNet
from ...kernels.made_sampling import Given, Request
from ...kernels.made_tiles_cuda import TILE
from ...kernels.outputs import Draws, Scores
from ...runtime.arrays import code_type
from ...runtime.cuda_launch import launch_on
from ...runtime.cuda_queue import CudaQueue
from ..cuda_rows import CudaDrawn, CudaRows, Empty
from ..draw import Draw
from .cuda_panels import PANELS_FROM, ROWS_AT_ONCE, loaded_torch, sample_by_panels
from .loops_cuda import LOOPS
from .plan import count_states
from .run import work_per_row

MOST_TILES = 264  # two for each multiprocessor of an H100, which has most
STATE_BYTES = 1 << 30  # of all tiles


class CudaMaskedRows(CudaRows):
    """A masked network on one card: uploaded at first use.

    Rows go through kernels that have a tile of them for each block of threads, and depend on neither their number nor
    their place. Where a row takes ``PANELS_FROM`` multiply-adds or more and torch is there with a GPU, the panels of
    sampling are products of torch instead, always over as many rows at a time, so that rows do not depend on their
    number then either.
    """

    def __init__(self, net: MaskedNet, there: MaskedNet | None = None) -> None:
        """``there`` is the same network on the card, where it is there already."""
        self._net, self._there = net, there

    def log_prob(self, queue: CudaQueue, x: Any, context: Any, per_variable: bool, empty: Empty) -> Any:
        """By one pass through the network."""
        n, n_vars = x.shape
        tiles = self._tiles(n)
        terms = empty((n if per_variable else 0, n_vars), np.float64)
        scores = Scores(empty((n,), np.float64), terms, self._state(tiles * TILE, empty))
        self._launch(queue, "log_prob", tiles, self._uploaded(queue), x, context, scores)
        return scores.terms if per_variable else scores.log_prob

    def sample(self, queue: CudaQueue, draw: Draw, empty: Empty) -> CudaDrawn:
        """Block by block of variables, at the cost of one pass."""
        net, given, torch = self._uploaded(queue), self._given(draw, empty), loaded_torch()
        request = request_of(self._net, draw)
        if torch is not None and work_per_row(self._net) >= PANELS_FROM:
            draws = self._draws(draw, 0, empty)
            sample_by_panels(torch, queue, self._net, net, request, given, draws, empty, ROWS_AT_ONCE)
        else:
            tiles = self._tiles(draw.n)
            draws = self._draws(draw, tiles * TILE, empty)
            self._launch(queue, "sample", tiles, net, request, given, draws)
        log_prob = draws.log_prob if draw.return_log_prob else None
        tempered = draws.sampling_log_prob if draw.return_log_prob and draw.truncated else None
        return CudaDrawn(draws.values, log_prob, tempered, draws.undefined)

    def _uploaded(self, queue: CudaQueue) -> MaskedNet:
        if self._there is None:
            self._there = queue.plan_to_device(self._net)
        return self._there

    def _launch(self, queue: CudaQueue, verb: str, tiles: int, *arguments: Any) -> None:
        """A block of threads for each tile that has room in the state."""
        twin = LOOPS[verb, "cuda"]
        launch_on(queue, twin, tiles * twin.threads_per_block, *arguments)

    def _tiles(self, n: int) -> int:
        """How many tiles of n rows are worked on at a time."""
        room = STATE_BYTES // (state_rows(self._net) * TILE * self._net.weights.itemsize)
        return min(-(-n // TILE), MOST_TILES, max(1, room))

    def _state(self, columns: int, empty: Empty) -> Any:
        return empty((state_rows(self._net), columns), self._net.weights.dtype)

    def _draws(self, draw: Draw, columns: int, empty: Empty) -> Draws:
        n_states, scored = count_states(self._net), draw.n if draw.return_log_prob else 0
        value_type = self._net.weights.dtype if n_states is None else code_type(n_states)
        return Draws(
            empty((draw.n, len(self._net.order)), value_type),
            empty((scored,), np.float64),
            empty((scored if draw.truncated else 0,), np.float64),
            empty((draw.n,), np.bool_),
            self._state(columns, empty),
        )

    def _given(self, draw: Draw, empty: Empty) -> Given:
        n_states, dtype = count_states(self._net), self._net.weights.dtype
        value_type = dtype if n_states is None else code_type(n_states)
        return Given(
            empty((1, 0), value_type) if draw.prefix is None else draw.prefix,
            empty((0, 0), np.float64) if draw.uniforms is None else draw.uniforms,
            empty((draw.n, 0), dtype) if draw.context is None else draw.context,
        )


def state_rows(net: MaskedNet) -> int:
    """Rows of the state of a twin: of the network, of tempered parameters, and scratch of those."""
    return int(net.biases.size + 2 * net.head_size)


def request_of(net: MaskedNet, draw: Draw) -> Request:
    """What the loops are told of a draw."""
    return Request(
        np.uint64(draw.key),
        np.uint64(draw.start if draw.n else 0),  # no rows may start at 2**64
        draw.first_word,
        draw.prefix_length,
        draw.n_per_row,
        draw.temperature if net.head == heads.NORMAL else draw.temperature_in(net.weights.dtype),
        min(draw.top_k or 0, net.head_size + 1),
        1.0 if draw.top_p is None else draw.top_p,
        draw.truncated,
        draw.return_log_prob,
        sampling.PHILOX if draw.uniforms is None else sampling.UNIFORMS,
    )
