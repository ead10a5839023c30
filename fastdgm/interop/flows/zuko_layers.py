"""zuko's masked autoregressive transforms with our inverse."""

from __future__ import annotations

from typing import Any

import torch
import zuko
from zuko.flows import MaskedAutoregressiveTransform
from zuko.transforms import AutoregressiveTransform, MonotonicAffineTransform

from ...engines.masked.flow import SOFT_CAP
from .affine import AffineLayer
from .inverse import check_context, check_mode, fast_inverse

BASE = zuko.lazy.LazyTransform


def describe(layer: Any) -> AffineLayer | None:
    """None for other univariate transforms than zuko's affine one with its usual slope."""
    if layer.univariate is not MonotonicAffineTransform:
        return None
    linear = [own for own in layer.hyper.modules() if isinstance(own, torch.nn.Linear)]  # weights may be computed
    n_vars = linear[-1].out_features // 2
    return AffineLayer(layer.hyper, n_vars, linear[0].in_features - n_vars, SOFT_CAP, shift_first=True, joined=True)


def kind(layer: Any) -> str:
    """What the layer is called in messages."""
    if type(layer) is not MaskedAutoregressiveTransform:
        return type(layer).__name__
    function = getattr(layer.univariate, "func", layer.univariate)
    options = getattr(layer.univariate, "keywords", {})
    more = "".join(f", {name}={value}" for name, value in options.items())
    return f"MaskedAutoregressiveTransform of {getattr(function, '__name__', function)}{more}"


class FastAutoregressiveTransform(AutoregressiveTransform):
    """As zuko's, but for the inverse."""

    def __init__(self, meta: Any, passes: int, layer: AffineLayer, c: Any) -> None:
        super().__init__(meta, passes)
        self._layer, self._c = layer, c

    def _inverse(self, y: Any) -> Any:
        check_mode(self._layer)
        c = y.new_empty(0) if self._c is None else self._c
        batch = torch.broadcast_shapes(y.shape[:-1], c.shape[:-1])
        rows, contexts = (own.expand(*batch, own.shape[-1]).reshape(batch.numel(), own.shape[-1]) for own in (y, c))
        x = fast_inverse(self._layer, rows, contexts)
        return super()._inverse(y) if x is None else x.reshape(*batch, y.shape[-1])


class FastMaskedAutoregressiveTransform(MaskedAutoregressiveTransform):
    """As zuko's, but for the inverse."""

    def forward(self, c: Any = None) -> Any:
        """The transform at a context."""
        theirs, own = super().forward(c), describe(self)
        if own is None:
            return theirs
        check_context(own, c)
        return FastAutoregressiveTransform(theirs.meta, theirs.passes, own, c)


OWN, FAST = MaskedAutoregressiveTransform, FastMaskedAutoregressiveTransform
