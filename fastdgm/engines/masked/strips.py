"""The weights of a masked network once more, as the loops for few rows read them (``kernels/made_rows.py``)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.made import SOURCE, STRIDE, UNITS, WEIGHTS, MaskedNet
from ...kernels.made_rows import WIDTH
from ...kernels.made_rows import Strips as Strips
from ...runtime.memory import check_memory

FEW_SCORED, FEW_SAMPLED = 8, 4  # rows, with strips at most; more make better use of the lanes of a tile


def new_strips(net: MaskedNet) -> Strips:
    """The same weights for ``log_prob_few_rows_cpu`` and ``sample_few_rows_cpu``."""
    size, n_layers = int(net.head_size), len(net.layers)
    block = max(16, WIDTH // size // 4 * 4)
    begins = np.append(np.arange(0, net.order.size, block), net.order.size)
    units = net.known[:, begins].T.copy()
    units[0] = 0  # what depends on no variable belongs to the first block
    units[:, -1] = begins * size
    n_strips = -(-np.diff(units, axis=0) // WIDTH)
    depth = net.known[net.layers[:, SOURCE]][:, begins[1:]].T * (net.layers[:, STRIDE] > 0)
    rows = np.cumsum(n_strips * depth).reshape(depth.shape)
    sums = np.broadcast_to(np.arange(n_layers) * n_strips.max(), depth.shape)
    parts = np.stack([rows - n_strips * depth, depth, units[:-1], units[1:], sums], axis=2)
    check_memory(int(rows[-1, -1]) * WIDTH * net.weights.itemsize, "the weights for few rows")
    weights = np.zeros((int(rows[-1, -1]), WIDTH), net.weights.dtype)
    for part in parts:
        for layer in range(1, n_layers):
            _fill_strips(net, layer, part[layer], weights)
    return Strips(weights, parts, block, int(n_strips.max()))


def strips_of(net: MaskedNet) -> Strips | None:
    """The strips; None where memory does not hold the weights twice."""
    try:
        return new_strips(net)
    except ValueError:
        return None


def _fill_strips(net: MaskedNet, layer: int, part: npt.NDArray[np.int64], weights: npt.NDArray[Any]) -> None:
    at, stride, units = (int(net.layers[layer, field]) for field in (WEIGHTS, STRIDE, UNITS))
    matrix = net.weights[at : at + units * stride].reshape(units, stride)
    row, depth, begin, end, _ = part.tolist()
    for unit in range(begin, end if depth else begin, WIDTH):
        last = min(unit + WIDTH, end)
        weights[row : row + depth, : last - unit] = matrix[unit:last, :depth].T
        row += depth
