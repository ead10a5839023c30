"""Affine autoregressive flows on the loops of masked networks: z = x slope(x before) + shift(x before)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels import heads
from ...kernels.outputs import Scores
from ...runtime.arrays import read_only
from ...runtime.memory import check_memory
from ...runtime.pieces import run_rows
from ..draw import Draw, Drawn
from .loops import LOOPS
from .plan import Layer, MaskedNet, Shape, build, derive_degrees
from .run import sample, work_per_row

Array = npt.NDArray[Any]
SOFT_CAP, SOFTPLUS = "soft cap", "softplus"  # how slopes are made: zuko's way, and nflows'
HEADS = {SOFT_CAP: heads.AFFINE, SOFTPLUS: heads.SOFTPLUS_AFFINE}


def affine_net(
    layers: Sequence[Layer], order: Array, n_context: int, dtype: npt.DTypeLike, link: str = SOFT_CAP
) -> MaskedNet:
    """The network that gives shift and scale of each variable in turn."""
    shape = Shape(order, 1, HEADS[link], 2, n_context)
    return build(layers, derive_degrees(layers, shape), shape, dtype)


def to_noise(net: MaskedNet, x: Array, context: Array) -> tuple[Array, Array]:
    """z (n, n_vars) in the net's dtype, and log |dz / dx| (n,)."""
    n, n_vars = x.shape
    check_memory(8 * n * n_vars, "the noise of the rows")
    scores = Scores(np.empty(n), np.empty((n, n_vars)), np.empty((0, 0), net.weights.dtype))
    x, context = (read_only(np.ascontiguousarray(array)) for array in (x, context))
    run_rows(lambda begin, end: LOOPS["log_prob", "cpu"](begin, end, net, x, context, scores), n, work_per_row(net))
    return scores.terms.astype(net.weights.dtype, copy=False), scores.log_prob


def from_noise(net: MaskedNet, z: Array, context: Array) -> Array:
    """x (n, n_vars) of z, variable by variable. ValueError where x leaves the range of the float type."""
    return _draw(net, z, context, False).values


def from_noise_with_log_det(net: MaskedNet, z: Array, context: Array) -> tuple[Array, Array]:
    """x (n, n_vars) of z, and log |dx / dz| (n,)."""
    drawn = _draw(net, z, context, True)
    assert drawn.log_prob is not None
    return drawn.values, -drawn.log_prob


def _draw(net: MaskedNet, z: Array, context: Array, scored: bool) -> Drawn:
    noise = z[:, net.order].astype(np.float64)  # by position
    return sample(net, Draw(len(z), 0, context=context, return_log_prob=scored), None, noise)
