"""Rows through the twins of a masked network on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels import heads
from ...kernels import made_sampling as sampling
from ...kernels.made import MaskedNet
from ...kernels.made_sampling import Given, Request
from ...kernels.outputs import Draws, Scores
from ...runtime.arrays import code_type
from ...runtime.cuda_queue import CudaQueue
from ..cuda_rows import CudaDrawn, CudaRows, Empty
from ..draw import Draw
from ..launch import launch_on
from .loops_cuda import LOOPS
from .plan import count_states


class CudaMaskedRows(CudaRows):
    """A masked network on one card."""

    def __init__(self, net: MaskedNet) -> None:
        self._net, self._there = net, None

    def _uploaded(self, queue: CudaQueue) -> MaskedNet:
        if self._there is None:
            self._there = queue.plan_to_device(self._net)
        return self._there

    def log_prob(self, queue: CudaQueue, x: Any, context: Any, per_variable: bool, empty: Empty) -> Any:
        """By one pass."""
        net, n = self._uploaded(queue), x.shape[0]
        state = empty((self._net.biases.size, n), self._net.weights.dtype)
        terms = empty((n if per_variable else 0, self._net.order.size), np.float64)
        scores = Scores(empty((n,), np.float64), terms, state)
        launch_on(queue, LOOPS["log_prob", "cuda"], n, net, x, context, scores)
        return scores.terms if per_variable else scores.log_prob

    def sample(self, queue: CudaQueue, draw: Draw, empty: Empty) -> CudaDrawn:
        """Variable by variable, at the cost of one pass."""
        if draw.truncated:
            raise TypeError("temperature, top_k and top_p have no twin yet: draw on the CPU, with device='cpu'")
        net, n, dtype = self._uploaded(queue), draw.n, self._net.weights.dtype
        n_states = count_states(self._net)
        scored = n if draw.return_log_prob else 0
        draws = Draws(
            empty((n, self._net.order.size), dtype if n_states is None else code_type(n_states)),
            empty((scored,), np.float64),
            empty((scored if draw.truncated else 0,), np.float64),
            empty((n,), np.bool_),
            empty((self._net.biases.size, n), dtype),
        )
        request = request_of(self._net, draw)
        given = Given(
            empty((1, 0), draws.values.dtype) if draw.prefix is None else draw.prefix,
            empty((0, 0), np.float64) if draw.uniforms is None else draw.uniforms,
            empty((n, 0), dtype) if draw.context is None else draw.context,
        )
        launch_on(queue, LOOPS["sample", "cuda"], n, net, request, given, draws)
        log_prob = draws.log_prob if draw.return_log_prob else None
        return CudaDrawn(draws.values, log_prob, draws.sampling_log_prob if draw.truncated else None, draws.undefined)


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
