"""Sampling from wide masked networks on a GPU: panels by torch's products, the draws between them by a twin.

For a block of variables one product for each layer brings the units that become known inside of it, and its heads, up
to date with everything known before; ``draw_block_cuda`` does the rest. torch's products reach about three quarters of
an H100's peak, the panels of ``made_tiles_cuda`` half; but a block takes a launch for each layer and one for the draws,
about 50 us together: that is worth it from some millions of multiply-adds for each row on. All products are over as
many rows, whatever the number of rows drawn: torch adds up in an order that depends on the shapes.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ...kernels import made as kernels
from ...kernels.made import MaskedNet
from ...kernels.made_sampling import Given, Request
from ...kernels.made_tiles_cuda import GROUP
from ...kernels.outputs import Draws
from ...runtime.cuda_launch import launch_on
from ...runtime.cuda_queue import CudaQueue
from ...runtime.cuda_simulator import is_simulated
from ..cuda_rows import Empty
from ..torch.card import torch_on
from .loops_cuda import LOOPS

PANELS_FROM = 8e6  # multiply-adds of a row, from which on panels are torch's
ROWS_AT_ONCE = 16_384


def loaded_torch() -> Any | None:
    """torch where it is loaded, has a GPU and multiplies float32 numbers as they are; it is not imported for this."""
    torch = sys.modules.get("torch")
    if torch is None or is_simulated() or not torch.cuda.is_available() or torch.backends.cuda.matmul.allow_tf32:
        return None
    return torch


def sample_by_panels(
    torch: Any,
    queue: CudaQueue,
    net: MaskedNet,
    there: MaskedNet,
    request: Request,
    given: Given,
    draws: Draws,
    empty: Empty,
    rows_at_once: int,
) -> None:
    """Fill ``draws``, whose scratch is not used; ``net`` is the network here, ``there`` the same on the card."""
    state = empty((net.biases.size + 2 * net.head_size, rows_at_once), net.weights.dtype)
    own = draws._replace(scratch=state)
    tensors = Panels(torch, net, there, state)
    size, n_vars = max(4, GROUP // net.head_size), len(net.order)
    with torch_on(queue), torch.no_grad():
        tensors.clear()
        for first in range(0, draws.values.shape[0], rows_at_once):
            launch_on(queue, LOOPS["begin rows", "cuda"], rows_at_once, there, request, given, own, first)
            for begin in range(0, n_vars, size):
                end = min(begin + size, n_vars)
                tensors.begin_block(begin, end)
                arguments = there, request, given, own, begin, end, first
                launch_on(queue, LOOPS["draw block", "cuda"], rows_at_once, *arguments)


def tensor_of(torch: Any, array: Any) -> Any:
    """A device array of numba's as a tensor that shares its memory."""
    return torch.from_numpy(np.asarray(array.data)) if is_simulated() else torch.as_tensor(array)


class Panels:
    """Weights, biases and the state as tensors, cut into the panels of blocks of variables."""

    def __init__(self, torch: Any, net: MaskedNet, there: MaskedNet, state: Any) -> None:
        self._torch, self._net = torch, net
        self._weights, self._biases = tensor_of(torch, there.weights), tensor_of(torch, there.biases)
        self._state = tensor_of(torch, state)

    def clear(self) -> None:
        """Numbers everywhere: columns without a row are multiplied too."""
        self._state.zero_()

    def begin_block(self, begin: int, end: int) -> None:
        """Everything that variables before ``begin`` contribute to units and heads of a block."""
        net, output = self._net, len(self._net.layers) - 1
        for number in range(1, output + 1):
            first, last = (int(net.known[number, d]) for d in (begin, end))
            if number == output:
                first, last = begin * net.head_size, end * net.head_size
            self._panel(number, first, last, begin)

    def _panel(self, number: int, begin: int, end: int, n_known: int) -> None:
        """Units begin .. end of a layer = biases + weights . what the first variables make known."""
        net = self._net
        row, _, at, stride, source = (int(field) for field in net.layers[number, : kernels.RESIDUAL])
        known = int(net.known[source, n_known]) if stride else 0
        if end <= begin:
            return
        out, biases = self._state[row + begin : row + end], self._biases[row + begin : row + end, None]
        if not known:
            out.copy_(biases.expand_as(out))
            return
        weights = self._weights[at + begin * stride : at + end * stride].view(end - begin, stride)[:, :known]
        first = int(net.layers[source, kernels.FIRST])
        self._torch.addmm(biases, weights, self._state[first : first + known], out=out)
