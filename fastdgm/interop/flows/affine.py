"""Masked affine autoregressive layers: what a library's own is to us, and its maps in torch.

y = x slope(scale) + shift        shift and scale of each variable by a network of earlier variables and a context
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...engines.masked.flow import SOFT_CAP, SOFTPLUS

Array = npt.NDArray[Any]


class AffineLayer(NamedTuple):
    """A masked affine layer of any library."""

    network: Any  # module that gives shift and scale of all variables
    n_vars: int
    n_context: int
    link: str  # SOFT_CAP or SOFTPLUS: how a scale becomes a slope
    shift_first: bool  # the network's outputs are shift, scale of each variable in turn; else scale, shift
    joined: bool  # the network takes (variables, context) as one argument; else as two

    @property
    def outputs(self) -> Array:
        """(n_vars, 2): where the network's outputs have the shift and the scale of each variable."""
        pairs = np.arange(2 * self.n_vars).reshape(self.n_vars, 2)
        return pairs if self.shift_first else pairs[:, ::-1]

    def arguments(self, x: Any, c: Any) -> tuple[Any, ...]:
        """What the network takes for rows x (n, n_vars) and c (n, n_context)."""
        import torch

        if self.n_context == 0:
            return (x,)
        return (torch.cat((x, c), dim=-1),) if self.joined else (x, c)


def shift_and_slope(layer: AffineLayer, outputs: Any) -> tuple[Any, Any]:
    """(n, n_vars) each, of the network's outputs."""
    pairs = outputs.unflatten(-1, (layer.n_vars, 2))
    shift, scale = pairs.unbind(-1) if layer.shift_first else reversed(pairs.unbind(-1))
    return shift, slope_of(layer.link, scale)


def slope_of(link: str, scale: Any) -> Any:
    """exp(scale / (1 + |scale| / log 1000)) in zuko, softplus(scale) + 0.001 in nflows."""
    import torch

    if link == SOFT_CAP:
        return (scale / (1 + abs(scale) / math.log(1000.0))).exp()
    assert link == SOFTPLUS
    return torch.nn.functional.softplus(scale) + 1e-3
